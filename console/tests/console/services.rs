//! The page of services: all that have sent something, and who calls whom.

use serde_json::{Value, json};

use super::{Console, now, span, spans};

const TRACE: &str = "5b8efff798038103d269b633813fc60c";

fn attributes(pairs: &[(&str, &str)]) -> Value {
    pairs.iter().map(|(key, value)| json!({ "key": key, "value": { "stringValue": value } })).collect()
}

fn id(number: u32) -> String {
    format!("{number:016x}")
}

/// A SERVER or a CLIENT span; `parent` is 0 for a root.
fn part(number: u32, parent: u32, kind: u8, more: Value) -> Value {
    let parent = if parent == 0 { String::new() } else { id(parent) };
    let mut part = span(TRACE, &id(number), &parent, "GET", more);
    part["kind"] = kind.into();
    part
}

fn resource(service: &str) -> Value {
    json!({ "attributes": attributes(&[("service.name", service)]) })
}

async fn send_log_record(console: &Console, service: &str) {
    let record = json!({ "timeUnixNano": now().to_string(), "body": { "stringValue": "a line" } });
    let body = json!({ "resourceLogs": [{ "resource": resource(service), "scopeLogs": [{ "logRecords": [record] }] }] });
    assert_eq!(console.send_json("/v1/logs", &body).await.0, 200);
}

async fn send_metric(console: &Console, service: &str) {
    let metric = json!({ "name": "load", "gauge": { "dataPoints": [{ "timeUnixNano": now().to_string(), "asDouble": 1.0 }] } });
    let body = json!({ "resourceMetrics": [{ "resource": resource(service), "scopeMetrics": [{ "metrics": [metric] }] }] });
    assert_eq!(console.send_json("/v1/metrics", &body).await.0, 200);
}

/// `gateway` has no CLIENT spans, and calls `shop`; `shop` and `stock` call each other, and `stock` a
/// database.
async fn send_circle(console: &Console) {
    console.send_json("/v1/traces", &spans("gateway", vec![part(1, 0, 2, json!({}))])).await;
    let failed = json!({ "status": { "code": 2 } });
    let of_shop = vec![part(2, 1, 2, failed.clone()), part(3, 2, 3, failed), part(8, 6, 2, json!({}))];
    console.send_json("/v1/traces", &spans("shop", of_shop)).await;
    let query = json!({ "attributes": attributes(&[("db.system.name", "sqlite")]) });
    let of_stock = vec![part(5, 3, 2, json!({})), part(6, 5, 3, json!({})), part(7, 5, 3, query)];
    console.send_json("/v1/traces", &spans("stock", of_stock)).await;
}

#[tokio::test]
async fn all_services_are_listed_also_those_that_send_only_logs_or_metrics() {
    let console = Console::start(&[]);
    send_circle(&console).await;
    send_log_record(&console, "mailer").await;
    send_metric(&console, "host agent").await;
    let page = console.json("/services").await;
    let services: Vec<Value> = page["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| json!([it["service"], it["requests"], it["errors"], it["error_rate"], it["signals"]]))
        .collect();
    assert_eq!(
        services,
        [
            json!(["gateway", 1, 0, 0.0, ["traces"]]),
            json!(["shop", 2, 1, 0.5, ["traces"]]),
            json!(["stock", 1, 0, 0.0, ["traces"]]),
            json!(["mailer", 0, 0, 0.0, ["logs"]]),
            json!(["host agent", 0, 0, 0.0, ["metrics"]]),
        ]
    );
    let shop = &page["services"][1];
    let p95 = shop["p95_ms"].as_f64().unwrap();
    assert!((9.0..11.0).contains(&p95), "the spans took 10 ms: {shop}");
    let last = humantime::parse_rfc3339(shop["last_received"].as_str().unwrap()).unwrap();
    assert!(last.elapsed().unwrap().as_secs() < 60, "{shop}");
    let (_, html) = console.html("/services").await;
    for shown in [
        "href=\"/?service=shop\"",
        "href=\"/traces?service=shop\"",
        "href=\"/logs?service=mailer\"",
        ">host agent<",
        "50.0 %",
        "0 s ago",
    ] {
        assert!(html.contains(shown), "{shown}: {html}");
    }
    let filter = console.html("/logs").await.1;
    assert!(filter.contains("<option value=\"host agent\""), "{filter}");
}

#[tokio::test]
async fn the_map_shows_calls_in_a_circle_and_each_opens_its_traces() {
    let console = Console::start(&[]);
    send_circle(&console).await;
    let other = span(&format!("{:032x}", 7), &id(9), "", "GET /cart", json!({ "kind": 2 }));
    console.send_json("/v1/traces", &spans("shop", vec![other])).await;
    let page = console.json("/services").await;
    let calls: Vec<Value> = page["calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| json!([call["caller"], call["callee"], call["count"], call["errors"]]))
        .collect();
    assert_eq!(
        calls,
        [
            json!(["gateway", "shop", 1, 1]),
            json!(["shop", "stock", 1, 1]),
            json!(["stock", "shop", 1, 0]),
            json!(["stock", "sqlite", 1, 0]),
        ]
    );
    let (_, html) = console.html("/services").await;
    let map = html.split("<div class=\"map\">").nth(1).unwrap().split("</svg>").next().unwrap();
    assert_eq!((map.matches("<rect").count(), map.matches("class=\"call\"").count()), (4, 4), "{map}");
    assert!(map.contains("shop calls stock: ") && map.contains("100.0 % of them fail"), "{map}");
    for (link, found) in [
        ("/traces?service=shop&callee=stock", 1),
        ("/traces?service=stock&callee=shop", 1),
        ("/traces?callee=sqlite", 1),
        ("/traces?service=shop", 2),
        ("/traces?service=shop&callee=gateway", 0),
        ("/traces?service=gateway&callee=stock", 0),
    ] {
        let is_shown = map.contains(&format!("href=\"{}\"", link.replace('&', "&amp;")));
        assert_eq!(is_shown, link.contains("callee") && found > 0, "{link}: {map}");
        let traces = console.json(link).await;
        assert_eq!(traces["traces"].as_array().unwrap().len(), found, "{link}: {traces:#}");
    }
    let (_, html) = console.html("/traces?service=shop&callee=stock").await;
    assert!(html.contains("name=\"callee\" value=\"stock\""), "the filter is visible: {html}");
}

#[tokio::test]
async fn services_that_are_too_many_for_the_map_or_the_table_are_reported() {
    let console = Console::start(&[]);
    for number in 0..70 {
        let call =
            json!({ "kind": 3, "attributes": attributes(&[("db.system.name", &format!("db {number}"))]) });
        let name = format!("service {number}");
        console
            .send_json("/v1/traces", &spans(&name, vec![span(TRACE, &id(number + 1), "", "GET", call)]))
            .await;
    }
    let page = console.json("/services").await;
    let count = |list: &str| page[list].as_array().unwrap().len();
    assert_eq!((count("services"), count("calls")), (64, 70));
    assert_eq!(page["has_more_services"], true);
    let (_, html) = console.html("/services").await;
    assert!(
        html.contains(
            "The map shows 20 services, those with the most calls; 120 others are only in the tables"
        ),
        "{html}"
    );
    assert!(html.contains("At most 64 services are listed, and there are more"), "{html}");
    assert_eq!(html.matches("<rect").count(), 20);
    for second in 0..210 {
        let call =
            json!({ "kind": 3, "attributes": attributes(&[("db.system.name", &format!("more {second}"))]) });
        console
            .send_json("/v1/traces", &spans("a", vec![span(TRACE, &id(second + 100), "", "GET", call)]))
            .await;
    }
    let page = console.json("/services").await;
    assert_eq!((page["calls"].as_array().unwrap().len(), &page["calls_not_listed"]), (200, &json!(80)));
}
