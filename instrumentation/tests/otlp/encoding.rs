//! Compares decoded requests with the encoding of the same spans by `opentelemetry-proto`.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use prost::Message;

use crate::server::Server;
use crate::spans::Generator;
use crate::{export, exporter};

fn resource(random: &mut Generator) -> Resource {
    let attributes = (0..10).map(|_| random.attribute());
    Resource::builder_empty().with_schema_url(attributes, "https://example.com/resource/1.44.0").build()
}

/// The request as `opentelemetry-otlp` sends it, except the order of the scopes: it is random there, and here
/// it is the order in which the scopes first occur.
fn reference(spans: Vec<SpanData>, resource: &Resource) -> ExportTraceServiceRequest {
    let resource = ResourceAttributesWithSchema::from(resource);
    let ids: Vec<_> = spans.iter().map(|span| span.span_context.span_id().to_bytes()).collect();
    let mut resource_spans = group_spans_by_resource_and_scope(spans, &resource);
    for scopes in &mut resource_spans {
        scopes.scope_spans.sort_by_key(|scope| ids.iter().position(|id| id[..] == scope.spans[0].span_id));
    }
    ExportTraceServiceRequest { resource_spans }
}

#[test]
fn generated_spans_are_sent_as_opentelemetry_proto_encodes_them() {
    let server = Server::start([]);
    let mut exporter = exporter(&server);
    for seed in 0..60 {
        let mut random = Generator::new(seed);
        let resource = resource(&mut random);
        exporter.set_resource(&resource);
        let spans: Vec<_> = (0..seed).map(|_| random.span()).collect();
        let expected = reference(spans.clone(), &resource);

        export(&exporter, spans).expect("the export succeeds");

        let body = server.next().body;
        let sent =
            ExportTraceServiceRequest::decode(&*body).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(sent, expected, "seed {seed}: the decoded request differs");
        // Lengths and numbers must have their shortest form, too.
        assert!(body == expected.encode_to_vec(), "seed {seed}: the bytes differ");
    }
}

#[test]
fn a_batch_of_several_megabytes_is_sent_as_opentelemetry_proto_encodes_it() {
    let server = Server::start([]);
    let mut exporter = exporter(&server);
    let mut random = Generator::new(7);
    let resource = resource(&mut random);
    exporter.set_resource(&resource);
    let text: Arc<str> = "x".repeat(3_000_000).into();
    let mut span = random.span();
    span.attributes.push(KeyValue::new("long", text));
    let expected = reference(vec![span.clone()], &resource);

    export(&exporter, vec![span]).expect("the export succeeds");

    assert!(server.next().body == expected.encode_to_vec(), "the bytes differ");
}

#[test]
fn without_a_resource_the_request_has_an_empty_one() {
    let server = Server::start([]);
    let spans = vec![Generator::new(3).span()];
    let expected = reference(spans.clone(), &Resource::builder_empty().build());

    export(&exporter(&server), spans).expect("the export succeeds");

    let sent = ExportTraceServiceRequest::decode(&*server.next().body).expect("a request");
    assert_eq!(sent, expected);
}
