//! The OTLP receiver: valid requests are accepted with the right content, others are refused with a message.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use otlp::Receiver;
use otlp::model::{Data, SpanKind, Telemetry, Value};

/// Sends `body` as JSON to a new receiver, and returns the status and what was accepted.
async fn send(path: &str, body: &str) -> (u16, Telemetry) {
    send_as(path, &[("content-type", "application/json")], body.as_bytes().to_vec()).await
}

async fn send_as(path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> (u16, Telemetry) {
    let receiver = Receiver::start().await.unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let mut request = client.post(format!("{}{path}", receiver.endpoint())).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let status = request.send().await.unwrap().status().as_u16();
    (status, receiver.telemetry())
}

fn span(members: &str) -> String {
    format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"x"}}}}]}},
        "scopeSpans":[{{"spans":[{{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174",
        "name":"GET","kind":3,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712661000000000 {members}}}]}}]}}]}}"#
    )
}

#[tokio::test]
async fn ids_are_hex_of_any_case_and_64_bit_numbers_come_as_strings_or_numbers() {
    let (status, telemetry) = send("/v1/traces", &span(r#","parentSpanId":"""#)).await;
    assert_eq!(status, 200);
    let span = &telemetry.spans[0];
    assert_eq!(span.trace_id, "5b8efff798038103d269b633813fc60c");
    assert_eq!((span.parent_span_id.as_deref(), span.kind), (None, SpanKind::Client));
    assert_eq!(span.end - span.start, 1_000_000_000);
    assert_eq!(span.resource.text("service.name"), Some("x"));
}

#[tokio::test]
async fn values_that_other_parsers_refuse_are_accepted() {
    let attributes = r#","attributes":[
        {"key":"empty","value":{}},
        {"key":"list","value":{"arrayValue":{}}},
        {"key":"nan","value":{"doubleValue":"NaN"}},
        {"key":"int","value":{"intValue":"42"}},
        {"key":"number","value":{"intValue":42}}],
        "droppedAttributesCount":null,"unknownField":{"x":1}"#;
    let (status, telemetry) = send("/v1/traces", &span(attributes)).await;
    assert_eq!(status, 200);
    let attributes = &telemetry.spans[0].attributes;
    assert_eq!(attributes.get("empty"), Some(&Value::Empty));
    assert_eq!(attributes.get("list"), Some(&Value::Array(Vec::new())));
    assert!(matches!(attributes.get("nan"), Some(Value::Double(nan)) if nan.is_nan()), "{attributes:?}");
    assert_eq!((attributes.int("int"), attributes.int("number")), (Some(42), Some(42)));
}

#[tokio::test]
async fn an_empty_request_is_valid() {
    for path in ["/v1/traces", "/v1/metrics", "/v1/logs"] {
        let (status, telemetry) = send(path, "{}").await;
        assert_eq!((status, telemetry.refused.len()), (200, 0), "{path}");
    }
}

#[tokio::test]
async fn metrics_with_exemplars_and_exponential_histograms_without_defaults_keep_their_data() {
    let (status, telemetry) = send(
        "/v1/metrics",
        r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
        {"name":"a","unit":"s","histogram":{"aggregationTemporality":2,"dataPoints":[{"count":"2","sum":0.5,
            "bucketCounts":["1","1"],"explicitBounds":[0.1],
            "exemplars":[{"asDouble":0.3,"spanId":"eee19b7ec3c1b174","traceId":"5b8efff798038103d269b633813fc60c"}]}]}},
        {"name":"b","exponentialHistogram":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_DELTA",
            "dataPoints":[{"count":3,"sum":1}]}},
        {"name":"c","sum":{"isMonotonic":true,"dataPoints":[{"asInt":"7"}]}}]}]}]}"#,
    )
    .await;
    assert_eq!(status, 200);
    let data: Vec<&Data> = telemetry.metrics.iter().map(|metric| &metric.data).collect();
    assert!(matches!(data[0], Data::Histogram { points, .. } if points[0].count == 2), "{data:?}");
    assert!(matches!(data[1], Data::ExponentialHistogram { points, .. } if points[0].count == 3), "{data:?}");
    assert!(matches!(data[2], Data::Sum { points, .. } if points[0].value == 7.0), "{data:?}");
}

#[tokio::test]
async fn a_body_may_be_compressed_by_gzip_or_deflate() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(span("").as_bytes()).unwrap();
    let mut deflate = ZlibEncoder::new(Vec::new(), Compression::fast());
    deflate.write_all(span("").as_bytes()).unwrap();
    for (encoding, body) in [("gzip", gzip.finish().unwrap()), ("deflate", deflate.finish().unwrap())] {
        let headers = [("content-type", "application/json"), ("content-encoding", encoding)];
        let (status, telemetry) = send_as("/v1/traces", &headers, body).await;
        assert_eq!((status, telemetry.spans.len()), (200, 1), "{encoding}");
        let (status, telemetry) = send_as("/v1/traces", &headers, span("").into_bytes()).await;
        assert_eq!(status, 400, "{encoding}");
        let words = format!("the body is not valid {encoding}");
        assert!(telemetry.refused[0].contains(&words), "{:?}", telemetry.refused);
    }
}

#[tokio::test]
async fn invalid_otlp_is_refused_with_the_reason() {
    let json = [("content-type", "application/json")];
    let protobuf = [("content-type", "application/x-protobuf")];
    for (path, headers, body, status, words) in [
        ("/traces", &json, "{}", 404, "POST /traces: OTLP's paths are /v1/traces"),
        ("//v1/traces", &json, "{}", 404, "POST //v1/traces"),
        ("/v1/traces", &json, "{", 400, "the body is no OTLP"),
        ("/v1/traces", &protobuf, "no protobuf", 400, "the body is no OTLP"),
        ("/v1/logs", &[("content-type", "text/plain")], "{}", 415, "content-type \"text/plain\""),
    ] {
        let (answered, telemetry) = send_as(path, headers, body.as_bytes().to_vec()).await;
        assert_eq!(answered, status, "{path}");
        assert!(telemetry.refused[0].contains(words), "{:?}", telemetry.refused);
    }
}

#[tokio::test]
async fn what_does_not_come_by_post_is_answered_404_and_not_reported_as_an_export() {
    let receiver = Receiver::start().await.unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let answer = client.get(format!("{}/favicon.ico", receiver.endpoint())).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 404);
    assert_eq!(receiver.telemetry().refused, Vec::<String>::new());
}

#[tokio::test]
async fn an_id_that_is_not_hex_is_refused() {
    let wrong = span("").replace("eee19b7ec3c1b174", "W47/95gDgQPSabYzgT/GDA==");
    let (status, telemetry) = send("/v1/traces", &wrong).await;
    assert_eq!(status, 400);
    assert!(telemetry.refused[0].contains("spanId"), "{:?}", telemetry.refused);
}

#[tokio::test]
async fn grpc_is_accepted_at_the_same_port() {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
    use tonic::codec::CompressionEncoding::Gzip;

    let receiver = Receiver::start().await.unwrap();
    let channel =
        tonic::transport::Endpoint::new(receiver.endpoint().to_owned()).unwrap().connect().await.unwrap();
    let mut client = tonic::client::Grpc::new(channel).send_compressed(Gzip);
    let spans = vec![Span { name: "over gRPC".to_owned(), ..Span::default() }];
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export".parse().unwrap();
    client.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<
        ExportTraceServiceRequest,
        opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse,
    >::default();
    let request = tonic::Request::new(ExportTraceServiceRequest { resource_spans });
    client.unary(request, path, codec).await.unwrap();
    assert_eq!(receiver.telemetry().spans[0].name, "over gRPC");
}
