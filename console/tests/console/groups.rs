//! Series of an instrument are added up, by an attribute or all together, and histograms have a heat map.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Console, now};

const SECOND: u64 = 1_000_000_000;
/// The time of the newest samples.
static NOW: LazyLock<u64> = LazyLock::new(now);

fn attributes(pairs: &[(&str, &str)]) -> Value {
    pairs.iter().map(|(key, value)| json!({ "key": key, "value": { "stringValue": value } })).collect()
}

/// Sends a metric of one process of `shop`.
async fn send(console: &Console, host: &str, metric: Value) {
    let resource = json!({ "attributes": attributes(&[("service.name", "shop"), ("host.name", host)]) });
    let body =
        json!({ "resourceMetrics": [{ "resource": resource, "scopeMetrics": [{ "metrics": [metric] }] }] });
    assert_eq!(console.send_json("/v1/metrics", &body).await.0, 200);
}

/// A point with members that depend on its kind.
fn point(seconds_ago: u64, of: &[(&str, &str)], more: &Value) -> Value {
    let mut point =
        json!({ "timeUnixNano": (*NOW - seconds_ago * SECOND).to_string(), "attributes": attributes(of) });
    for (key, value) in more.as_object().unwrap() {
        point[key] = value.clone();
    }
    point
}

fn sum(is_monotonic: bool, points: &[Value]) -> Value {
    json!({ "isMonotonic": is_monotonic, "aggregationTemporality": 2, "dataPoints": points })
}

/// Value, number of series and latest values of each group.
fn groups(page: &Value) -> Vec<Value> {
    let rounded = |value: &Value| value.as_f64().map(|number| (number * 100.0).round() / 100.0);
    let groups = page["groups"].as_array().unwrap_or_else(|| panic!("{page:#}")).iter();
    groups
        .map(|group| {
            let latest = group["latest"].as_object().unwrap().iter();
            let latest: Value = latest.map(|(name, value)| (name.clone(), json!(rounded(value)))).collect();
            json!([group["value"], group["series"], latest])
        })
        .collect()
}

#[tokio::test]
async fn rates_of_counters_are_added_up_also_if_processes_export_at_different_times() {
    let console = Console::start(&[]);
    for at in 0..4u64 {
        let counted = |per_export: u64| json!({ "asInt": (1_000 + at * per_export).to_string() });
        let points = [
            point(30 - 10 * at, &[("http.route", "/cart"), ("code", "200")], &counted(50)),
            point(30 - 10 * at, &[("http.route", "/cart"), ("code", "500")], &counted(10)),
            point(30 - 10 * at, &[], &counted(1)),
        ];
        send(&console, "a", json!({ "name": "orders", "sum": sum(true, &points) })).await;
        if at < 3 {
            let points = [
                point(25 - 10 * at, &[("http.route", "/cart"), ("code", "200")], &counted(20)),
                point(25 - 10 * at, &[("http.route", "/<b>"), ("code", "200")], &counted(30)),
            ];
            send(&console, "b", json!({ "name": "orders", "sum": sum(true, &points) })).await;
        }
    }
    let page = console.json("/metrics/shop/orders").await;
    assert_eq!(page["attributes"], json!(["code", "host.name", "http.route"]));
    assert_eq!((page["series"].as_array().unwrap().len(), &page["groups"]), (5, &Value::Null));
    let page = console.json("/metrics/shop/orders?group=http.route").await;
    assert_eq!(
        groups(&page),
        [
            json!(["/<b>", 1, { "rate": 3.0, "total": 1_060.0 }]),
            json!(["/cart", 3, { "rate": 8.0, "total": 3_220.0 }]),
            json!([null, 1, { "rate": 0.1, "total": 1_003.0 }]),
        ]
    );
    let rates: Vec<f64> = page["groups"][1]["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| point["rate"].as_f64().unwrap())
        .collect();
    assert!(rates.len() == 2 && rates.iter().all(|rate| (rate - 8.0).abs() < 0.01), "{rates:?}");
    let page = console.json("/metrics/shop/orders?group=*").await;
    assert_eq!(groups(&page), [json!([null, 5, { "rate": 11.1, "total": 5_283.0 }])]);

    let (_, html) = console.html("/metrics/shop/orders?group=http.route").await;
    for shown in [
        "<option value=\"http.route\" selected",
        "<option value=\"host.name\">",
        "<strong>/&lt;b&gt;</strong>",
        "not set",
        "rate <b>8/s</b>",
        "The rate of a group is the sum of the rates of its series.",
    ] {
        assert!(html.contains(shown), "{shown}: {html}");
    }
    let (_, html) = console.html("/metrics/shop/orders?group=*&lang=ja").await;
    assert!(html.contains("すべての系列をまとめる") && html.contains("レートの合計です"), "{html}");
}

#[tokio::test]
async fn up_down_counters_are_added_up_and_gauges_have_mean_minimum_and_maximum() {
    let console = Console::start(&[]);
    let exports = |values: &[(u64, f64)], queue: &str| -> Vec<Value> {
        let point =
            |(ago, value): &(u64, f64)| point(*ago, &[("queue", queue)], &json!({ "asDouble": value }));
        values.iter().map(point).collect()
    };
    let mail = exports(&[(20, 3.0), (10, 4.0), (0, 5.0)], "mail");
    let pay = exports(&[(18, 10.0), (8, 20.0)], "pay");
    // It has ended: its last value is no longer there.
    let old = exports(&[(300, 100.0), (290, 100.0)], "old");
    for points in [&mail, &pay, &old] {
        send(&console, "a", json!({ "name": "waiting", "sum": sum(false, points) })).await;
        send(&console, "a", json!({ "name": "load", "gauge": { "dataPoints": points } })).await;
    }
    let page = console.json("/metrics/shop/waiting?group=*").await;
    assert_eq!(groups(&page), [json!([null, 3, { "sum": 24.0 }])]);
    let points = page["groups"][0]["points"].as_array().unwrap();
    assert_eq!((&points[0]["sum"], &points[10]["sum"]), (&json!(100.0), &Value::Null), "{points:?}");
    let page = console.json("/metrics/shop/load?group=*").await;
    assert_eq!(groups(&page), [json!([null, 3, { "max": 20.0, "mean": 12.0, "min": 4.0 }])]);
    let (_, html) = console.html("/metrics/shop/load?group=*").await;
    assert!(html.contains("Gauges are not added up") && html.contains("mean <b>12</b>"), "{html}");
    let (_, html) = console.html("/metrics/shop/waiting?group=queue").await;
    assert!(html.contains("<strong>pay</strong>") && html.contains("sum <b>20</b>"), "{html}");
}

#[tokio::test]
async fn buckets_of_a_group_are_added_up_also_with_different_bounds_and_have_a_heat_map() {
    let console = Console::start(&[]);
    let delta = |points: Value| json!({ "aggregationTemporality": 1, "dataPoints": points });
    let explicit = |bounds: Value, counts: Value| json!({ "count": "6", "sum": 12.0, "explicitBounds": bounds, "bucketCounts": counts });
    for ago in [10, 0] {
        let points = json!([
            point(ago, &[("route", "/a")], &explicit(json!([1.0, 4.0]), json!(["0", "6", "0"]))),
            point(ago, &[("route", "/b")], &explicit(json!([1.0, 2.0, 4.0]), json!(["0", "3", "0", "3"]))),
        ]);
        send(&console, "a", json!({ "name": "wait", "unit": "s", "histogram": delta(points) })).await;
        let points = json!([
            point(
                ago,
                &[],
                &json!({ "count": "6", "sum": 12.0, "scale": 0, "positive": { "offset": 1, "bucketCounts": ["6"] } })
            ),
            point(
                ago,
                &[("route", "/a")],
                &json!({ "count": "3", "scale": -1, "positive": { "offset": 0, "bucketCounts": ["3"] } })
            ),
        ]);
        send(&console, "a", json!({ "name": "sizes", "unit": "By", "exponentialHistogram": delta(points) }))
            .await;
    }
    let page = console.json("/metrics/shop/wait?group=*").await;
    let latest = groups(&page)[0][2].clone();
    // 5 in (1, 2], 4 in (2, 4] and 3 above.
    assert_eq!((&latest["p50"], &latest["p99"]), (&json!(2.5), &json!(4.0)), "{latest}");
    assert_eq!((&latest["count"], &latest["mean"]), (&json!(24.0), &json!(2.0)), "{latest}");
    let rows = |page: &Value| page["heat_map"]["rows"].clone();
    let counts = |page: &Value| page["heat_map"]["columns"][0]["counts"].clone();
    let row = |above: f64, to: Option<f64>| json!({ "above": above, "to": to });
    assert_eq!(rows(&page), json!([row(1.0, Some(2.0)), row(2.0, Some(4.0)), row(4.0, None)]));
    assert_eq!(counts(&page), json!([5.0, 4.0, 3.0]));
    let page = console.json("/metrics/shop/sizes").await;
    assert_eq!(rows(&page), json!([row(1.0, Some(2.0)), row(2.0, Some(4.0))]));
    assert_eq!(counts(&page), json!([1.0, 8.0]));
    let page = console.json("/metrics/shop/wait?group=route").await;
    assert_eq!(rows(&page["groups"][1]), json!([row(1.0, Some(2.0)), row(2.0, Some(4.0)), row(4.0, None)]));

    let (_, html) = console.html("/metrics/shop/wait?group=route").await;
    assert_eq!(html.matches("class=\"heat\"").count(), 2, "one for each group: {html}");
    let (_, html) = console.html("/metrics/shop/wait").await;
    assert!(html.contains("2 s–4 s: 4</title>") && html.contains("&gt; 4 s: 3</title>"), "{html}");
    assert!(html.contains("<li>≤ 2 s</li>") && html.contains("1 to 5 values in 10 s"), "{html}");
}

#[tokio::test]
async fn groups_continue_on_the_next_page_and_cells_and_work_are_bounded() {
    let console = Console::start(&[]);
    for part in 0..10 {
        let points: Vec<Value> = (0..700)
            .map(|at| point(0, &[("item", &format!("{:04}", part * 700 + at))], &json!({ "asDouble": 2.0 })))
            .collect();
        send(&console, "a", json!({ "name": "many", "gauge": { "dataPoints": points } })).await;
    }
    let started = Instant::now();
    let (_, html) = console.html("/metrics/shop/many?group=item").await;
    let first = console.json("/metrics/shop/many?group=item&skip=60").await;
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    assert!(
        html.contains("href=\"/metrics/shop/many?group=item&amp;skip=60\"")
            && html.contains("6940 more groups")
    );
    assert_eq!(
        (first["groups"].as_array().unwrap().len(), &first["groups"][0]["value"]),
        (60, &json!("0060"))
    );
    let all = console.json("/metrics/shop/many?group=*").await;
    assert_eq!(groups(&all), [json!([null, 7_000, { "max": 2.0, "mean": 2.0, "min": 2.0 }])]);

    for export in 0..300u64 {
        let counts: Vec<String> = (0..160).map(|at| (export * (at + 1)).to_string()).collect();
        let point = point(
            900 - 3 * export,
            &[],
            &json!({ "count": (export * 12_880).to_string(), "scale": 3, "positive": { "offset": 0, "bucketCounts": counts } }),
        );
        let histogram = json!({ "aggregationTemporality": 2, "dataPoints": [point] });
        send(&console, "a", json!({ "name": "wide", "exponentialHistogram": histogram })).await;
    }
    let page = console.json("/metrics/shop/wide").await;
    let heat_map = &page["heat_map"];
    let (rows, columns) = (heat_map["rows"].as_array().unwrap(), heat_map["columns"].as_array().unwrap());
    assert!(
        (12..=24).contains(&rows.len()) && (60..=91).contains(&columns.len()),
        "{} x {}",
        rows.len(),
        columns.len()
    );
    let counted: f64 = columns
        .iter()
        .flat_map(|column| column["counts"].as_array().unwrap())
        .map(|count| count.as_f64().unwrap())
        .sum();
    // The first interval may be partly before the first column.
    assert!((counted - 299.0 * 12_880.0).abs() < 6.0 * 12_880.0, "{counted}");
}
