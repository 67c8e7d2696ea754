//! The languages of the pages. English text is the key, as in gettext; `lang/ja.rs` has the translations.

mod ja;

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::LazyLock;

use axum::http::{HeaderMap, header};

/// A language in which the pages exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Japanese.
    Ja,
}

/// English texts and their translations.
pub type Translations = HashMap<&'static str, &'static str>;

static JAPANESE: LazyLock<Translations> = LazyLock::new(|| ja::TEXTS.iter().copied().collect());

impl Lang {
    /// The code for the attribute `lang`, such as `ja`.
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ja => "ja",
        }
    }

    /// The language with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::En, Self::Ja].into_iter().find(|lang| lang.code() == code)
    }

    /// The language that a browser prefers by `Accept-Language`; English if it accepts neither.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let ranges = accepted.unwrap_or_default().split(',').filter_map(|range| {
            let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
            let lang = Self::from_code(tag.split('-').next().unwrap_or(tag).trim())?;
            let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
            Some((lang, weight.unwrap_or_default()))
        });
        // The first of those with the highest weight.
        let preferred = ranges.fold(None, |best: Option<(Self, f32)>, (lang, weight)| match best {
            Some((_, best_weight)) if weight <= best_weight => best,
            _ => (weight > 0.0).then_some((lang, weight)).or(best),
        });
        preferred.map_or(Self::En, |(lang, _)| lang)
    }

    /// The translation of an English text of the console.
    pub fn tr(self, english: &'static str) -> &'static str {
        self.translated(&JAPANESE, english)
    }

    /// The translation with `{name}` replaced by the argument of that name.
    pub fn trf(self, english: &'static str, arguments: &[(&str, &dyn Display)]) -> String {
        fill(self.tr(english), arguments)
    }

    /// The translation of `one` or `many`, with `{n}` replaced. Japanese has no plural: the key is `many`.
    pub fn plural(self, n: u64, one: &'static str, many: &'static str) -> String {
        let text = if self == Self::En && n == 1 { one } else { self.tr(many) };
        fill(text, &[("n", &n)])
    }

    /// The translation from the table of another program, see [`crate::Extension`].
    pub fn translated(self, japanese: &Translations, english: &'static str) -> &'static str {
        match self {
            Self::En => english,
            Self::Ja => japanese.get(english).copied().unwrap_or(english),
        }
    }
}

/// Marks a text for translation that is translated later, when it is shown.
pub(crate) const fn tr_noop(english: &'static str) -> &'static str {
    english
}

/// `text` with `{name}` replaced by the argument of that name.
pub fn fill(text: &str, arguments: &[(&str, &dyn Display)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let argument = after.split_once('}').and_then(|(name, after)| {
            let (_, value) = arguments.iter().find(|(known, _)| *known == name)?;
            Some((value, after))
        });
        match argument {
            Some((value, after)) => {
                filled.push_str(&value.to_string());
                rest = after;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot continue should panic")]

    use std::collections::BTreeSet;
    use std::path::Path;

    use axum::http::{HeaderMap, HeaderValue, header};

    use super::{JAPANESE, Lang, fill, ja};

    #[test]
    fn the_language_is_the_one_that_the_browser_prefers() {
        for (accepted, expected) in [
            ("ja,en;q=0.5", Lang::Ja),
            ("en-US,en;q=0.9,ja;q=0.8", Lang::En),
            ("fr,ja;q=0.3", Lang::Ja),
            ("en;q=0.2, ja-JP;q=0.7", Lang::Ja),
            ("ja;q=0,fr", Lang::En),
            ("", Lang::En),
        ] {
            let headers =
                HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, HeaderValue::from_static(accepted))]);
            assert_eq!(Lang::from_headers(&headers), expected, "{accepted:?}");
        }
    }

    #[test]
    fn arguments_are_filled_in_by_name_and_only_once() {
        let (name, n) = ("{n}", 2);
        assert_eq!(fill("{n} of {name}, {other}", &[("name", &name), ("n", &n)]), "2 of {n}, {other}");
    }

    /// The texts that a source file passes to `tr`, `trf`, `plural` and `tr_noop`.
    fn texts_of(source: &str) -> BTreeSet<String> {
        let mut texts = BTreeSet::new();
        for (call, key) in [("tr(", 0), ("trf(", 0), ("tr_noop(", 0), ("plural(", 1)] {
            for (at, _) in source.match_indices(call) {
                let before = source[..at].chars().next_back();
                let call_site = &source[at + call.len()..];
                if before.is_some_and(|letter| letter == '_' || letter.is_alphanumeric()) {
                    continue;
                }
                let mut literals = call_site.split('"').skip(1).step_by(2);
                let begins_with_literal = call_site.trim_start().starts_with('"');
                if (key == 1 || begins_with_literal)
                    && let Some(text) = literals.nth(key)
                {
                    texts.insert(text.to_owned());
                }
            }
        }
        texts
    }

    fn sources(folder: &Path) -> Vec<String> {
        let mut sources = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources.extend(sources_of_pages(&path));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(std::fs::read_to_string(&path).unwrap());
            }
        }
        sources
    }

    fn sources_of_pages(folder: &Path) -> Vec<String> {
        if folder.ends_with("lang") { Vec::new() } else { sources(folder) }
    }

    #[test]
    fn every_text_has_a_japanese_translation_and_no_translation_is_unused() {
        let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        let used: BTreeSet<String> = sources
            .iter()
            .filter(|source| !source.contains("fn texts_of"))
            .flat_map(|source| texts_of(source))
            .collect();
        let translated: BTreeSet<String> = JAPANESE.keys().map(|key| (*key).to_owned()).collect();
        assert!(used.len() > 50, "the texts of the sources were not found: {used:?}");
        let missing: Vec<_> = used.difference(&translated).collect();
        let unused: Vec<_> = translated.difference(&used).collect();
        assert!(missing.is_empty() && unused.is_empty(), "missing: {missing:#?}\nunused: {unused:#?}");
        assert_eq!(JAPANESE.len(), ja::TEXTS.len(), "a text is translated twice");
        for (english, japanese) in ja::TEXTS {
            let names = |text: &str| -> BTreeSet<String> {
                text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.to_owned())).collect()
            };
            assert_eq!(names(english), names(japanese), "{english}");
        }
    }
}
