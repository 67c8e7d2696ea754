//! The views of a store with fixed content, and their HTML and JSON, as snapshots.
#![allow(clippy::unwrap_used, reason = "a test that cannot continue should panic")]

use std::sync::Arc;

use super::{errors, logs, metrics, overview, services, status, trace, traces};
use crate::page::{Context, View};
use crate::store::Store;
use crate::{Console, Extension, Hosts, Lang, Options, TimeRange};
use otlp::model::{
    Attributes, Data, Dropped, Event, HistogramPoint, LogRecord, Metric, Point, Scope, Span, SpanKind,
    StatusCode, Telemetry, Temporality, Value,
};

/// 2026-01-02T03:04:05Z.
const NOW: u64 = 1_767_323_045_000_000_000;
const MS: u64 = 1_000_000;
const TRACE: &str = "5b8efff798038103d269b633813fc60c";

fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect()
}

fn resource(service: &str) -> Arc<Attributes> {
    Arc::new(attributes(&[("service.name", service)]))
}

fn span(service: &str, id: u64, parent: Option<u64>, name: &str, kind: SpanKind, took: u64) -> Span {
    Span {
        resource: resource(service),
        scope: Arc::new(Scope { name: "test".to_owned(), ..Scope::default() }),
        trace_id: TRACE.to_owned(),
        span_id: format!("{id:016x}"),
        parent_span_id: parent.map(|id| format!("{id:016x}")),
        trace_state: String::new(),
        flags: 1,
        name: name.to_owned(),
        kind,
        start: NOW - 10_000 * MS,
        end: NOW - 10_000 * MS + took,
        attributes: Attributes::default(),
        events: Vec::new(),
        links: Vec::new(),
        dropped: Dropped::default(),
        status: StatusCode::Unset,
        status_message: String::new(),
    }
}

/// A service `shop` that calls a service `stock` and fails, its log record, and its counter.
fn telemetry() -> Telemetry {
    let exception =
        attributes(&[("exception.type", "Timeout"), ("exception.message", "no answer after 7ms")]);
    let call = Span {
        status: StatusCode::Error,
        events: vec![Event { time: NOW - 9_990 * MS, name: "exception".to_owned(), attributes: exception }],
        ..span("shop", 2, Some(1), "GET", SpanKind::Client, 8 * MS)
    };
    let record = LogRecord {
        resource: resource("shop"),
        scope: Arc::default(),
        time: NOW - 9_995 * MS,
        observed: 0,
        severity_number: 13,
        severity_text: String::new(),
        body: "the stock is slow".into(),
        attributes: attributes(&[("item", "7")]),
        trace_id: Some(TRACE.to_owned()),
        span_id: Some(format!("{:016x}", 2)),
        event_name: String::new(),
    };
    let orders = |seconds: u64, value: f64| Metric {
        resource: resource("shop"),
        scope: Arc::default(),
        name: "orders".to_owned(),
        unit: "{order}".to_owned(),
        description: "Orders placed.".to_owned(),
        data: Data::Sum {
            monotonic: true,
            temporality: Temporality::Cumulative,
            points: vec![Point {
                start: 0,
                time: NOW - 20_000 * MS + seconds * 1_000 * MS,
                attributes: attributes(&[("currency", "yen")]),
                value,
                exemplars: Vec::new(),
            }],
        },
        gaps: Vec::new(),
    };
    Telemetry {
        spans: vec![
            span("shop", 1, None, "GET /cart", SpanKind::Server, 10 * MS),
            call,
            span("stock", 3, Some(2), "GET /stock", SpanKind::Server, 4 * MS),
        ],
        log_records: vec![record],
        metrics: vec![orders(0, 5.0), orders(10, 55.0)],
        refused: Vec::new(),
    }
}

fn console(telemetry: Telemetry) -> Arc<Console> {
    let console = Console::new(Options {
        memory: 16 * 1024 * 1024,
        monitors: Vec::new(),
        extension: Extension::default(),
        origins: Vec::new(),
        hosts: Hosts::default(),
        url: String::new(),
        endpoint: "http://localhost:4318".to_owned(),
    });
    console.write(|store| store.add(telemetry, NOW));
    console
}

fn context(console: &Console, lang: Lang) -> Context {
    Context {
        lang,
        services: console.read(|store| store.services().to_vec()),
        endpoint: console.options.endpoint.clone(),
        ..Context::default()
    }
}

/// The part of the page that is updated, with one element per line.
fn live(view: &impl View, context: &Context) -> String {
    view.html(context).live.into_string().replace("><", ">\n<")
}

fn trace_page(store: &Store, chosen: &str) -> trace::TracePage {
    let trace = store.trace(TRACE).unwrap();
    trace::TracePage::new(
        trace,
        store.log_records_of(TRACE),
        trace::Parameters { span: Some(chosen.to_owned()), ..Default::default() },
    )
}

#[test]
fn the_overview_has_requests_calls_and_errors() {
    let console = console(telemetry());
    let view = console
        .read(|store| overview::Overview::new(store, &[], Default::default(), &TimeRange::default(), NOW));
    let mut json = serde_json::to_value(&view).unwrap();
    // There are 60 slots, of which one has a request.
    let slots = json["slots"].as_array_mut().unwrap();
    assert_eq!(slots.len(), 60);
    slots.retain(|slot| slot["requests"] != 0);
    // Percentiles and hashes may differ between platforms.
    let p50 = json["p50_ms"].as_f64().unwrap();
    assert!((9.5..10.5).contains(&p50), "the request took 10 ms: {p50}");
    for percentile in ["p50_ms", "p95_ms", "p99_ms"] {
        json.as_object_mut().unwrap().remove(percentile);
        json["slots"][0].as_object_mut().unwrap().remove(percentile);
    }
    json["error_groups"][0]["id"] = "(a hash)".into();
    // Another crate of the workspace enables a feature of serde_json that changes the order of keys.
    insta::with_settings!({sort_maps => true}, { insta::assert_json_snapshot!(json) });
}

#[test]
fn the_list_of_traces_names_root_services_and_status() {
    let console = console(telemetry());
    let view = traces::Traces::new(&console, Default::default(), &TimeRange::default(), NOW);
    insta::assert_snapshot!(live(&view, &context(&console, Lang::En)));
}

#[test]
fn a_trace_in_japanese_has_its_tree_the_selected_span_and_its_logs() {
    let console = console(telemetry());
    let view = console.read(|store| trace_page(store, "0000000000000002"));
    insta::assert_snapshot!(live(&view, &context(&console, Lang::Ja)));
}

#[test]
fn log_records_as_json_are_otlp() {
    let console = console(telemetry());
    insta::assert_compact_json_snapshot!(logs::Logs::new(
        &console,
        Default::default(),
        &TimeRange::default()
    ));
}

#[test]
fn an_error_group_has_its_history_and_its_traces() {
    let console = console(telemetry());
    let view = console.read(|store| errors::ErrorGroup::new(store, store.errors.groups()[0], NOW));
    insta::assert_snapshot!(live(&view, &context(&console, Lang::En)));
}

#[test]
fn failed_requests_that_are_too_many_to_wait_for_their_exceptions_are_reported() {
    let failed = |trace: u64| Span {
        trace_id: format!("{trace:032x}"),
        status: StatusCode::Error,
        ..span("shop", 1, None, "GET /cart", SpanKind::Server, MS)
    };
    let console = console(Telemetry { spans: (1..=5_001).map(failed).collect(), ..Telemetry::default() });
    console.write(|store| store.tick(NOW + 10_000 * MS));
    let counted = console.read(|store| store.errors.groups()[0].count);
    let view = console.read(|store| status::Status::new(store, NOW));
    assert_eq!((counted, &serde_json::to_value(&view).unwrap()["failures_not_counted"]), (5_000, &1.into()));
    let html = live(&view, &context(&console, Lang::En));
    assert!(html.contains("1 failed request is not among the errors"), "{html}");
}

#[test]
fn an_instrument_has_its_series_and_their_latest_values() {
    let console = console(telemetry());
    let view = metrics::InstrumentPage::load(
        &console,
        "shop",
        "orders",
        Default::default(),
        &TimeRange::default(),
        NOW,
    )
    .unwrap();
    insta::assert_json_snapshot!(view);
}

#[test]
fn a_histogram_in_japanese_has_groups_and_heat_maps() {
    let wait = |route: &str, seconds_ago: u64, bucket_counts: [u64; 3]| Metric {
        resource: resource("shop"),
        scope: Arc::default(),
        name: "wait".to_owned(),
        unit: "s".to_owned(),
        description: String::new(),
        data: Data::Histogram {
            temporality: Temporality::Delta,
            points: vec![HistogramPoint {
                start: NOW - (seconds_ago + 10) * 1_000 * MS,
                time: NOW - seconds_ago * 1_000 * MS,
                attributes: attributes(&[("http.route", route)]),
                count: bucket_counts.iter().sum(),
                sum: Some(1.0),
                min: None,
                max: None,
                bounds: vec![0.1, 0.2],
                bucket_counts: bucket_counts.to_vec(),
                exemplars: Vec::new(),
            }],
        },
        gaps: Vec::new(),
    };
    let metrics = [
        ("/cart", 20, [4, 0, 0]),
        ("/cart", 10, [1, 3, 0]),
        ("/pay", 10, [0, 0, 2]),
        ("/cart", 0, [9, 0, 0]),
    ];
    let metrics = metrics.into_iter().map(|(route, ago, counts)| wait(route, ago, counts)).collect();
    let console = console(Telemetry { metrics, ..Telemetry::default() });
    let parameters = metrics::Parameters { group: "http.route".to_owned(), ..Default::default() };
    let view =
        metrics::InstrumentPage::load(&console, "shop", "wait", parameters, &TimeRange::default(), NOW)
            .unwrap();
    insta::assert_snapshot!(live(&view, &context(&console, Lang::Ja)));
}

#[test]
fn the_page_of_services_in_japanese_has_a_table_and_a_map_of_calls() {
    let console = console(telemetry());
    let view = console.read(|store| services::Services::new(store, &TimeRange::default(), NOW));
    insta::assert_snapshot!(live(&view, &context(&console, Lang::Ja)));
}

#[test]
fn an_empty_page_in_japanese_says_how_to_send_telemetry() {
    let console = console(Telemetry::default());
    let view = console.read(|store| metrics::Metrics::new(store, 0, &TimeRange::default()));
    insta::assert_snapshot!(live(&view, &context(&console, Lang::Ja)));
}
