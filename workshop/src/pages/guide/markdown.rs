//! Converts chapters to HTML, and splits them into sections.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::tabs::with_tabs;

/// The heading in the first line, and the text after it.
pub(super) fn title(text: &str) -> (&str, &str) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    first.strip_prefix("# ").map_or(("Guide", text), |title| (title, rest))
}

/// The chapters in the order of the contents, each with file and title.
pub(super) fn chapters(contents: &str) -> Vec<(String, String)> {
    let mut chapters = Vec::new();
    let mut to = None;
    for event in Parser::new_ext(contents, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Link { dest_url, .. })
                if dest_url.ends_with(".md") && !dest_url.contains('/') =>
            {
                to = Some((dest_url.to_string(), String::new()));
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some((_, title)) = &mut to {
                    title.push_str(&text);
                }
            }
            Event::End(TagEnd::Link) => chapters.extend(to.take()),
            _ => {}
        }
    }
    chapters
}

/// A chapter as HTML. The text comes from the repository, so the HTML in it is trusted and kept. Headings get
/// anchors; a link that leads out of the guide becomes the path of the file in the repository. The sections
/// of languages become tabs, and `languages` is the name of the group.
pub(super) fn html(text: &str, languages: &str) -> String {
    let mut events: Vec<Event<'_>> = Vec::new();
    let mut heading: Option<usize> = None;
    let mut outside: Option<CowStr<'_>> = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match &event {
            Event::Start(Tag::Heading { .. }) => heading = Some(events.len()),
            Event::End(TagEnd::Heading(_)) => {
                if let Some(start) = heading.take() {
                    let words = plain(&events[start..]);
                    if let Event::Start(Tag::Heading { id, .. }) = &mut events[start] {
                        *id = Some(anchor(&words).into());
                    }
                }
            }
            Event::Start(Tag::Link { dest_url, .. }) if dest_url.starts_with("../..") => {
                outside = Some(dest_url.clone());
                continue;
            }
            Event::End(TagEnd::Link) => {
                if let Some(url) = outside.take() {
                    let path = url.split('#').next().unwrap_or_default().trim_start_matches("../");
                    events.push(Event::Text(" (".into()));
                    events.push(Event::Code(path.to_owned().into()));
                    events.push(Event::Text(")".into()));
                    continue;
                }
            }
            _ => {}
        }
        events.push(event);
    }
    let mut html = String::new();
    let events = with_tabs(without_breaks_in_japanese(events), languages);
    pulldown_cmark::html::push_html(&mut html, events.into_iter());
    // Code that is wider than the window can be scrolled by keys. In a text, `<` is escaped.
    html.replace("<pre>", "<pre tabindex=\"0\">")
}

/// Removes line breaks between Japanese characters, where a space would be wrong.
fn without_breaks_in_japanese(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let is_japanese = |letter: Option<char>| letter.is_some_and(|letter| !letter.is_ascii());
    let is_within = |index: usize| match (
        index.checked_sub(1).and_then(|before| events.get(before)),
        events.get(index + 1),
    ) {
        (Some(Event::Text(before)), Some(Event::Text(after))) => {
            is_japanese(before.chars().next_back()) && is_japanese(after.chars().next())
        }
        _ => false,
    };
    let dropped: Vec<bool> =
        (0..events.len()).map(|index| events[index] == Event::SoftBreak && is_within(index)).collect();
    events.into_iter().zip(dropped).filter(|(_, dropped)| !dropped).map(|(event, _)| event).collect()
}

/// A heading and the text up to the next heading.
pub(super) struct Section {
    pub(super) heading: String,
    pub(super) anchor: String,
    text: String,
}

pub(super) fn sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut in_heading = false;
    for event in without_breaks_in_japanese(Parser::new_ext(text, Options::ENABLE_TABLES).collect()) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                in_heading = true;
                let anchor = if level == HeadingLevel::H1 { "main" } else { "" };
                sections.push(Section {
                    heading: String::new(),
                    anchor: anchor.to_owned(),
                    text: String::new(),
                });
            }
            Event::End(TagEnd::Heading(_)) => {
                in_heading = false;
                if let Some(section) = sections.last_mut().filter(|section| section.anchor.is_empty()) {
                    section.anchor = anchor(&section.heading);
                }
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(section) = sections.last_mut() {
                    if in_heading { section.heading.push_str(&text) } else { section.text.push_str(&text) }
                }
            }
            Event::SoftBreak
            | Event::HardBreak
            | Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::TableCell) => {
                if let Some(section) = sections.last_mut() {
                    section.text.push(' ');
                }
            }
            _ => {}
        }
    }
    sections
}

impl Section {
    /// The text around the first of `words`, if all of them occur. The words are in lower case.
    pub(super) fn excerpt(&self, words: &[String]) -> Option<String> {
        let whole = format!("{} {}", self.heading, self.text).to_lowercase();
        words.iter().all(|word| whole.contains(word)).then_some(())?;
        let letters: Vec<char> = self.text.chars().collect();
        // Lower case can change the length of a text, so the match is searched character by character.
        let first: Vec<char> = words.first()?.chars().collect();
        let same = |window: &[char]| {
            window.iter().zip(&first).all(|(letter, wanted)| letter.to_lowercase().next() == Some(*wanted))
        };
        let at = letters.windows(first.len().max(1)).position(same).unwrap_or(0);
        let (from, to) = (at.saturating_sub(60), (at + 140).min(letters.len()));
        let (before, after) = (if from > 0 { "… " } else { "" }, if to < letters.len() { " …" } else { "" });
        Some(format!("{before}{}{after}", letters[from..to].iter().collect::<String>()))
    }
}

fn plain(events: &[Event<'_>]) -> String {
    let text = events.iter().filter_map(|event| match event {
        Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
        _ => None,
    });
    text.collect()
}

/// The anchor that GitHub would generate: `what-to-look-up`.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|letter| letter.is_alphanumeric() || "-_".contains(*letter)).collect()
}
