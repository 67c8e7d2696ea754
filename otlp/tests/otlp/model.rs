//! The model: equality of values, and the text of a trace.

use otlp::Receiver;
use otlp::model::{Attributes, Data, Value};
use serde_json::json;

fn attributes(pairs: impl IntoIterator<Item = (&'static str, Value)>) -> Attributes {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

#[test]
fn values_equal_only_values_of_the_same_type() {
    let list = Value::Array(vec![Value::Int(1), "a".into()]);
    let map = Value::Map(attributes([("a", Value::Bool(true))]));
    let equal = [
        (Value::Empty, json!(null)),
        ("200".into(), json!("200")),
        (Value::Int(200), json!(200)),
        (Value::Double(200.0), json!(200.0)),
        (Value::Bool(true), json!(true)),
        (list, json!([1, "a"])),
        (map, json!({ "a": true })),
    ];
    for (at, (value, _)) in equal.iter().enumerate() {
        for (other, (_, json)) in equal.iter().enumerate() {
            assert_eq!(value == json, at == other, "{value} and {json}");
        }
    }
    let (text, empty_text) = (Value::from("200"), Value::from(""));
    assert!(empty_text != json!(null) && Value::Empty != json!(""));
    assert!(text == "200" && text != 200 && Value::Int(200) == 200 && Value::Int(200) != "200");
}

#[test]
fn a_duplicate_key_is_kept() {
    let attributes = attributes([("a", Value::Int(1)), ("a", Value::Int(2))]);
    assert_eq!(attributes.iter().count(), 2);
    assert_eq!(attributes["a"], 1);
    assert!(attributes.contains_key("a") && !attributes.contains_key("b"));
}

#[tokio::test]
async fn the_shape_of_a_trace_does_not_depend_on_the_order_of_its_spans() {
    const TRACE_ID: &str = "5b8efff798038103d269b633813fc60c";
    let span = |id: &str, parent: &str, name: &str, start: u64| json!({ "traceId": TRACE_ID, "spanId": id, "parentSpanId": parent, "name": name, "kind": 3, "startTimeUnixNano": start });
    let (root, child, remote) = ("00000000000000a1", "00000000000000a2", "00000000000000ff");
    let spans = [
        span("00000000000000a3", root, "PUT", 2),
        span(child, root, "GET", 3),
        span(root, remote, "GET /handson", 1),
        span("00000000000000a4", child, "SELECT", 4),
    ];
    let request = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] });

    let receiver = Receiver::start().await.unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let post = client.post(format!("{}/v1/traces", receiver.endpoint())).body(request.to_string());
    assert_eq!(post.header("content-type", "application/json").send().await.unwrap().status(), 200);
    let telemetry = receiver.telemetry();
    let shape = telemetry.trace(TRACE_ID).shape();
    assert_eq!(shape, "GET /handson Client\n  GET Client\n    SELECT Client\n  PUT Client\n");
    assert!(telemetry.outline().starts_with("4 spans, 0 log records\ntrace 5b8e"), "{}", telemetry.outline());
}

#[tokio::test]
async fn a_point_has_the_start_of_its_series() {
    let at = json!({ "startTimeUnixNano": "5", "timeUnixNano": "7", "attributes": [] });
    let (number, histogram) = (json!({ "asInt": "1" }), json!({ "count": "1", "sum": 1.0 }));
    let point = |of: &serde_json::Value| {
        let mut point = at.as_object().unwrap().clone();
        point.extend(of.as_object().unwrap().clone());
        json!([point])
    };
    let metrics = json!([
        { "name": "orders", "sum": { "dataPoints": point(&number), "aggregationTemporality": 2 } },
        { "name": "duration", "histogram": { "dataPoints": point(&histogram), "aggregationTemporality": 2 } },
        { "name": "size", "exponentialHistogram": { "dataPoints": point(&histogram), "aggregationTemporality": 2 } },
        { "name": "quantiles", "summary": { "dataPoints": point(&histogram) } },
    ]);
    let request = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": metrics }] }] });

    let receiver = Receiver::start().await.unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let post = client.post(format!("{}/v1/metrics", receiver.endpoint())).body(request.to_string());
    assert_eq!(post.header("content-type", "application/json").send().await.unwrap().status(), 200);
    let telemetry = receiver.telemetry();
    let times: Vec<(u64, u64)> = telemetry
        .metrics
        .iter()
        .map(|metric| match &metric.data {
            Data::Sum { points, .. } => (points[0].start, points[0].time),
            Data::Histogram { points, .. } | Data::ExponentialHistogram { points, .. } => {
                (points[0].start, points[0].time)
            }
            Data::Summary(points) => (points[0].start, points[0].time),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(times, [(5, 7); 4]);
}
