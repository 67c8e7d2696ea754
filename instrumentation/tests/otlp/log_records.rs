//! Compares decoded requests with the encoding of the same log records by `opentelemetry-proto`.

use std::collections::HashMap;
use std::slice;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use futures_executor::block_on;
use instrumentation::otlp::LogRecordExporter;
use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry::trace::{SpanId, TraceFlags, TraceId};
use opentelemetry::{InstrumentationScope, Key, KeyValue};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::logs::tonic::group_logs_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogBatch, LogExporter as _, LogProcessor, SdkLogRecord, SdkLoggerProvider};
use prost::Message;

use crate::server::Server;
use crate::{config, http_client};

type Records = Vec<(SdkLogRecord, InstrumentationScope)>;

/// Keeps the records that the SDK creates.
#[derive(Debug, Clone, Default)]
struct Keep(Arc<Mutex<Records>>);

impl LogProcessor for Keep {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        self.0.lock().expect("the records").push((record.clone(), scope.clone()));
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Every kind of value, nested and empty.
fn values() -> Vec<AnyValue> {
    let list =
        AnyValue::ListAny(Box::new(vec![AnyValue::Int(-1), AnyValue::from("桜"), AnyValue::Boolean(true)]));
    // A map with one member, because the order of several is random.
    let map = HashMap::from([(Key::new("inside"), list.clone())]);
    vec![
        AnyValue::from(""),
        AnyValue::from("x".repeat(20_000)),
        AnyValue::Int(i64::MIN),
        AnyValue::Double(-0.0),
        AnyValue::Boolean(false),
        AnyValue::Bytes(Box::new(vec![0, 255])),
        AnyValue::ListAny(Box::default()),
        list,
        AnyValue::Map(Box::new(map)),
    ]
}

/// Records with and without each field, in scopes that differ in only one part.
fn records() -> Records {
    let keep = Keep::default();
    let provider = SdkLoggerProvider::builder().with_log_processor(keep.clone()).build();
    let scopes = [
        InstrumentationScope::builder("a").build(),
        InstrumentationScope::builder("a").with_version("1").build(),
        InstrumentationScope::builder("a").with_schema_url("https://example.com/1").build(),
        InstrumentationScope::builder("a").with_attributes([KeyValue::new("scope", true)]).build(),
    ];
    let values = values();
    let severities = [Severity::Trace, Severity::Info, Severity::Fatal4];
    for turn in 0..72_usize {
        let logger = provider.logger_with_scope(scopes[turn % scopes.len()].clone());
        let mut record = logger.create_log_record();
        let is = |every: usize| turn.is_multiple_of(every);
        if is(2) {
            record.set_timestamp(UNIX_EPOCH + Duration::from_nanos(1_700_000_000_000_000_000 + turn as u64));
            record.set_severity_number(severities[turn % severities.len()]);
            record.set_severity_text("INFO");
        }
        if is(3) {
            record.set_body(values[turn % values.len()].clone());
            record.set_event_name("handson.dbQuery");
        }
        if is(5) {
            record.set_trace_context(TraceId::from(7), SpanId::from(9), Some(TraceFlags::SAMPLED));
        }
        if is(7) {
            record.set_target("handson::db");
        }
        for (number, value) in values.iter().enumerate().take(turn % 10) {
            record.add_attribute(format!("value {number}"), value.clone());
        }
        logger.emit(record);
    }
    std::mem::take(&mut *keep.0.lock().expect("the records"))
}

fn exporter(server: &Server) -> LogRecordExporter {
    let config = config(server);
    LogRecordExporter::new(http_client(slice::from_ref(&config.endpoint)), config)
}

#[test]
fn records_are_sent_as_opentelemetry_proto_encodes_them() {
    let server = Server::start([]);
    let mut exporter = exporter(&server);
    let attributes = [KeyValue::new("service.name", "shop"), KeyValue::new("cores", 2)];
    let resource =
        Resource::builder_empty().with_schema_url(attributes, "https://example.com/resource").build();
    exporter.set_resource(&resource);
    let records = records();
    let batch: Vec<_> = records.iter().map(|(record, scope)| (record, scope)).collect();

    block_on(exporter.export(LogBatch::new(&batch))).expect("the export succeeds");

    let mut resource_logs = group_logs_by_resource_and_scope(
        &LogBatch::new(&batch),
        &ResourceAttributesWithSchema::from(&resource),
    );
    let sent = ExportLogsServiceRequest::decode(&*server.next().body).expect("a request");
    // The order of the scopes is random there.
    let order = |scope: &opentelemetry_proto::tonic::logs::v1::ScopeLogs| {
        sent.resource_logs[0]
            .scope_logs
            .iter()
            .position(|other| (&other.scope, &other.schema_url) == (&scope.scope, &scope.schema_url))
    };
    resource_logs[0].scope_logs.sort_by_key(order);
    assert!(sent.resource_logs[0].scope_logs.len() > 4, "targets are scopes of their own");
    assert_eq!(sent, ExportLogsServiceRequest { resource_logs });
}

#[test]
fn an_exporter_that_is_shut_down_sends_nothing() {
    let server = Server::start([]);
    let exporter = exporter(&server);
    exporter.shutdown_with_timeout(Duration::from_secs(1)).expect("the first shutdown");
    let result = block_on(exporter.export(LogBatch::new(&[])));
    assert!(format!("{result:?}").contains("AlreadyShutdown"), "{result:?}");
}
