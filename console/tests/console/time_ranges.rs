//! The time that pages show, in their addresses and links; and the log records around another one.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{Console, now, span, spans};

const SECOND: u64 = 1_000_000_000;

/// RFC 3339, of nanoseconds since 1970.
fn time(nanoseconds: u64) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_nanos(nanoseconds)).to_string()
}

fn resource(service: &str) -> Value {
    json!({ "attributes": [{ "key": "service.name", "value": { "stringValue": service } }] })
}

/// A SERVER span that ended at `end`.
fn request(trace: u32, end: u64, more: Value) -> Value {
    let mut span = span(&format!("{trace:032x}"), "00000000000000a1", "", "GET /cart", more);
    span["kind"] = 2.into();
    span["startTimeUnixNano"] = (end - 10_000_000).to_string().into();
    span["endTimeUnixNano"] = end.to_string().into();
    span
}

async fn log(console: &Console, service: &str, text: &str, time: u64, more: Value) {
    let mut record =
        json!({ "timeUnixNano": time.to_string(), "severityNumber": 9, "body": { "stringValue": text } });
    for (key, value) in more.as_object().unwrap() {
        record[key] = value.clone();
    }
    let body = json!({ "resourceLogs": [{ "resource": resource(service), "scopeLogs": [{ "logRecords": [record] }] }] });
    assert_eq!(console.send_json("/v1/logs", &body).await.0, 200);
}

/// Texts of log records, in the order of the page.
fn texts(json: &Value) -> Vec<String> {
    let groups = json["resourceLogs"].as_array().unwrap_or_else(|| panic!("{json}")).iter();
    let records = groups.flat_map(|group| group["scopeLogs"][0]["logRecords"].as_array().unwrap());
    records.map(|record| record["body"]["stringValue"].as_str().unwrap().to_owned()).collect()
}

/// A trace, a log record, a failure and a value 10 minutes ago, and now.
async fn start_with_telemetry() -> (Console, u64) {
    let console = Console::start(&[]);
    let now = now();
    for (trace, time) in [(1, now - 600 * SECOND), (2, now)] {
        let exception = json!({ "timeUnixNano": time.to_string(), "name": "exception", "attributes": [
            { "key": "exception.type", "value": { "stringValue": "Timeout" } }] });
        let failed = request(trace, time, json!({ "status": { "code": 2 }, "events": [exception] }));
        console.send_json("/v1/traces", &spans("shop", vec![failed])).await;
        log(
            &console,
            "shop",
            &format!("record {trace}"),
            time,
            json!({ "traceId": format!("{trace:032x}") }),
        )
        .await;
        let point = json!({ "timeUnixNano": time.to_string(), "asDouble": trace, "exemplars": [
            { "timeUnixNano": time.to_string(), "asDouble": 1, "traceId": format!("{trace:032x}") }] });
        let metrics = json!([{ "name": "queue", "gauge": { "dataPoints": [point] } }]);
        let body = json!({ "resourceMetrics": [{ "resource": resource("shop"), "scopeMetrics": [{ "metrics": metrics }] }] });
        assert_eq!(console.send_json("/v1/metrics", &body).await.0, 200);
    }
    (console, now)
}

#[tokio::test]
async fn every_page_shows_only_the_chosen_time() {
    let (console, now) = start_with_telemetry().await;
    let absolute = |from: u64, to: u64| format!("?from={}&to={}", time(from), time(to));
    for (query, shown) in [
        ("".to_owned(), vec![2, 1]),
        ("?last=all".to_owned(), vec![2, 1]),
        ("?last=15m".to_owned(), vec![2, 1]),
        ("?last=5m".to_owned(), vec![2]),
        ("?from=&to=".to_owned(), vec![2, 1]),
        (absolute(now - 660 * SECOND, now - 540 * SECOND), vec![1]),
        (format!("?from={}", time(now - 60 * SECOND)), vec![2]),
        (format!("?to={}", time(now - 60 * SECOND)), vec![1]),
        (absolute(now - 300 * SECOND, now - 240 * SECOND), vec![]),
    ] {
        let count = shown.len();
        let traces = console.json(&format!("/traces{query}")).await["traces"].clone();
        let ids: Vec<String> = shown.iter().map(|trace| format!("{trace:032x}")).collect();
        let found: Vec<&str> =
            traces.as_array().unwrap().iter().map(|trace| trace["trace_id"].as_str().unwrap()).collect();
        assert_eq!(found, ids, "traces{query}");
        let records: Vec<String> = shown.iter().map(|trace| format!("record {trace}")).collect();
        assert_eq!(texts(&console.json(&format!("/logs{query}")).await), records, "logs{query}");
        let groups = console.json(&format!("/errors{query}")).await["error_groups"].clone();
        let failures = match groups.as_array().unwrap().first() {
            Some(group) => group["count_in_range"].as_u64().or(group["count"].as_u64()).unwrap(),
            None => 0,
        };
        assert_eq!(failures, count as u64, "errors{query}: {groups}");
        let instruments = console.json(&format!("/metrics{query}")).await["count"].clone();
        assert_eq!(instruments, usize::from(count > 0), "metrics{query}");
        let samples =
            console.json(&format!("/metrics/shop/queue{query}")).await["series"][0]["samples"].clone();
        let values = samples.as_array().map_or(0, Vec::len);
        assert_eq!(values, count, "metrics/shop/queue{query}: {samples}");
        let separator = if query.is_empty() { "?" } else { "&" };
        let grouped = console.json(&format!("/metrics/shop/queue{query}{separator}group=*")).await;
        assert_eq!(grouped["groups"].as_array().map_or(0, Vec::len), count.min(1), "{query}: {grouped}");
        if !query.is_empty() && query != "?from=&to=" {
            let overview = console.json(&format!("/{query}")).await;
            assert_eq!(overview["requests"], count, "/{query}: {overview}");
            assert_eq!(
                overview["operations"].as_array().unwrap().len(),
                count.min(1),
                "/{query}: {overview}"
            );
        }
    }
    // Without a choice, the overview shows 5 minutes.
    assert_eq!(console.json("/").await["requests"], 1);
}

/// The targets of the links of a page, as in its HTML.
fn links(page: &str) -> Vec<&str> {
    let tags = page.split("<a ").skip(1).filter_map(|rest| rest.split('>').next());
    let tags = tags.filter(|tag| !tag.contains(" download"));
    tags.filter_map(|tag| tag.split_once("href=\"")?.1.split('"').next()).collect()
}

#[tokio::test]
async fn every_link_and_form_keeps_the_chosen_time_so_that_others_see_the_same() {
    let (console, now) = start_with_telemetry().await;
    let trace = format!("/traces/{:032x}", 2);
    let group = console.json("/errors").await["error_groups"][0]["id"].as_str().unwrap().to_owned();
    let around = format!("/logs?q=a+b%26c&service=shop&from={}", time(now - 60 * SECOND));
    for path in [
        "/?service=shop&last=15m",
        "/traces?service=shop&last=15m",
        &format!("{trace}?last=15m"),
        &format!("{trace}?span=00000000000000a1&last=15m"),
        "/traces/without-spans?last=15m",
        "/logs?last=15m",
        &format!("/errors/{group}?last=15m"),
        "/errors?last=15m",
        "/metrics?last=15m",
        "/metrics/shop/queue?last=15m",
        "/services?last=15m",
        "/self?last=15m",
        "/nowhere?last=15m",
        &around,
    ] {
        let (_, page) = console.html(path).await;
        let expected = if path == around { "from=" } else { "last=15m" };
        let links = links(&page);
        assert!(links.len() > 6, "{path}: {page}");
        for link in links.iter().filter(|link| !link.starts_with('#')) {
            let selects = ["last=", "from="].iter().any(|name| link.contains(name));
            assert!(selects && link.matches("last=").count() <= 1, "{path}: {link}");
        }
        assert!(links.iter().filter(|link| link.contains(expected)).count() > 5, "{path}: {links:#?}");
        for form in page.split("<form ").skip(1).filter(|form| !form.contains("method=\"dialog\"")) {
            let form = form.split("</form>").next().unwrap();
            assert!(form.contains("name=\"from\"") || form.contains("name=\"last\""), "{path}: {form}");
        }
    }
    // The choice of another time keeps the rest of the address.
    let (_, page) = console.html(&around).await;
    assert!(page.contains("/logs?q=a%20b%26c&amp;service=shop&amp;last=1h"), "{page}");
    assert!(page.contains(&format!("name=\"from\" value=\"{}\"", time(now - 60 * SECOND))), "{page}");
    let (_, page) = console.html("/logs?service=shop").await;
    assert!(!page.contains("/traces?last"), "nothing was chosen: {page}");
}

#[tokio::test]
async fn a_bad_time_is_refused_with_the_reason() {
    let console = Console::start(&[]);
    for (path, reason) in [
        ("/?last=soon", "invalid value 'soon' for last: expected a duration, such as 5m or 1h, or all"),
        (
            "/traces?from=noon",
            "invalid value 'noon' for from: expected a time in UTC, such as 2026-01-02T03:04:05Z",
        ),
        (
            "/logs?to=9999-01-01T00:00:00Z",
            "invalid value '9999-01-01T00:00:00Z' for to: expected a time in UTC",
        ),
        (
            "/errors?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
            "for to: expected a time after the one of from",
        ),
        (
            "/metrics?last=5m&to=2026-01-02T00:00:00Z",
            "invalid value '5m' for last: expected either last, or from and to",
        ),
        ("/metrics/shop/queue?last=-1m", "invalid value '-1m' for last"),
        (&format!("/traces?last={}", "1s".repeat(40)), "for last: expected at most 64 bytes"),
    ] {
        let (status, page) = console.html(path).await;
        assert!(status == 400 && page.contains(reason), "{path}: {status} {page}");
        let json = console.json(path).await;
        assert!(json["error"].as_str().is_some_and(|error| error.contains(reason)), "{path}: {json}");
    }
    let (_, page) = console.html("/logs?from=noon&service=shop").await;
    assert!(page.contains("<input name=\"from\" value=\"noon\""), "what was typed stays: {page}");
}

#[tokio::test]
async fn a_page_says_what_it_cannot_restrict_to_the_chosen_time() {
    let console = Console::start(&[]);
    let now = now();
    let failures = [3_000, 1_800, 10].map(|ago| (ago, now - ago * SECOND));
    for (trace, time) in failures {
        let exception = json!({ "timeUnixNano": time.to_string(), "name": "exception", "attributes": [
            { "key": "exception.type", "value": { "stringValue": "Timeout" } }] });
        let failed = request(trace as u32, time, json!({ "status": { "code": 2 }, "events": [exception] }));
        console.send_json("/v1/traces", &spans("shop", vec![failed])).await;
    }
    let (_, page) = console.html("/?last=1h").await;
    assert!(page.contains("Requests are kept for 15 minutes"), "{page}");
    let (_, page) = console.html("/?last=15m").await;
    assert!(!page.contains("Requests are kept for 15 minutes"), "{page}");
    // Of the failure 30 minutes ago, nobody knows when it happened: there is one before and one after it.
    let (_, page) = console.html("/errors?last=40m").await;
    assert!(page.contains("≥ 1<") && page.contains("Failures are counted by time for 15 minutes"), "{page}");
    let (_, page) = console.html("/errors?last=1h").await;
    assert!(page.contains(">3<") && !page.contains("≥"), "{page}");
    let (_, page) = console.html("/errors?last=5m").await;
    assert!(page.contains(">1<") && !page.contains("≥"), "{page}");
    let old = format!("/errors?to={}", time(now - 3_600 * SECOND));
    assert!(console.html(&old).await.1.contains("No error matches."));
}

#[tokio::test]
async fn a_part_of_a_chart_is_a_link_to_the_traces_of_that_time() {
    let (console, _) = start_with_telemetry().await;
    let (_, page) = console.html("/?last=15m").await;
    let mut found = Vec::new();
    for link in links(&page).iter().filter(|link| link.starts_with("/traces?service=shop&amp;from=")) {
        let traces = console.json(&link.replace("&amp;", "&")).await["traces"].clone();
        found.extend(traces.as_array().unwrap().iter().map(|trace| trace["trace_id"].clone()));
    }
    found.sort_by_key(|id| id.as_str().map(str::to_owned));
    found.dedup();
    // The newest one may be in the slot that is not complete yet.
    assert_eq!(found.first(), Some(&json!(format!("{:032x}", 1))), "{page}");
}

#[tokio::test]
async fn the_log_records_around_one_are_those_of_its_service_and_the_one_is_marked() {
    let console = Console::start(&[]);
    let now = now();
    for at in 0..100 {
        log(&console, "shop", &format!("shop {at}"), now - (200 - at) * SECOND, json!({})).await;
        log(&console, "stock", &format!("stock {at}"), now - (200 - at) * SECOND, json!({})).await;
    }
    let (_, page) = console.html("/logs?q=%22shop+50%22").await;
    let link = links(&page).into_iter().find(|link| link.contains("around=")).unwrap();
    let path = link.split('#').next().unwrap();
    let around = texts(&console.json(path).await);
    let expected: Vec<String> = (25..=75).rev().map(|at| format!("shop {at}")).collect();
    assert_eq!(around, expected);
    let (status, page) = console.html(path).await;
    let marked = page.split("aria-current=\"true\"><details").nth(1).unwrap();
    assert!(status == 200 && marked.split("</summary>").next().unwrap().contains("shop 50"), "{page}");

    // Only the records of a minute are around it.
    log(&console, "shop", "late", now, json!({})).await;
    let (_, page) = console.html("/logs?q=late").await;
    let link = links(&page).into_iter().find(|link| link.contains("around=")).unwrap();
    assert_eq!(texts(&console.json(link.split('#').next().unwrap()).await), ["late"]);

    assert_eq!(console.html("/logs?around=1-1").await.0, 404);
    let (status, page) = console.html("/logs?around=here").await;
    assert!(status == 400 && page.contains("invalid value 'here' for around"), "{page}");
}

#[tokio::test]
async fn traces_of_log_records_alone_are_found_from_the_list_of_traces() {
    let console = Console::start(&[]);
    let (_, page) = console.html("/traces").await;
    assert!(!page.contains("without-spans"), "{page}");
    let now = now();
    for trace in [1, 2] {
        let id = json!({ "traceId": format!("{trace:032x}") });
        log(&console, "shop", &format!("first of {trace}"), now - 60 * SECOND, id.clone()).await;
        log(&console, "shop", "second", now - 59 * SECOND, id).await;
    }
    let (_, page) = console.html("/traces").await;
    assert!(
        page.contains("/traces/without-spans") && page.contains("2 traces with log records only"),
        "{page}"
    );
    console.send_json("/v1/traces", &spans("shop", vec![request(2, now, json!({}))])).await;
    let (_, page) = console.html("/traces").await;
    assert!(page.contains("1 trace with log records only"), "{page}");
    let traces = console.json("/traces/without-spans").await["traces"].clone();
    let expected = json!([{ "trace_id": format!("{:032x}", 1), "service": "shop", "body": "first of 1",
        "first": time(now - 60 * SECOND), "log_records": 2 }]);
    assert_eq!(traces, expected);
    let (_, page) = console.html("/traces/without-spans").await;
    assert!(page.contains(&format!("/traces/{:032x}", 1)) && page.contains("first of 1"), "{page}");
    let none = console.json("/traces/without-spans?last=30s").await["traces"].clone();
    assert_eq!(none, json!([]));
}
