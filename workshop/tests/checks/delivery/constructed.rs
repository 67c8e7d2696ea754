//! Constructed evidence: a calm run, and for each fault a run without mistakes.

use std::sync::Arc;
use std::time::Duration;

use otlp::model::{
    Attributes, Data, Dropped, LogRecord, Metric, Point, Scope, Span, SpanKind, StatusCode, Telemetry,
    Temporality,
};
use serde_json::{Value, json};
use workshop::evidence::{
    Answer, Backend, Database, DeliveryRun, Ending, Evidence, Exchange, Fault, Origin, Parent, Purpose, Run,
};

pub const SECOND: u64 = 1_000_000_000;
/// 2026-11-24T10:00:00Z.
pub const START: u64 = 1_795_514_400 * SECOND;
const SPANS_OF_A_REQUEST: usize = 3;
pub const REQUESTS: usize = 6;
/// Lost in each run with a fault: of 18 spans and of 9 lines.
pub const LOST_SPANS: usize = 7;
pub const LOST_RECORDS: usize = 2;
pub const PASSWORD: &str = "secret-of-a-test";

fn exchange(index: usize) -> Exchange {
    let parent = Parent { trace_id: format!("{:032x}", index + 1), span_id: format!("{:016x}", index + 1) };
    let answer = Answer { status: 200, headers: Vec::new(), body: "{}".to_owned() };
    let sent = START + index as u64 * SECOND / 10;
    Exchange {
        purpose: Purpose::Burst,
        path: "/handson".to_owned(),
        parent: Some(parent),
        sent,
        answered: sent + SECOND / 100,
        answer: Ok(answer),
    }
}

fn span(trace: usize, index: usize) -> Span {
    Span {
        resource: Arc::default(),
        scope: Arc::default(),
        trace_id: format!("{:032x}", trace + 1),
        span_id: format!("{:016x}", 100 * trace + index),
        parent_span_id: None,
        trace_state: String::new(),
        flags: 1,
        name: "GET".to_owned(),
        kind: SpanKind::Internal,
        start: START,
        end: START + 1,
        attributes: Attributes::default(),
        events: Vec::new(),
        links: Vec::new(),
        dropped: Dropped::default(),
        status: StatusCode::Unset,
        status_message: String::new(),
    }
}

/// All spans that the requests make.
pub fn spans() -> Vec<Span> {
    (0..REQUESTS).flat_map(|trace| (0..SPANS_OF_A_REQUEST).map(move |index| span(trace, index))).collect()
}

pub fn record() -> LogRecord {
    LogRecord {
        resource: Arc::default(),
        scope: Arc::default(),
        time: START,
        observed: START,
        severity_number: 9,
        severity_text: String::new(),
        body: "dbQuery".into(),
        attributes: Attributes::default(),
        trace_id: None,
        span_id: None,
        event_name: String::new(),
    }
}

/// A counter of items that a full queue dropped, as exported twice.
fn queue_full(item: &str, value: usize) -> [Metric; 2] {
    [value / 2, value].map(|value| {
        let mut attributes = Attributes::default();
        attributes.set("error.type", "queue_full".into());
        let points =
            vec![Point { start: START, time: START, attributes, value: value as f64, exemplars: Vec::new() }];
        Metric {
            resource: Arc::default(),
            scope: Arc::<Scope>::default(),
            name: format!("otel.sdk.processor.{item}.processed"),
            unit: format!("{{{item}}}"),
            description: String::new(),
            data: Data::Sum { monotonic: true, temporality: Temporality::Cumulative, points },
            gaps: Vec::new(),
        }
    })
}

fn line(second: u32, level: &str, fields: Value) -> Value {
    let mut line = json!({
        "time": format!("2026-11-24T10:00:{second:02}.000Z"), "level": level, "message": "a line",
    });
    line.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    line
}

fn delivery_run(fault: Fault) -> DeliveryRun {
    let begin =
        json!({ "handson.otlp.endpoint": "http://127.0.0.1:4318", "error.type": "connection refused" });
    let end = json!({ "handson.dropped.spans": LOST_SPANS, "handson.dropped.log_records": LOST_RECORDS });
    let mut lines: Vec<Value> = (0..=REQUESTS).map(|_| line(1, "INFO", json!({}))).collect();
    lines.push(line(2, "WARN", begin));
    lines.push(line(9, "WARN", end));
    let records = lines.len() - LOST_RECORDS;
    let exchanges: Vec<Exchange> = (0..REQUESTS).map(exchange).collect();
    let telemetry = Telemetry {
        spans: spans().split_off(LOST_SPANS),
        log_records: (0..records).map(|_| record()).collect(),
        metrics: [queue_full("span", LOST_SPANS), queue_full("log", LOST_RECORDS)].concat(),
        refused: Vec::new(),
    };
    DeliveryRun {
        fault,
        collector: "127.0.0.1:4318".to_owned(),
        password: (fault == Fault::Down).then(|| PASSWORD.to_owned()),
        before: exchanges[..2].to_vec(),
        during: exchanges[2..4].to_vec(),
        after: exchanges[4..].to_vec(),
        fault_began: START + 2 * SECOND,
        fault_ended: (fault != Fault::HangsToTheEnd).then_some(START + 8 * SECOND),
        stdout: lines.iter().map(Value::to_string).collect(),
        stderr: Vec::new(),
        accepted: telemetry,
        refused: Telemetry { spans: spans()[..LOST_SPANS].to_vec(), ..Telemetry::default() },
        ending: Ending::Ended { status: Some(0), after: Duration::from_millis(10) },
    }
}

/// Evidence that passes the step.
pub fn right() -> Evidence {
    let database = Database {
        path: String::new(),
        user_id: String::new(),
        user_name: String::new(),
        renamed: String::new(),
    };
    let calm = Run {
        httpbin_port: 0,
        collector_port: 0,
        database,
        error_rate: 0.0,
        port: 8080,
        started: START,
        ended: START + 10 * SECOND,
        exchanges: (0..REQUESTS).map(exchange).collect(),
        upstream: Vec::new(),
        stdout: (0..=REQUESTS).map(|_| line(1, "INFO", json!({})).to_string()).collect(),
        stderr: Vec::new(),
        exports: 3,
        telemetry: Telemetry {
            spans: spans(),
            log_records: (0..=REQUESTS).map(|_| record()).collect(),
            ..Telemetry::default()
        },
        ending: Ending::Ended { status: Some(0), after: Duration::from_millis(10) },
    };
    let backend = Backend {
        name: "backend-test".to_owned(),
        service: "handson-test".to_owned(),
        origin: Origin::Package { version: "0.1.0".to_owned() },
        environment: "staging".to_owned(),
        commit: None,
        monitor: None,
        repository: None,
        deployment: None,
    };
    let delivery = Some(Ok(Fault::ALL.map(delivery_run).to_vec()));
    Evidence { backend, errors: calm.clone(), unusual: calm.clone(), calm, datadog: None, delivery }
}
