//! What the pages show about the service.

use super::browser::Browser;
use super::webdriver::{ENTER, Locator};
use super::{Up, root};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds the service, and wants chromium"]
async fn the_overview_shows_rising_requests_without_being_reloaded() {
    let up = Up::start(&root(), &[]);
    let browser = Browser::start().await;
    browser.open(&up.url).await;
    let count =
        |text: &str| text.split_whitespace().next().and_then(|n| n.replace(',', "").parse::<u64>().ok());
    let first = browser.text_when("#requests", "requests", |text| count(text).is_some()).await;
    let first = count(&first).unwrap();
    browser.text_when("#requests", "more requests", |text| count(text).is_some_and(|n| n > first + 5)).await;
    let calls = browser
        .text_when("#content", "calls between services", |text| text.contains("Calls between services"))
        .await;
    assert!(calls.contains("httpbin") && calls.contains("sqlite"), "{calls}");
    assert_eq!(browser.faults().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds the service, and wants chromium"]
async fn the_trace_of_a_curl_opens_as_a_waterfall_of_both_services_with_three_calls_at_once() {
    let up = Up::start(&root(), &["--rate", "0"]);
    up.wait_for_service();
    let browser = Browser::start().await;
    let trace = up.call();
    browser.open(&format!("{}/traces/{trace}", up.url)).await;
    // The trace may not have arrived yet: the page reloads by itself.
    browser.text_when(".facts", "all spans", |text| text.contains("13 spans")).await;

    let rows = browser
        .script(
            "return [...document.querySelectorAll('.waterfall tbody tr')].map(row => {
                const bar = row.querySelector('rect');
                return [row.cells[0].innerText.trim(), +bar.getAttribute('x'),
                    +bar.getAttribute('x') + +bar.getAttribute('width'), bar.className.baseVal,
                    parseFloat(getComputedStyle(row.cells[0]).paddingLeft)];
            })",
        )
        .await;
    let rows: Vec<(String, f64, f64, String, f64)> = serde_json::from_value(rows).unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row.0.as_str()).collect();
    let expected = [
        "GET /handson handson",
        "handson.sleep50microsec handson",
        "GET handson",
        "GET /get httpbin",
        "GET handson",
        "GET /get httpbin",
        "POST handson",
        "POST /post httpbin",
        "PUT handson",
        "PUT /put httpbin",
        "handson.dbQuery handson",
        "SELECT users handson",
        "handson.randomError handson",
    ];
    assert_eq!(sorted(&names), sorted(&expected), "{rows:#?}");
    assert_eq!(names[0], expected[0]);
    let colours: std::collections::BTreeSet<&str> = rows.iter().map(|row| row.3.as_str()).collect();
    assert_eq!(colours.len(), 2, "a colour for each service: {rows:#?}");
    let calls: Vec<_> = rows
        .iter()
        .filter(|row| ["GET handson", "POST handson", "PUT handson"].contains(&row.0.as_str()))
        .collect();
    let (first, at_once) = calls.split_first().unwrap();
    assert!(at_once.iter().all(|call| call.1 >= first.2), "the first call is over: {calls:#?}");
    let latest_start = at_once.iter().map(|call| call.1).fold(0.0, f64::max);
    assert!(at_once.iter().all(|call| call.2 > latest_start), "three calls overlap: {calls:#?}");
    assert!(rows[0].4 < rows[1].4, "a child stands to the right of its parent: {rows:#?}");
    assert_eq!(browser.faults().await, Vec::<String>::new());
}

fn sorted(names: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds the service, and wants chromium"]
async fn spans_and_logs_are_linked_in_both_directions_and_by_keys() {
    let up = Up::start(&root(), &["--rate", "0"]);
    up.wait_for_service();
    let browser = Browser::start().await;
    let trace = up.call();
    browser.open(&format!("{}/traces/{trace}", up.url)).await;
    browser.text_when(".facts", "all spans", |text| text.contains("13 spans")).await;
    browser.text_when("#logs", "the log line", |text| text.contains("dbQuery")).await;

    browser.click(Locator::LinkText("handson.dbQuery")).await;
    browser
        .text_when("#span", "the span", |text| {
            text.contains("handson.dbQuery") && text.contains("service.name")
        })
        .await;
    browser.click(Locator::LinkText("Logs of this span")).await;
    let line = browser.text_when(".lines", "its log lines", |text| text.contains("dbQuery")).await;
    assert!(line.contains("user.name=sakura"), "{line}");
    browser.click(Locator::Css(".lines a.id")).await;
    browser.text_when(".facts", "the trace", |text| text.contains(&trace)).await;

    browser.keys("2").await;
    browser.text_when("h1", "the second page", |text| text == "Traces").await;
    browser.keys("/").await;
    browser.keys("http.route=/nowhere").await;
    browser.keys(ENTER).await;
    browser.text_when("#content", "no trace", |text| text.contains("No trace matches")).await;
    browser
        .open(&format!("{}/traces?q=http.route%3D/handson&min=1ms&status=ok&service=handson", up.url))
        .await;
    browser.keys("j").await;
    browser.keys(ENTER).await;
    browser.text_when(".facts", "the trace", |text| text.contains(&trace)).await;
    assert_eq!(browser.faults().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds the service, and wants chromium"]
async fn pages_work_without_scripts_and_fit_a_small_window() {
    let up = Up::start(&root(), &["--rate", "0"]);
    up.wait_for_service();
    let trace = up.call();
    let browser = Browser::start().await;
    browser.open(&format!("{}/traces/{trace}", up.url)).await;
    browser.text_when(".facts", "all spans", |text| text.contains("13 spans")).await;
    browser.devtools("Emulation.setScriptExecutionDisabled", serde_json::json!({ "value": true })).await;
    for path in
        ["/", "/traces", &format!("/traces/{trace}"), "/logs", "/errors", "/metrics", "/services", "/steps"]
    {
        browser.open(&format!("{}{path}", up.url)).await;
        let text = browser.text("main").await.unwrap();
        assert!(text.len() > 60, "{path}: {text}");
    }
    browser.devtools("Emulation.setScriptExecutionDisabled", serde_json::json!({ "value": false })).await;
    for path in
        ["/", "/traces", &format!("/traces/{trace}"), "/logs", "/errors", "/metrics", "/services", "/steps"]
    {
        browser.open(&format!("{}{path}", up.url)).await;
        let over = browser.script("return document.documentElement.scrollWidth - innerWidth").await;
        assert!(over.as_i64().unwrap() <= 0, "{path} is {over} pixels too wide");
    }
}
