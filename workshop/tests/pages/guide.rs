//! The guide in the console: chapters in both languages, pictures, search, and no other files.

use std::fs;
use std::path::Path;

use super::Console;

#[tokio::test]
async fn a_chapter_is_rendered_in_both_languages_and_linked_from_the_others() {
    let console = Console::start();
    let (status, english) = console.html("/guide/en/09-alert.md").await;
    assert_eq!(status, 200);
    for expected in [
        "<h1>9 · Get an alert when too many requests fail</h1>",
        "<h2 id=\"what-to-look-up\">What to look up</h2>",
        "<details><summary>Hint</summary>",
        "href=\"/guide/ja/09-alert.md\"",
        "href=\"08-metrics.md\"",
        // A file outside the guide has no page, so its path is shown instead of a link.
        "<code>docs/console.md</code>",
    ] {
        assert!(english.contains(expected), "{expected:?} is missing in {english}");
    }
    assert!(!english.contains("../../../"), "{english}");
    let (status, japanese) = console.html("/guide/ja/09-alert.md").await;
    assert_eq!(status, 200);
    assert!(japanese.contains("<h1>9 · 失敗が増えたら通知を受け取る</h1>"), "{japanese}");
}

#[tokio::test]
async fn the_guide_begins_with_the_contents_in_the_language_of_the_browser() {
    let console = Console::start();
    for (accepts, title) in
        [("ja,en;q=0.5", "<h1>ガイド</h1>"), ("fr,ja", "<h1>ガイド</h1>"), ("fr", "<h1>The guide</h1>")]
    {
        let get = console.client.get(format!("{}/guide", console.url)).header("accept-language", accepts);
        let page = get.send().await.unwrap().text().await.unwrap();
        assert!(page.contains(title), "{accepts}: {page}");
    }
}

#[tokio::test]
async fn every_picture_of_the_guide_is_served() {
    let console = Console::start();
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("guide");
    let mut count = 0;
    for folder in ["en/pictures", "ja/pictures", "pictures"] {
        for picture in fs::read_dir(guide.join(folder)).unwrap() {
            let name = picture.unwrap().file_name().into_string().unwrap();
            let answer =
                console.client.get(format!("{}/guide/{folder}/{name}", console.url)).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{folder}/{name}");
            let content_type = answer.headers()["content-type"].to_str().unwrap();
            assert!(["image/svg+xml", "image/png"].contains(&content_type), "{name}: {content_type}");
            count += 1;
        }
    }
    assert!(count >= 10, "{count} pictures");
}

#[tokio::test]
async fn search_finds_the_sections_that_have_all_words() {
    let console = Console::start();
    let (_, page) = console.html("/guide/en/README.md?q=THRESHOLD+window").await;
    assert!(page.contains("<a href=\"09-alert.md#what-goes-wrong-most-often\">"), "{page}");
    assert!(!page.contains("<article"), "{page}");
    let (_, page) = console.html("/guide/ja/README.md?q=%E3%81%97%E3%81%8D%E3%81%84%E5%80%A4").await;
    assert!(page.contains("<a href=\"09-alert.md#"), "{page}");
    let (status, page) = console.html("/guide/en/README.md?q=%3Cscript%3Enowhere").await;
    assert!(status == 200 && page.contains("0 found: &lt;script&gt;nowhere"), "{page}");
}

#[tokio::test]
async fn search_finds_japanese_words_that_are_broken_over_two_lines() {
    let console = Console::start();
    let chapter = concat!(env!("CARGO_MANIFEST_DIR"), "/guide/ja/02-first-span.md");
    let lines: Vec<String> = std::fs::read_to_string(chapter).unwrap().lines().map(str::to_owned).collect();
    let is_japanese = |text: &str| text.chars().all(|letter| letter.is_alphabetic() && !letter.is_ascii());
    let broken = lines.windows(2).filter_map(|lines| {
        let end: String = lines[0].chars().skip(lines[0].chars().count().checked_sub(4)?).collect();
        let start: String = lines[1].chars().take(4).collect();
        (start.chars().count() == 4 && is_japanese(&end) && is_japanese(&start)).then(|| end + &start)
    });
    let broken: Vec<String> = broken.collect();
    assert!(!broken.is_empty(), "no word is broken");
    for word in broken {
        let query: String = word.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let (_, page) = console.html(&format!("/guide/ja/README.md?q={query}")).await;
        assert!(page.contains("<a href=\"02-first-span.md#"), "{word}: {page}");
    }
}

#[tokio::test]
async fn only_the_guide_is_served() {
    let console = Console::start();
    for path in [
        "/guide/en/nothing.md",
        "/guide/en",
        "/guide/..%2F..%2FCargo.toml",
        "/guide/en/..%2F..%2F..%2FREADME.md",
        "/guide/%2Fetc%2Fpasswd",
        "/guide/en/%2e%2e/%2e%2e/steps.toml",
    ] {
        let (status, page) = console.html(path).await;
        assert_eq!(status, 404, "{path}: {page}");
    }
}

#[tokio::test]
async fn a_chapter_is_available_as_markdown() {
    let console = Console::start();
    let chapter = console.json("/guide/en/09-alert.md").await;
    assert_eq!(chapter["title"], "9 · Get an alert when too many requests fail");
    assert!(chapter["markdown"].as_str().unwrap().starts_with("# 9 · "), "{chapter}");
}

#[tokio::test]
async fn the_sections_of_languages_are_tabs_and_the_first_is_chosen() {
    let console = Console::start();
    for (lang, legend) in [("en", "Programming language"), ("ja", "プログラミング言語")] {
        let (_, page) = console.html(&format!("/guide/{lang}/04-client-spans.md")).await;
        let (before, rest) = page.split_once("<fieldset class=\"languages\">").unwrap();
        let (tabs, after) = rest.split_once("</fieldset>").unwrap();
        let buttons = ["Rust", "Go", "Python"].map(|name| {
            let checked = if name == "Rust" { " checked" } else { "" };
            format!(
                "<label><input type=\"radio\" name=\"language-1\" value=\"{name}\"{checked}>{name}</label>\n"
            )
        });
        assert!(tabs.starts_with(&format!("<legend>{legend}</legend>\n{}", buttons.concat())), "{tabs}");
        let sections: Vec<&str> = tabs.split("<section data-language=\"").skip(1).collect();
        for (section, (name, code)) in sections.iter().zip([
            ("Rust", "<code class=\"language-rust\">let client"),
            ("Go", "<code class=\"language-go\">func newHTTPBin"),
            ("Python", "<code class=\"language-python\">HTTPXClientInstrumentor"),
        ]) {
            let heading = format!("{name}\">\n<h3 id=\"{}\">{name}</h3>", name.to_lowercase());
            assert!(section.starts_with(&heading) && section.contains(code), "{section}");
            assert_eq!(section.matches("</section>").count(), 1, "{section}");
        }
        assert_eq!(sections.len(), 3, "{tabs}");
        // The headings around them are not part of any tab.
        assert!(before.contains("<h2 ") && after.trim_start().starts_with("<h2 "), "{after:.80}");
    }
    let (_, page) = console.html("/guide/en/09-alert.md").await;
    assert!(!page.contains("<fieldset"), "{page}");
}

#[tokio::test]
async fn search_leads_to_the_section_of_a_language() {
    let console = Console::start();
    let (_, page) = console.html("/guide/en/README.md?q=otelhttp+transport").await;
    assert!(page.contains("<a href=\"04-client-spans.md#go\">"), "{page}");
}
