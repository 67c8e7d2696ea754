//! All kinds of metrics are shown with what they have.

use serde_json::{Value, json};

use super::{Console, now};

const SECOND: u64 = 1_000_000_000;
const TRACE: &str = "5b8efff798038103d269b633813fc60c";

async fn send(console: &Console, metric: Value) {
    let resource = json!({ "attributes": [{ "key": "service.name", "value": { "stringValue": "shop" } }] });
    let body =
        json!({ "resourceMetrics": [{ "resource": resource, "scopeMetrics": [{ "metrics": [metric] }] }] });
    assert_eq!(console.send_json("/v1/metrics", &body).await.0, 200);
}

async fn latest(console: &Console, name: &str) -> Value {
    console.json(&format!("/metrics/shop/{name}")).await["series"][0]["latest"].clone()
}

/// The cell of the list with the latest value.
async fn listed(console: &Console, name: &str) -> String {
    let (_, page) = console.html("/metrics").await;
    let row = page.split("<tr").find(|row| row.contains(&format!("/metrics/shop/{name}\""))).unwrap();
    row.rsplit("<td class=\"number\">").next().unwrap().split("</td>").next().unwrap().to_owned()
}

#[tokio::test]
async fn a_counter_that_was_exported_once_shows_its_total_and_deltas_are_added_up() {
    let console = Console::start(&[]);
    let sum = |temporality: u8, seconds_ago: u64, value: &str| {
        json!({ "isMonotonic": true, "aggregationTemporality": temporality,
            "dataPoints": [{ "timeUnixNano": (now() - seconds_ago * SECOND).to_string(), "asInt": value }] })
    };
    send(&console, json!({ "name": "orders", "unit": "{order}", "sum": sum(2, 0, "42") })).await;
    assert_eq!(latest(&console, "orders").await, json!({ "rate": null, "total": 42.0 }));
    assert_eq!(listed(&console, "orders").await, "total 42 order");
    for (seconds_ago, value) in [(20, "5"), (10, "7")] {
        send(&console, json!({ "name": "visits", "sum": sum(1, seconds_ago, value) })).await;
    }
    let visits = latest(&console, "visits").await;
    assert_eq!(visits["total"], 12.0);
    assert!((visits["rate"].as_f64().unwrap() - 0.7).abs() < 0.01, "{visits}");
    let (_, page) = console.html("/metrics/shop/visits").await;
    assert!(page.contains("total <b>12</b>"), "{page}");
}

#[tokio::test]
async fn a_histogram_without_buckets_has_its_count_sum_mean_and_extremes() {
    let console = Console::start(&[]);
    let point = |seconds_ago: u64, count: u64, sum: f64| {
        json!({ "timeUnixNano": (now() - seconds_ago * SECOND).to_string(), "count": count.to_string(),
            "sum": sum, "min": 0.25, "max": 2.0 })
    };
    let histogram = |points: Value| json!({ "aggregationTemporality": 2, "dataPoints": points });
    send(
        &console,
        json!({ "name": "wait", "unit": "s", "histogram": histogram(json!([point(20, 3, 1.5)])) }),
    )
    .await;
    let expected = json!({ "mean": 0.5, "count": 3.0, "sum": 1.5, "min": 0.25, "max": 2.0 });
    assert_eq!(latest(&console, "wait").await, expected);
    assert_eq!(listed(&console, "wait").await, "mean 500 ms");
    send(
        &console,
        json!({ "name": "wait", "unit": "s", "histogram": histogram(json!([point(10, 5, 5.5)])) }),
    )
    .await;
    let wait = latest(&console, "wait").await;
    assert_eq!((&wait["mean"], &wait["count"]), (&json!(2.0), &json!(5.0)), "the mean of the last interval");
    let (_, page) = console.html("/metrics/shop/wait").await;
    for shown in
        ["mean <b>2 s</b>", "count <b>5</b>", "sum <b>5.50 s</b>", "min <b>250 ms</b>", "max <b>2 s</b>"]
    {
        assert!(page.contains(shown), "{shown}: {page}");
    }
}

#[tokio::test]
async fn a_summary_has_its_own_quantiles() {
    let console = Console::start(&[]);
    let quantiles = json!([
        { "quantile": 0.1, "value": 0.2 }, { "quantile": 0.9, "value": 1.5 }, { "quantile": 0.999, "value": 4.0 },
        { "quantile": 0.5, "value": "NaN" },
    ]);
    let point =
        json!({ "timeUnixNano": now().to_string(), "count": "4", "sum": 2.0, "quantileValues": quantiles });
    send(&console, json!({ "name": "gc", "unit": "s", "summary": { "dataPoints": [point] } })).await;
    let expected =
        json!({ "p99.9": 4.0, "p90": 1.5, "p50": null, "p10": 0.2, "count": 4.0, "sum": 2.0, "mean": 0.5 });
    assert_eq!(latest(&console, "gc").await, expected);
    let (_, page) = console.html("/metrics/shop/gc").await;
    assert!(page.contains("p99.9 <b>4 s</b>") && page.contains("p10 <b>200 ms</b>"), "{page}");
}

#[tokio::test]
async fn a_cumulative_exponential_histogram_shows_the_percentiles_of_each_interval() {
    let console = Console::start(&[]);
    let point = |seconds_ago: u64, count: u64, scale: i32, offset: i32, counts: &[&str]| {
        json!({ "timeUnixNano": (now() - seconds_ago * SECOND).to_string(), "count": count.to_string(), "sum": 1.0,
            "scale": scale, "zeroCount": "0", "positive": { "offset": offset, "bucketCounts": counts } })
    };
    let metric = |point: Value| json!({ "name": "sizes", "unit": "By", "exponentialHistogram": { "aggregationTemporality": 2, "dataPoints": [point] } });
    // 100 values in (2, 4], then 10 in (8, 16], then 10 in (32, 64] with a coarser scale.
    send(&console, metric(point(30, 100, 0, 1, &["100"]))).await;
    send(&console, metric(point(20, 110, 0, 1, &["100", "0", "10"]))).await;
    let p50 = latest(&console, "sizes").await["p50"].as_f64().unwrap();
    assert!((8.0..=16.0).contains(&p50), "{p50}");
    send(&console, metric(point(10, 120, -1, 0, &["100", "10", "10"]))).await;
    let p50 = latest(&console, "sizes").await["p50"].as_f64().unwrap();
    assert!((16.0..=64.0).contains(&p50), "{p50}");
}

#[tokio::test]
async fn an_exemplar_opens_its_trace() {
    let console = Console::start(&[]);
    let time = now().to_string();
    let exemplars = json!([
        { "timeUnixNano": time, "asDouble": 1.25, "traceId": TRACE, "spanId": "00000000000000a1" },
        { "timeUnixNano": time, "asDouble": 7.0 },
    ]);
    let buckets = json!({ "timeUnixNano": time, "count": "2", "sum": 8.25, "explicitBounds": [5.0], "bucketCounts": ["1", "1"],
        "exemplars": exemplars });
    send(&console, json!({ "name": "wait", "unit": "s", "histogram": { "aggregationTemporality": 2, "dataPoints": [buckets] } })).await;
    let number = json!({ "timeUnixNano": time, "asInt": "1", "exemplars": exemplars });
    send(&console, json!({ "name": "orders", "sum": { "isMonotonic": true, "aggregationTemporality": 2, "dataPoints": [number] } })).await;
    for name in ["wait", "orders"] {
        let series = &console.json(&format!("/metrics/shop/{name}")).await["series"][0];
        let exemplars = series["exemplars"].as_array().unwrap();
        assert_eq!((exemplars.len(), &exemplars[0]["trace_id"]), (1, &json!(TRACE)), "{name}: {series:#}");
    }
    let (_, page) = console.html("/metrics/shop/wait").await;
    let link = format!("href=\"/traces/{TRACE}?span=00000000000000a1#s-00000000000000a1\"");
    assert!(page.contains(&link) && page.contains(">1.25 s</a>"), "{page}");
}

#[tokio::test]
async fn charts_have_a_time_axis_gaps_and_a_value_axis_that_fits() {
    let console = Console::start(&[]);
    let gauge = async |name: &str, values: &[(u64, f64)]| {
        let points: Vec<Value> = values
            .iter()
            .map(|(seconds_ago, value)| {
                json!({ "timeUnixNano": (now() - seconds_ago * SECOND).to_string(), "asDouble": value })
            })
            .collect();
        send(&console, json!({ "name": name, "gauge": { "dataPoints": points } })).await;
        let (_, page) = console.html(&format!("/metrics/shop/{name}")).await;
        page
    };
    let page = gauge("load", &[(790, 1.0), (780, 2.0), (10, 1.0), (0, 2.0)]).await;
    let path = page.split("<path class=\"value\" d=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(path.matches('M').count(), 2, "the gap of 13 minutes is not bridged: {path}");
    let places: Vec<f64> = path
        .split(['M', 'L'])
        .filter(|point| !point.is_empty())
        .map(|point| point.split(' ').next().unwrap().parse().unwrap())
        .collect();
    assert!((places[1] - places[0]) < 10.0 && (places[2] - places[1]) > 280.0, "by time, of 300: {path}");
    assert!(page.contains("class=\"from\"><time ") && page.contains("class=\"to\"><time "), "{page}");
    let page = gauge("connections", &[(20, 1_000.0), (10, 1_001.0), (0, 1_000.5)]).await;
    assert!(page.contains("class=\"top\">1001<") && page.contains("class=\"bottom\">1000<"), "{page}");
    let page = gauge("pressure", &[(20, 101_325.01), (10, 101_325.04)]).await;
    assert!(
        page.contains("class=\"top\">101325.04<") && page.contains("class=\"bottom\">101325.01<"),
        "{page}"
    );
    let page = gauge("queue", &[(20, 3.0), (10, 10.0)]).await;
    assert!(page.contains("class=\"top\">10<") && page.contains("class=\"bottom\">0<"), "{page}");
}

#[tokio::test]
async fn the_start_of_a_point_gives_the_rate_of_a_single_delta_and_shows_that_a_process_has_started_again() {
    let console = Console::start(&[]);
    let sum = |temporality: u8, start: u64, time: u64, value: &str| {
        json!({ "isMonotonic": true, "aggregationTemporality": temporality, "dataPoints": [{
            "startTimeUnixNano": (now() - start * SECOND).to_string(),
            "timeUnixNano": (now() - time * SECOND).to_string(), "asInt": value }] })
    };
    send(&console, json!({ "name": "visits", "sum": sum(1, 20, 10, "5") })).await;
    let rate = latest(&console, "visits").await["rate"].as_f64().unwrap();
    assert!((rate - 0.5).abs() < 0.01, "{rate}");
    send(&console, json!({ "name": "orders", "sum": sum(2, 60, 20, "100") })).await;
    // It has counted more than the process before.
    send(&console, json!({ "name": "orders", "sum": sum(2, 15, 10, "150") })).await;
    let rate = latest(&console, "orders").await["rate"].as_f64().unwrap();
    assert!((rate - 15.0).abs() < 0.1, "{rate}");
}

#[tokio::test]
async fn a_histogram_without_a_sum_says_nothing_about_sum_and_mean() {
    let console = Console::start(&[]);
    let point = |seconds_ago: u64, count: u64, buckets: bool| {
        let mut point = json!({ "timeUnixNano": (now() - seconds_ago * SECOND).to_string(),
            "count": count.to_string(), "min": -2.0 });
        if buckets {
            point["explicitBounds"] = json!([0.0]);
            point["bucketCounts"] = json!([count.to_string(), "0"]);
        }
        point
    };
    for (name, buckets) in [("change", true), ("drift", false)] {
        let points = json!([point(20, 2, buckets), point(10, 5, buckets)]);
        let histogram = json!({ "aggregationTemporality": 2, "dataPoints": points });
        send(&console, json!({ "name": name, "unit": "s", "histogram": histogram })).await;
        let shown = latest(&console, name).await;
        assert_eq!((&shown["count"], &shown["min"]), (&json!(5.0), &json!(-2.0)), "{shown}");
        assert!(shown.get("sum").is_none() && shown.get("mean").is_none(), "{shown}");
        let grouped = console.json(&format!("/metrics/shop/{name}?group=*")).await;
        let shown = grouped["groups"][0]["latest"].as_object().unwrap();
        assert_eq!((shown.get("sum"), shown["count"].as_f64()), (None, Some(5.0)), "{grouped:#}");
        assert!(shown.get("mean").is_none_or(Value::is_null), "{grouped:#}");
        let (_, page) = console.html(&format!("/metrics/shop/{name}")).await;
        assert!(!page.contains("sum <b>") && !page.contains("mean <b>"), "{page}");
    }
    assert_eq!(listed(&console, "drift").await, "count 5");
}

#[tokio::test]
async fn a_point_without_a_recorded_value_is_a_gap_at_once_and_ends_its_series() {
    let console = Console::start(&[]);
    let start = now();
    let point = |seconds_ago: u64, value: Option<f64>| {
        let mut point = json!({ "timeUnixNano": (start - seconds_ago * SECOND).to_string() });
        match value {
            Some(value) => point["asDouble"] = value.into(),
            None => point["flags"] = 1.into(),
        }
        point
    };
    let send_load = async |points: &[Value]| {
        send(&console, json!({ "name": "load", "gauge": { "dataPoints": points } })).await;
        let (_, page) = console.html("/metrics/shop/load").await;
        let path = page.split("<path class=\"value\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        (path.matches('M').count(), page.contains("This series has ended"))
    };
    let before = [point(40, Some(1.0)), point(30, Some(2.0)), point(20, None), point(19, None)];
    assert_eq!(send_load(&before).await, (1, true));
    assert_eq!(send_load(&[point(10, Some(3.0)), point(0, Some(4.0))]).await, (2, false));
    let load = console.json("/metrics/shop/load?group=*").await;
    let values: Vec<&Value> =
        load["groups"][0]["points"].as_array().unwrap().iter().map(|point| &point["mean"]).collect();
    assert_eq!(values, [&json!(1.0), &json!(2.0), &Value::Null, &json!(3.0), &json!(4.0)]);
    // The instrument is not known.
    send(&console, json!({ "name": "other", "gauge": { "dataPoints": [point(0, None)] } })).await;
    assert_eq!(console.html("/metrics/shop/other").await.0, 404);
}
