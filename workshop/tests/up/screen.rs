//! The pages on a phone and on a large screen, light and dark, with telemetry of unusual size.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::browser::Browser;
use super::shared::{ConsoleProcess, client};
use super::webdriver::{ENTER, ESCAPE, Locator};

pub const BIG: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
/// The positions of the failed spans of the trace.
const FAILED: [u64; 3] = [700, 1_500, 2_900];

pub fn now() -> u64 {
    UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64
}

/// A running console.
pub struct Console {
    process: ConsoleProcess,
    client: reqwest::Client,
}

impl Console {
    pub fn start() -> Self {
        Self { process: ConsoleProcess::start(), client: client() }
    }

    /// The URL of its pages.
    pub fn url(&self) -> &str {
        &self.process.urls[0]
    }

    pub async fn send(&self, path: &str, body: Value) {
        let post = self
            .client
            .post(format!("{}{path}", self.process.urls[1]))
            .header("content-type", "application/json");
        assert_eq!(post.body(body.to_string()).send().await.unwrap().status().as_u16(), 200);
    }

    pub async fn spans(&self, service: &str, spans: Vec<Value>) {
        self.send("/v1/traces", json!({ "resourceSpans": [{ "resource": resource(service), "scopeSpans": [{ "spans": spans }] }] }))
            .await;
    }

    /// The page at `path`, as JSON.
    pub async fn json(&self, path: &str) -> Value {
        let get = self.client.get(format!("{}{path}", self.url())).header("accept", "application/json");
        serde_json::from_str(&get.send().await.unwrap().text().await.unwrap()).unwrap()
    }

    /// The id of an error group. A failed request without an exception counts after some seconds.
    pub async fn error_group(&self) -> String {
        for _ in 0..300 {
            if let Some(id) = self.json("/errors").await["error_groups"][0]["id"].as_str() {
                return id.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no failure was counted");
    }

    pub async fn log_record(&self, service: &str, text: &str) {
        let attributes: Vec<Value> = (0..8)
            .map(|at| json!({ "key": format!("a.long.attribute.name.{at}"), "value": { "stringValue": "with a value" } }))
            .collect();
        let record = json!({ "timeUnixNano": now().to_string(), "severityNumber": 13, "traceId": BIG,
            "body": { "stringValue": text }, "attributes": attributes });
        self.send("/v1/logs", json!({ "resourceLogs": [{ "resource": resource(service), "scopeLogs": [{ "logRecords": [record] }] }] }))
            .await;
    }
}

pub fn resource(service: &str) -> Value {
    json!({ "attributes": [{ "key": "service.name", "value": { "stringValue": service } }] })
}

pub fn span(trace: &str, id: u64, parent: u64, name: &str, failed: bool) -> Value {
    let start = now() - 60_000_000_000 + id * 1_000_000;
    json!({ "traceId": trace, "spanId": format!("{id:016x}"),
        "parentSpanId": if parent == 0 { String::new() } else { format!("{parent:016x}") },
        "name": name, "kind": 2, "startTimeUnixNano": start.to_string(),
        "endTimeUnixNano": (start + 5_000_000).to_string(),
        "status": { "code": if failed { 2 } else { 0 }, "message": "disk full" } })
}

/// A trace of 2,990 spans, a service with a long name, log records, metrics, failures and a refusal.
pub async fn send_all(console: &Console) {
    let spans = (1..=2_990)
        .map(|id| {
            let parent = if id == 1 {
                0
            } else if id % 50 == 1 {
                1
            } else if id % 50 < 6 {
                id - 1
            } else {
                id - id % 50 + 2
            };
            span(BIG, id, parent, &format!("job {id}"), FAILED.contains(&id))
        })
        .collect();
    console.spans("worker", spans).await;
    let long = "a-service-with-a-long-name-".repeat(190);
    console.spans(&long, vec![span(&"c".repeat(32), 1, 0, "GET /long", true)]).await;
    // It calls itself and a database.
    for (id, key, value) in [(2, "server.address", "127.0.0.1"), (3, "db.system.name", "sqlite")] {
        let mut call = span(&"c".repeat(32), id, 1, "call", true);
        call["kind"] = 3.into();
        call["attributes"] = json!([{ "key": key, "value": { "stringValue": value } }]);
        console.spans(&long, vec![call, span(&"c".repeat(32), 4, 2, "GET /itself", false)]).await;
    }
    for at in 0..120 {
        console.log_record(if at % 2 == 0 { &long } else { "worker" }, &format!("record {at}")).await;
    }
    for at in 0..5u64 {
        let time = (now() - (400 - at * 10) * 1_000_000_000).to_string();
        let metrics = json!([
            { "name": "connections", "gauge": { "dataPoints": [{ "timeUnixNano": time, "asDouble": 1_000 + at }] } },
            { "name": "duration", "unit": "s", "histogram": { "aggregationTemporality": 2, "dataPoints": [{
                "timeUnixNano": time, "count": (at * 10).to_string(), "sum": 1.0, "min": 0.1, "max": 0.2,
                "explicitBounds": [0.1, 0.2], "bucketCounts": ["0", (at * 10).to_string(), "0"],
                "exemplars": [{ "timeUnixNano": time, "asDouble": 0.15, "traceId": BIG }] }] } },
        ]);
        console
            .send("/v1/metrics", json!({ "resourceMetrics": [{ "resource": resource("worker"), "scopeMetrics": [{ "metrics": metrics }] }] }))
            .await;
    }
    let refused =
        console.client.post(format!("{}/v1/logs", console.process.urls[1])).body("x").send().await.unwrap();
    assert_eq!(refused.status().as_u16(), 415);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "wants chromium"]
async fn every_page_fits_a_phone_and_a_screen() {
    let console = Console::start();
    send_all(&console).await;
    let browser = Browser::start().await;
    let group = console.error_group().await;
    let mut pages: Vec<String> = [
        "/",
        "/?service=nope",
        "/traces",
        "/logs",
        "/errors",
        "/metrics",
        "/services",
        "/self",
        "/steps",
        "/guide",
    ]
    .map(str::to_owned)
    .to_vec();
    pages.push(format!("/errors/{group}"));
    pages.push(format!("/traces/{BIG}"));
    pages.push(format!("/traces/{BIG}?span={:016x}", FAILED[0]));
    pages.push(format!("/traces/{}", "d".repeat(32)));
    pages.extend(
        ["connections", "duration", "connections?group=*", "duration?group=item"]
            .map(|name| format!("/metrics/worker/{name}")),
    );
    let mut faults = Vec::new();
    for width in [390, 1_400] {
        let size = json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500 });
        browser.devtools("Emulation.setDeviceMetricsOverride", size).await;
        for path in &pages {
            browser.open(&format!("{}{path}", console.url())).await;
            let page_width = browser.script("return document.documentElement.scrollWidth").await;
            if page_width.as_i64().unwrap() > width {
                faults.push(format!("{path} is {page_width} pixels wide, of {width}"));
            }
        }
    }
    let size = json!({ "width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": true });
    browser.devtools("Emulation.setDeviceMetricsOverride", size).await;
    browser.open(&format!("{}/logs", console.url())).await;
    let height = browser.script("return document.documentElement.scrollHeight").await.as_i64().unwrap();
    if height > 100 * 100 + 1_000 {
        faults.push(format!("/logs is {height} pixels high for 100 records"));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "wants chromium"]
async fn log_records_that_one_reads_stand_still_and_new_ones_are_counted() {
    let console = Console::start();
    for at in 0..60 {
        console.log_record("worker", &format!("record {at}")).await;
    }
    let browser = Browser::start().await;
    browser.open(&format!("{}/logs", console.url())).await;
    console.log_record("worker", "at the top").await;
    browser.text_when(".lines .body", "a new record", |text| text.contains("at the top")).await;
    browser.script("scrollTo(0, 600)").await;
    let before = browser
        .script("return document.querySelectorAll('.lines summary')[20].getBoundingClientRect().top")
        .await;
    for text in ["one more", "and another"] {
        console.log_record("worker", text).await;
    }
    browser.text_when("#news", "the number of new records", |text| text.contains("2 new")).await;
    let after = browser
        .script("return document.querySelectorAll('.lines summary')[20].getBoundingClientRect().top")
        .await;
    assert_eq!(before, after);
    browser.click(Locator::Css("#news button")).await;
    browser.text_when(".lines .body", "the newest record", |text| text.contains("and another")).await;
    assert_eq!(browser.faults().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "wants chromium"]
async fn a_search_is_completed_with_the_keyboard() {
    const DOWN: &str = "\u{e015}";
    let console = Console::start();
    let trace = "e".repeat(32);
    console.spans("worker", vec![span(&trace, 1, 0, "the job", true)]).await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/traces", console.url())).await;
    browser.keys("/").await;
    browser.text_when(".completions", "keys", |text| text.contains("status")).await;
    let value = "return document.getElementById('search').value";
    for (keys, expected) in [
        ("stat", "stat"),
        (DOWN, "stat"),
        (ENTER, "status="),
        ("er", "status=er"),
        (DOWN, "status=er"),
        (ENTER, "status=error "),
        ("-serv", "status=error -serv"),
        (DOWN, "status=error -serv"),
        (ENTER, "status=error -service="),
    ] {
        browser.keys(keys).await;
        assert_eq!(browser.script(value).await, expected, "after {keys:?}");
    }
    browser.text_when(".completions", "services", |text| text == "worker").await;
    // Escape closes the list and leaves the field as it is; Enter then searches.
    browser.keys(ESCAPE).await;
    let is_open = "return document.querySelector('.completions').checkVisibility()";
    assert_eq!(browser.script(is_open).await, false);
    browser.keys("nobody").await;
    browser.keys(ENTER).await;
    browser.text_when("#content", "the trace", |text| text.contains("the job")).await;
    assert_eq!(browser.script(value).await, "status=error -service=nobody");
    assert_eq!(browser.faults().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "wants chromium"]
async fn an_error_among_thousands_of_spans_is_reached_by_key_and_found_and_others_are_folded() {
    let console = Console::start();
    send_all(&console).await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/traces/{BIG}", console.url())).await;
    browser.text_when(".facts", "the errors", |text| text.contains("3 errors")).await;
    for (key, position) in [("n", 0), ("n", 1), ("n", 2), ("N", 1)] {
        browser.keys(key).await;
        let name = format!("job {}", FAILED[position]);
        browser.text_when("#span h2", "the next error", |text| text == name).await;
        let is_visible = "const place = document.querySelector('tr.chosen').getBoundingClientRect();
            return place.top >= 0 && place.bottom <= innerHeight";
        assert_eq!(browser.script(is_visible).await, true, "{name} is visible");
    }
    browser.open(&format!("{}/traces/{BIG}?find=status%3Derror", console.url())).await;
    let rows = "return [...document.querySelectorAll('.waterfall tbody tr')].filter(row => row.checkVisibility()).length";
    let found = browser.script(rows).await.as_u64().unwrap();
    assert!((4..40).contains(&found), "the failed spans and their ancestors: {found}");
    browser.open(&format!("{}/traces/{BIG}", console.url())).await;
    browser.click(Locator::Css("#fold-all")).await;
    assert!(browser.script(rows).await.as_u64().unwrap() < 100);
    browser.click(Locator::Css(".fold")).await;
    // What is folded stays so when the page updates itself.
    let folded = browser.script(rows).await;
    console.spans("worker", vec![span(BIG, 5_000, 1, "the last job", false)]).await;
    browser.text_when(".facts", "one more span", |text| text.contains("2991 spans")).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let now_folded = browser.script(rows).await;
    assert!(
        now_folded == folded || now_folded.as_u64() == folded.as_u64().map(|rows| rows + 1),
        "{folded} {now_folded}"
    );
    assert_eq!(browser.faults().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "wants chromium"]
async fn times_are_shown_in_utc_or_in_local_time_and_the_choice_is_kept_by_all_pages_and_updates() {
    let console = Console::start();
    // 2026-01-02T03:04:05Z
    let mut first = span(&"a".repeat(32), 1, 0, "GET /utc", false);
    first["startTimeUnixNano"] = "1767323045678000000".into();
    first["endTimeUnixNano"] = "1767323045679000000".into();
    console.spans("worker", vec![first.clone()]).await;
    let browser = Browser::start().await;
    browser.devtools("Emulation.setTimezoneOverride", json!({ "timezoneId": "Asia/Tokyo" })).await;
    browser.open(&format!("{}/traces", console.url())).await;
    browser.text_when("#zone", "the zone", |text| text == "Times: UTC").await;
    let heading = "thead th";
    assert_eq!(browser.text(heading).await.unwrap(), "Time (UTC)");
    assert_eq!(browser.text("tbody td").await.unwrap(), "03:04:05.678");

    browser.click(Locator::Css("#zone")).await;
    browser.text_when("#zone", "the zone", |text| text == "Times: UTC+09:00").await;
    assert_eq!(browser.text(heading).await.unwrap(), "Time (UTC+09:00)");
    assert_eq!(browser.text("tbody td").await.unwrap(), "12:04:05.678");
    // The page updates itself.
    first["traceId"] = "b".repeat(32).into();
    first["name"] = "GET /local".into();
    console.spans("worker", vec![first]).await;
    browser.text_when("tbody", "a new trace", |text| text.contains("GET /local")).await;
    assert_eq!(browser.text("tbody td").await.unwrap(), "12:04:05.678");
    browser.click(Locator::Css("tbody a.row")).await;
    browser.text_when(".facts", "the trace", |text| text.contains("2026-01-02T12:04:05.678+09:00")).await;

    browser.keys("u").await;
    browser.text_when(".facts", "the trace", |text| text.contains("2026-01-02T03:04:05.678Z")).await;
    assert_eq!(browser.faults().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "wants chromium"]
async fn a_question_mark_lists_the_keys_in_a_dialog_and_escape_closes_it() {
    let console = Console::start();
    let browser = Browser::start().await;
    browser.open(&format!("{}/traces", console.url())).await;
    browser.text_when("#live", "the script runs", |text| text == "live").await;
    let is_open = "return document.getElementById('help').matches(':modal')";
    assert_eq!(browser.script(is_open).await, false);
    browser.keys("?").await;
    let keys = browser.text_when("#help", "the keys", |text| text.contains("failed span")).await;
    for text in ["1–8", "Overview, Traces", "n N", "Esc", "?"] {
        assert!(keys.contains(text), "{text}: {keys}");
    }
    assert_eq!(browser.script(is_open).await, true);
    // Other keys do nothing while it is open.
    browser.keys("1").await;
    assert_eq!(browser.script("return location.pathname").await, "/traces");
    browser.keys(ESCAPE).await;
    assert_eq!(browser.script(is_open).await, false);
    browser.click(Locator::Css(".show-help")).await;
    assert_eq!(browser.script(is_open).await, true);
    browser.click(Locator::Css("#help button")).await;
    assert_eq!(browser.script(is_open).await, false);
    assert_eq!(browser.faults().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "wants chromium"]
async fn a_time_is_chosen_and_kept_without_scripts_and_a_part_of_a_chart_opens_its_traces() {
    let console = Console::start();
    send_all(&console).await;
    let browser = Browser::start().await;
    browser.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    browser.open(&format!("{}/logs?service=worker", console.url())).await;
    browser.click(Locator::LinkText("last 5 min")).await;
    browser.text_when(".time-ranges [aria-current]", "the choice", |text| text == "last 5 min").await;
    browser.click(Locator::LinkText("Traces")).await;
    browser.text_when("h1", "the other page", |text| text == "Traces").await;
    browser.text_when(".time-ranges [aria-current]", "the same choice", |text| text == "last 5 min").await;
    browser.click(Locator::Css(".time-ranges summary")).await;
    browser.click(Locator::Css("[name=to]")).await;
    browser.keys("2026-01-02 03:04").await;
    browser.click(Locator::Css(".time-range button")).await;
    browser.text_when("#content", "nothing", |text| text.contains("No trace matches")).await;
    browser.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": false })).await;

    browser.open(&format!("{}/?service=worker", console.url())).await;
    browser.text_when("#requests", "requests", |text| text.contains("2990")).await;
    browser.click(Locator::Css(".times a:nth-child(2)")).await;
    browser.text_when("h1", "the traces", |text| text == "Traces").await;
    let address = browser.script("return location.search").await;
    let address = address.as_str().unwrap();
    assert!(address.starts_with("?service=worker&from=") && address.contains("&to="), "{address}");
    assert_eq!(browser.faults().await, Vec::<String>::new());
}
