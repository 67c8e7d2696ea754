//! Telemetry that was sent is shown on the pages, as HTML and as JSON.

use serde_json::{Value, json};

use super::{Console, now, span, spans};

const TRACE: &str = "5b8efff798038103d269b633813fc60c";

fn attributes(pairs: &[(&str, &str)]) -> Value {
    pairs.iter().map(|(key, value)| json!({ "key": key, "value": { "stringValue": value } })).collect()
}

/// A trace with one SERVER span of `took` milliseconds.
fn request(trace: u32, name: &str, took: u64, more: Value) -> Value {
    let end = now();
    let mut span = span(&format!("{trace:032x}"), "00000000000000a1", "", name, more);
    span["kind"] = 2.into();
    span["startTimeUnixNano"] = (end - took * 1_000_000).to_string().into();
    span["endTimeUnixNano"] = end.to_string().into();
    span
}

#[tokio::test]
async fn the_list_of_traces_is_filtered_by_service_name_status_duration_and_attribute() {
    let console = Console::start(&[]);
    let failed = json!({ "status": { "code": 2 }, "attributes": attributes(&[("http.route", "/pay")]) });
    let of_shop = vec![request(1, "GET /cart", 5, json!({})), request(2, "POST /pay", 500, failed)];
    console.send_json("/v1/traces", &spans("shop", of_shop)).await;
    console.send_json("/v1/traces", &spans("stock", vec![request(3, "GET /stock", 50, json!({}))])).await;
    for (query, found) in [
        ("", vec![3, 2, 1]),
        ("?service=shop", vec![2, 1]),
        ("?name=stock", vec![3]),
        ("?status=error", vec![2]),
        ("?status=ok", vec![3, 1]),
        ("?min=40ms", vec![3, 2]),
        ("?min=40ms&max=100ms", vec![3]),
        ("?q=http.route%3D/pay", vec![2]),
        ("?q=http.route%3D/pa", vec![]),
        ("?q=cart", vec![1]),
        ("?q=service.name%3Dstock", vec![3]),
        ("?service=shop&status=ok&q=cart", vec![1]),
    ] {
        let json = console.json(&format!("/traces{query}")).await;
        let ids = json["traces"].as_array().unwrap_or_else(|| panic!("{query}: {json}")).iter();
        let ids: Vec<u32> =
            ids.map(|trace| u32::from_str_radix(trace["trace_id"].as_str().unwrap(), 16).unwrap()).collect();
        assert_eq!(ids, found, "{query}");
    }
    let (status, page) = console.html("/traces?q=%22a+b%22&min=soon").await;
    assert_eq!(status, 400);
    assert!(page.contains("invalid search 'soon' at character 23: expected a duration"), "{page}");
    assert!(
        page.contains(r#"value="&quot;a b&quot; trace.duration&gt;=soon""#),
        "what was typed stays, and the parameter becomes a term: {page}"
    );
}

#[tokio::test]
async fn a_long_list_continues_with_older_traces_and_keeps_its_filter() {
    let console = Console::start(&[]);
    let of_shop = (1..=120).map(|trace| request(trace, "GET /cart", 5, json!({}))).collect();
    console.send_json("/v1/traces", &spans("shop & co", of_shop)).await;
    let (mut path, mut seen) = ("/traces?service=shop%20%26%20co&min=1ms".to_owned(), 0);
    for _ in 0..3 {
        let (_, page) = console.html(&path).await;
        seen += page.matches("GET /cart").count();
        let older = page.split("href=\"").find(|link| link.contains(">Older traces<"));
        path = older.map_or(String::new(), |link| link.split('"').next().unwrap().replace("&amp;", "&"));
    }
    assert_eq!((seen, path.as_str()), (120, ""));
}

#[tokio::test]
async fn a_trace_is_shown_with_all_data_of_its_spans() {
    let console = Console::start(&[]);
    let child = json!({
        "kind": 3, "status": { "code": 2, "message": "no such host" },
        "attributes": attributes(&[("server.address", "example.org")]),
        "events": [{ "timeUnixNano": now().to_string(), "name": "exception",
            "attributes": attributes(&[("exception.type", "Lookup"), ("exception.stacktrace", "one\ntwo")]) }],
        "links": [{ "traceId": "00000000000000000000000000000abc", "spanId": "00000000000000a9" }],
    });
    let both = vec![
        span(TRACE, "00000000000000a1", "", "GET /handson", json!({ "kind": 2 })),
        span(TRACE, "00000000000000a2", "00000000000000a1", "GET", child),
    ];
    console.send_json("/v1/traces", &spans("shop", both)).await;
    let record = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [{
        "timeUnixNano": now().to_string(), "severityNumber": 17, "body": { "stringValue": "it failed" },
        "traceId": TRACE, "spanId": "00000000000000a2",
    }] }] }] });
    console.send_json("/v1/logs", &record).await;

    let (status, page) =
        console.html(&format!("/traces/{}?span=00000000000000a2", TRACE.to_uppercase())).await;
    assert_eq!(status, 200);
    for shown in [
        "2 spans</b>",
        "1 log record<",
        "GET /handson",
        "example.org",
        "no such host",
        "CLIENT",
        "exception",
        "Lookup",
        "<pre>one\ntwo</pre>",
        "/traces/00000000000000000000000000000abc",
        "service.name",
        "it failed",
        "ERROR",
    ] {
        assert!(page.contains(shown), "{shown} is not in {page}");
    }
    assert!(!page.contains("This trace is partial"));
}

#[tokio::test]
async fn a_partly_received_trace_is_marked_and_a_missing_one_explains_what_to_do() {
    let console = Console::start(&[]);
    let orphan = span(TRACE, "00000000000000a2", "00000000000000a1", "GET", json!({}));
    console.send_json("/v1/traces", &spans("shop", vec![orphan])).await;
    let (_, page) = console.html(&format!("/traces/{TRACE}")).await;
    assert!(page.contains("This trace is partial: the parent of 1 span is missing"), "{page}");
    console
        .send_json(
            "/v1/traces",
            &spans("shop", vec![span(TRACE, "00000000000000a1", "", "GET /", json!({}))]),
        )
        .await;
    let (_, page) = console.html(&format!("/traces/{TRACE}")).await;
    assert!(!page.contains("This trace is partial"), "{page}");

    let (status, page) = console.html("/traces/00000000000000000000000000000abc").await;
    assert!(status == 200 && page.contains("No span of this trace is stored"), "{page}");
    let (status, page) = console.html("/traces/abc").await;
    assert!(status == 404 && page.contains("A trace id has 32 hex digits"), "{page}");
}

#[tokio::test]
async fn pages_are_in_the_language_of_the_browser_or_of_the_address_and_json_is_english() {
    let console = Console::start(&[]);
    let get = async |path: &str, accepted: &str, accept: &str| {
        let get = console.client.get(format!("{}{path}", console.url));
        let get = get.header("accept-language", accepted).header("accept", accept);
        get.send().await.unwrap().text().await.unwrap()
    };
    for (path, accepted, expected) in [
        ("/traces", "ja,en;q=0.8", "トレースはまだありません。"),
        ("/traces", "en,ja;q=0.8", "No traces yet."),
        ("/traces?lang=ja", "en", "トレースはまだありません。"),
        (
            "/traces?status=bad&lang=en",
            "ja",
            "invalid search 'bad' at character 8: expected ok, error or unset",
        ),
    ] {
        let page = get(path, accepted, "text/html").await;
        assert!(page.contains(expected), "{path} for {accepted}: {page}");
        let lang = if expected.is_ascii() { "<html lang=\"en\">" } else { "<html lang=\"ja\">" };
        assert!(page.contains(lang), "{path} for {accepted}: {page}");
    }
    let json = get("/traces?min=soon", "ja", "application/json").await;
    assert_eq!(
        json,
        r#"{"error":"invalid search 'soon' at character 17: expected a duration, such as 100ms or 2s","traces":[]}"#
    );
}

#[tokio::test]
async fn empty_pages_explain_what_to_do_next() {
    let console = Console::start(&[]);
    for (path, next) in [
        ("/", "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost"),
        ("/traces", "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost"),
        ("/logs", "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost"),
        ("/errors", "exception.type"),
        ("/metrics", "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost"),
        ("/services", "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost"),
    ] {
        let (status, page) = console.html(path).await;
        assert!(status == 200 && page.contains(next), "{path} does not say {next}: {page}");
        assert!(
            !page.contains("cargo workshop"),
            "{path} names a command that only the workshop has: {page}"
        );
    }
    assert_eq!(console.html("/nowhere").await.0, 404);
}

#[tokio::test]
async fn logs_are_searched_by_words_pairs_level_and_service() {
    let console = Console::start(&[]);
    let record = |text: &str, severity: u8, user: &str| {
        json!({ "timeUnixNano": now().to_string(), "severityNumber": severity, "body": { "stringValue": text },
            "attributes": attributes(&[("user.id", user)]) })
    };
    let body = json!({ "resourceLogs": [{
        "resource": { "attributes": attributes(&[("service.name", "shop")]) },
        "scopeLogs": [{ "logRecords": [record("Order placed", 9, "1"), record("Payment refused", 17, "2")] }],
    }] });
    console.send_json("/v1/logs", &body).await;
    for (query, found) in [
        ("", vec!["Payment refused", "Order placed"]),
        ("?q=order", vec!["Order placed"]),
        ("?q=user.id%3D2", vec!["Payment refused"]),
        ("?q=user.id%3D2+order", vec![]),
        ("?q=%22payment+refused%22", vec!["Payment refused"]),
        ("?level=warn", vec!["Payment refused"]),
        ("?service=shop", vec!["Payment refused", "Order placed"]),
        ("?service=stock", vec![]),
    ] {
        let json = console.json(&format!("/logs{query}")).await;
        let groups = json["resourceLogs"].as_array().unwrap().iter();
        let records = groups.flat_map(|group| group["scopeLogs"][0]["logRecords"].as_array().unwrap());
        let bodies: Vec<&str> =
            records.map(|record| record["body"]["stringValue"].as_str().unwrap()).collect();
        assert_eq!(bodies, found, "{query}");
    }
    assert_eq!(console.html("/logs?level=loud").await.0, 400);
}

#[tokio::test]
async fn a_failure_in_a_span_and_a_log_record_counts_once_and_similar_failures_form_a_group() {
    let console = Console::start(&[]);
    let exception = |message: &str| {
        attributes(&[
            ("exception.type", "Timeout"),
            ("exception.message", message),
            ("exception.stacktrace", "at pay"),
        ])
    };
    for (trace, message) in [(1, "no answer after 12ms"), (2, "no answer after 7ms")] {
        let event = json!({ "timeUnixNano": now().to_string(), "name": "exception", "attributes": exception(message) });
        let failed = json!({ "status": { "code": 2 }, "events": [event] });
        console.send_json("/v1/traces", &spans("shop", vec![request(trace, "POST /pay", 5, failed)])).await;
        let record = json!({ "severityNumber": 17, "traceId": format!("{trace:032x}"), "attributes": exception(message) });
        let resource = json!({ "attributes": attributes(&[("service.name", "shop")]) });
        let body =
            json!({ "resourceLogs": [{ "resource": resource, "scopeLogs": [{ "logRecords": [record] }] }] });
        console.send_json("/v1/logs", &body).await;
    }
    let groups = console.json("/errors").await;
    let groups = groups["error_groups"].as_array().unwrap();
    assert_eq!(groups.len(), 1, "{groups:#?}");
    assert_eq!((&groups[0]["count"], &groups[0]["message"]), (&json!(2), &json!("no answer after #")));
    let (_, page) = console.html(&format!("/errors/{}", groups[0]["id"].as_str().unwrap())).await;
    assert!(page.contains("at pay") && page.contains(&format!("/traces/{:032x}", 2)), "{page}");
}

#[tokio::test]
async fn a_failed_request_without_an_exception_also_becomes_a_group() {
    let console = Console::start(&[]);
    let failed = json!({ "status": { "code": 2 }, "attributes": attributes(&[("error.type", "500")]) });
    console.send_json("/v1/traces", &spans("shop", vec![request(1, "POST /pay", 5, failed)])).await;
    let groups = console
        .json_when("/errors", |json| json["error_groups"].as_array().is_some_and(|groups| !groups.is_empty()))
        .await;
    assert_eq!(groups["error_groups"][0]["kind"], "500");
    assert_eq!(groups["error_groups"][0]["message"], "POST /pay failed, and no exception was recorded");
}

#[tokio::test]
async fn the_overview_counts_requests_and_shows_which_service_calls_which() {
    let console = Console::start(&[]);
    let of_shop = vec![
        span(TRACE, "00000000000000a1", "", "GET /cart", json!({ "kind": 2 })),
        span(
            TRACE,
            "00000000000000a2",
            "00000000000000a1",
            "GET",
            json!({ "kind": 3, "status": { "code": 2 } }),
        ),
        span(
            TRACE,
            "00000000000000a4",
            "00000000000000a1",
            "SELECT",
            json!({ "kind": 3, "attributes": attributes(&[("db.system.name", "sqlite")]) }),
        ),
    ];
    let of_stock =
        vec![span(TRACE, "00000000000000a3", "00000000000000a2", "GET /stock", json!({ "kind": 2 }))];
    // The callee is sent first: it must not be shown as the entry.
    console.send_json("/v1/traces", &spans("stock", of_stock)).await;
    console.send_json("/v1/traces", &spans("shop", of_shop)).await;
    let overview = console.json("/").await;
    assert_eq!((&overview["service"], &overview["requests"]), (&json!("shop"), &json!(1)), "{overview:#}");
    let calls = overview["calls"].as_array().unwrap();
    let calls: Vec<(&str, &str, f64)> = calls
        .iter()
        .map(|call| {
            let text = |member: &str| call[member].as_str().unwrap();
            (text("caller"), text("callee"), call["error_rate"].as_f64().unwrap())
        })
        .collect();
    assert_eq!(calls, [("shop", "sqlite", 0.0), ("shop", "stock", 1.0)]);
    let p50 = overview["slots"].as_array().unwrap().iter().find_map(|slot| slot["p50_ms"].as_f64()).unwrap();
    assert!((9.0..11.0).contains(&p50), "the spans took 10 ms: {p50}");
}

#[tokio::test]
async fn metrics_have_rates_values_and_percentiles() {
    let console = Console::start(&[]);
    let start = now();
    for export in 0..3u64 {
        let time = (start + export * 10_000_000_000).to_string();
        let body = json!({ "resourceMetrics": [{
            "resource": { "attributes": attributes(&[("service.name", "shop")]) },
            "scopeMetrics": [{ "metrics": [
                { "name": "orders", "unit": "{order}", "description": "Orders placed.", "sum": {
                    "isMonotonic": true, "aggregationTemporality": 2,
                    "dataPoints": [{ "timeUnixNano": time, "asInt": (export * 50).to_string() }] } },
                { "name": "queue", "unit": "By", "gauge": { "dataPoints": [{ "timeUnixNano": time, "asDouble": 2048.0 }] } },
                { "name": "latency", "unit": "s", "histogram": { "aggregationTemporality": 2, "dataPoints": [{
                    "timeUnixNano": time, "count": (export * 10).to_string(), "sum": 1.0,
                    "explicitBounds": [0.1, 0.2], "bucketCounts": ["0", (export * 10).to_string(), "0"],
                    "attributes": attributes(&[("http.route", "/pay")]) }] } },
                { "name": "sizes", "unit": "By", "exponentialHistogram": { "aggregationTemporality": 1, "dataPoints": [{
                    "timeUnixNano": time, "count": "4", "sum": 12.0, "scale": 0, "zeroCount": "0",
                    "positive": { "offset": 1, "bucketCounts": ["4"] } }] } },
            ] }],
        }] });
        assert_eq!(console.send_json("/v1/metrics", &body).await.0, 200);
    }
    let latest = async |name: &str| {
        console.json(&format!("/metrics/shop/{name}")).await["series"][0]["latest"].clone()
    };
    assert_eq!(latest("orders").await, json!({ "rate": 5.0, "total": 100.0 }));
    assert_eq!(latest("queue").await, json!({ "value": 2048.0 }));
    let latency = latest("latency").await["p50"].as_f64().unwrap();
    assert!((latency - 0.15).abs() < 1e-9, "{latency}");
    let sizes = latest("sizes").await["p50"].as_f64().unwrap();
    assert!(
        (2.0..=4.0).contains(&sizes),
        "a bucket of scale 0 at 1 holds what is above 2 and up to 4: {sizes}"
    );
    let (_, page) = console.html("/metrics").await;
    for shown in
        ["Orders placed.", "{order}", "5 order/s", "2.0 KiB", "p50 150 ms", "histogram", "up-down", "gauge"]
    {
        assert!(page.contains(shown) != (shown == "up-down"), "{shown}: {page}");
    }
    let (_, page) = console.html("/metrics/shop/latency").await;
    assert!(page.contains("http.route") && page.contains("/pay"), "{page}");
    assert_eq!(console.html("/metrics/shop/none").await.0, 404);
}

#[tokio::test]
async fn a_span_that_is_sent_again_counts_once() {
    let console = Console::start(&[]);
    let body = spans("shop", vec![request(1, "GET /cart", 5, json!({}))]);
    for _ in 0..3 {
        assert_eq!(console.send_json("/v1/traces", &body).await, (200, "{}".to_owned()));
    }
    assert_eq!(console.json("/").await["requests"], 1);
    assert_eq!(console.json("/traces").await["traces"][0]["spans"], 1);
    let state = &console.json("/self").await["traces"];
    assert_eq!((&state["received"], &state["duplicates"], &state["kept"]), (&json!(3), &json!(2), &json!(1)));
}

#[tokio::test]
async fn series_differ_by_resource_points_without_a_value_are_ignored_and_deltas_are_added_up() {
    let console = Console::start(&[]);
    let start = now() - 30_000_000_000;
    let send = async |host: &str, metric: Value| {
        let resource = json!({ "attributes": attributes(&[("service.name", "shop"), ("host.name", host)]) });
        let body = json!({ "resourceMetrics": [{ "resource": resource, "scopeMetrics": [{ "metrics": [metric] }] }] });
        assert_eq!(console.send_json("/v1/metrics", &body).await.0, 200);
    };
    let time = |export: u64| (start + export * 10_000_000_000).to_string();
    for export in 0..3 {
        for (host, offset) in [("a", 0), ("b", 5_000)] {
            let value = (offset + 100 * export).to_string();
            let points = json!([{ "timeUnixNano": time(export), "asInt": value }]);
            send(
                host,
                json!({ "name": "orders", "sum": {
                "isMonotonic": true, "aggregationTemporality": 2, "dataPoints": points } }),
            )
            .await;
        }
        let delta = ["5", "5", "-2"][export as usize];
        send(
            "a",
            json!({ "name": "queue", "sum": { "aggregationTemporality": 1,
            "dataPoints": [{ "timeUnixNano": time(export), "asInt": delta }] } }),
        )
        .await;
    }
    send(
        "a",
        json!({ "name": "load", "gauge": { "dataPoints": [
        { "timeUnixNano": time(0), "asDouble": 7.0 }, { "timeUnixNano": time(1), "flags": 1 }] } }),
    )
    .await;
    let series = async |name: &str| console.json(&format!("/metrics/shop/{name}")).await["series"].clone();
    let orders = series("orders").await;
    let rates: Vec<&Value> =
        orders.as_array().unwrap().iter().map(|series| &series["latest"]["rate"]).collect();
    assert_eq!(rates, [&json!(10.0), &json!(10.0)], "{orders:#}");
    assert_eq!(series("queue").await[0]["latest"], json!({ "value": 8.0 }));
    let load = series("load").await;
    assert_eq!(
        (load[0]["samples"].as_array().unwrap().len(), &load[0]["latest"]),
        (1, &json!({ "value": 7.0 }))
    );
}

#[tokio::test]
async fn a_monitor_reports_mistakes_in_its_file_and_follows_changes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("monitor.toml");
    std::fs::write(&file, "service = \"shop\"\nwindow = \"1y\"\nthreshold = 0.1\nmin_requests = 1\n")
        .unwrap();
    let console = Console::start(&["--monitor", file.to_str().unwrap()]);
    let overview = console.json("/").await;
    assert_eq!(
        overview["monitors"][0]["wrong"],
        "invalid value \"1y\" for window: expected a duration from 10s to 15m, such as \"1m\""
    );
    std::fs::write(&file, "service = \"shop\"\nwindow = \"1m\"\nthreshold = 0.5\nmin_requests = 2\n")
        .unwrap();
    console
        .json_when("/", |json| {
            json["monitors"][0]["state"] == "no_data" && json["monitors"][0]["wrong"].is_null()
        })
        .await;

    let failed = |trace| request(trace, "POST /pay", 5, json!({ "status": { "code": 2 } }));
    console.send_json("/v1/traces", &spans("shop", vec![failed(1)])).await;
    console.send_json("/v1/traces", &spans("shop", vec![failed(2)])).await;
    let firing = console.json_when("/", |json| json["monitors"][0]["state"] == "firing").await;
    let change = &firing["monitors"][0]["history"][0];
    assert_eq!((&change["error_rate"], &change["trace_id"]), (&json!(1.0), &json!(format!("{:032x}", 2))));
    // The overview may show it a moment before it is printed.
    let printed = console.printed_line("monitor: ").await;
    assert!(printed.starts_with("monitor: ● shop fails: 100.0 % of 2 requests"), "for a terminal: {printed}");

    let calm = (3..9).map(|trace| request(trace, "POST /pay", 5, json!({}))).collect();
    console.send_json("/v1/traces", &spans("shop", calm)).await;
    let ok = console.json_when("/", |json| json["monitors"][0]["state"] == "ok").await;
    assert_eq!(ok["monitors"][0]["history"].as_array().unwrap().len(), 2, "{ok:#}");
    assert_eq!(ok["monitors"][0]["requests"], 8);
}

#[tokio::test]
async fn bad_options_are_refused_with_the_reason() {
    for (arguments, message) in [
        (["--memory", "1MiB"], "expected 16MiB or more"),
        (["--memory", "much"], "expected a size, such as 256MiB"),
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_handson-console"))
            .args(arguments)
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && stderr.contains(message), "{stderr}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_handson-console"))
        .args(["--console-port", &port])
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains(&format!("port {port}, for the console, is taken")), "{stderr}");
    assert!(stderr.contains("--console-port"), "{stderr}");
}
