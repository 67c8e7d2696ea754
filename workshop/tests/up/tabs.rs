//! The languages of a chapter are tabs.

use serde_json::json;

use super::browser::Browser;
use super::webdriver::{ARROW_RIGHT, Locator};
use super::{Up, root};

/// The buttons that are checked, and the sections that are visible.
async fn chosen(browser: &Browser) -> String {
    let chosen = browser
        .script(
            "const checked = [...document.querySelectorAll('.languages :checked')].map(button => button.value);
             const sections = [...document.querySelectorAll('.languages > section')];
             const visible = sections.filter(section => section.checkVisibility());
             return [...checked, ...visible.map(section => section.dataset.language)].join(' ')",
        )
        .await;
    chosen.as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds the service, and wants chromium"]
async fn the_languages_of_a_chapter_are_tabs_for_mouse_and_keys_and_the_next_chapter_keeps_the_choice() {
    let up = Up::start(&root(), &["--rate", "0"]);
    let browser = Browser::start().await;
    let chapter = async |path: &str| browser.open(&format!("{}/guide/{path}", up.url)).await;
    chapter("en/03-server-spans.md").await;
    assert_eq!(chosen(&browser).await, "Rust Rust");
    let text = browser.text(".languages").await.unwrap();
    assert!(text.contains("ServerLayer") && !text.contains("otelhttp.NewHandler"), "{text}");

    browser.click(Locator::Css(".languages > label:nth-of-type(2)")).await;
    assert_eq!(chosen(&browser).await, "Go Go");
    let text = browser.text(".languages").await.unwrap();
    assert!(text.contains("otelhttp.NewHandler") && !text.contains("ServerLayer"), "{text}");
    browser.script("document.querySelector('.languages :checked').focus()").await;
    browser.keys(ARROW_RIGHT).await;
    assert_eq!(chosen(&browser).await, "Python Python");

    chapter("ja/04-client-spans.md").await;
    assert_eq!(chosen(&browser).await, "Python Python");
    // A link to a section, as in the results of a search, chooses its tab.
    chapter("en/05-db-spans.md#go").await;
    assert_eq!(chosen(&browser).await, "Go Go");
    assert_eq!(browser.faults().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds the service, and wants chromium"]
async fn the_tabs_of_a_chapter_work_without_scripts_and_fit_a_small_window() {
    let up = Up::start(&root(), &["--rate", "0"]);
    let browser = Browser::start().await;
    let size = json!({ "width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": false });
    browser.devtools("Emulation.setDeviceMetricsOverride", size).await;
    browser.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    browser.open(&format!("{}/guide/en/05-db-spans.md", up.url)).await;
    browser.click(Locator::Css(".languages > label:nth-of-type(3)")).await;
    let text = browser.text(".languages").await.unwrap();
    assert!(text.contains("dbapi.instrument_connection") && !text.contains("otelsql.Open"), "{text}");
    browser.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": false })).await;
    for language in 1..=3 {
        browser.click(Locator::Css(&format!(".languages > label:nth-of-type({language})"))).await;
        let over = browser.script("return document.documentElement.scrollWidth - innerWidth").await;
        assert!(over.as_i64().unwrap() <= 0, "tab {language} is {over} pixels too wide");
    }
}
