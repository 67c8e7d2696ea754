//! The texts of the workshop's pages. English text is the key, as in the console.

use std::sync::LazyLock;

use console::Lang;
use console::lang::Translations;

/// English, which is the key, and Japanese.
const TEXTS: &[(&str, &str)] = &[
    ("Steps", "ステップ"),
    ("Guide", "ガイド"),
    ("Steps of {backend}", "{backend} のステップ"),
    ("This console was started without a backend.", "このコンソールはバックエンドなしで起動しています。"),
    (
        "Create one, and start it with the console:",
        "バックエンドを作成し、コンソールと一緒に起動してください。",
    ),
    ("Checking …", "判定中…"),
    ("Check now", "今すぐ判定"),
    (
        "It runs on other ports while it is checked; this takes some seconds.",
        "判定の間は別のポートで動きます。数秒かかります。",
    ),
    ("or in a terminal:", "またはターミナルで:"),
    ("{backend} does not build", "{backend} のビルドに失敗しました"),
    (
        "The program that runs and the results below are those of an older version. The first error:",
        "動作中のプログラムと以下の結果は、以前のバージョンのものです。最初のエラー:",
    ),
    ("passed", "合格"),
    ("failed", "不合格"),
    ("not begun", "未着手"),
    ("not checked", "未判定"),
    ("This console has no guide.", "このコンソールにはガイドがありません。"),
    ("The guide has no such page.", "ガイドにそのページはありません。"),
    (
        "The guide is a part of the repository. This shows it, in a folder of the repository:",
        "ガイドはリポジトリに含まれています。リポジトリのフォルダーで次のコマンドを実行すると表示できます。",
    ),
    ("Programming language", "プログラミング言語"),
    ("Search the guide", "ガイドを検索"),
    ("Search", "検索"),
    ("{n} found: {words}", "{n} 件: {words}"),
];

static JAPANESE: LazyLock<Translations> = LazyLock::new(|| TEXTS.iter().copied().collect());

/// The translation of an English text of the workshop's pages.
pub(super) fn tr(lang: Lang, english: &'static str) -> &'static str {
    lang.translated(&JAPANESE, english)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot continue should panic")]

    use std::collections::BTreeSet;
    use std::path::Path;

    use super::{JAPANESE, TEXTS};

    #[test]
    fn every_text_of_the_pages_has_a_japanese_translation_and_no_translation_is_unused() {
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut used = BTreeSet::new();
        for file in ["pages.rs", "pages/guide.rs", "pages/steps.rs"] {
            let source = std::fs::read_to_string(pages.join(file)).unwrap();
            for call in source.split("tr(lang, ").skip(1) {
                let text = call.strip_prefix('"').and_then(|rest| Some(rest.split_once('"')?.0));
                used.insert(text.unwrap_or_else(|| panic!("{file}: not a literal: {call:.60}")).to_owned());
            }
        }
        let translated: BTreeSet<String> = JAPANESE.keys().map(|key| (*key).to_owned()).collect();
        assert_eq!(used, translated);
        assert_eq!(JAPANESE.len(), TEXTS.len(), "a text is translated twice");
    }
}
