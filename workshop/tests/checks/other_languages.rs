//! Right answers that libraries of other languages give.

use otlp::model::{Attributes, Data, Event, Metric, Scope, Span, SpanKind, StatusCode, Value};
use workshop::evidence::{Ending, Evidence, Run};

use super::{advice, assert_passes, failures, recording, with, with_spans};

const MILLISECOND: u64 = 1_000_000;

fn runs(evidence: &mut Evidence) -> [&mut Run; 3] {
    [&mut evidence.calm, &mut evidence.errors, &mut evidence.unusual]
}

/// Adds spans, as libraries of other languages do: a changed copy below each span that `is_meant` selects.
fn with_copies_below(is_meant: impl Fn(&Span) -> bool, change: impl Fn(&mut Span)) -> Evidence {
    with(|evidence| {
        for run in runs(evidence) {
            let spans = &mut run.telemetry.spans;
            let mut copies: Vec<Span> = spans.iter().filter(|span| is_meant(span)).cloned().collect();
            for copy in &mut copies {
                copy.parent_span_id = Some(copy.span_id.clone());
                copy.span_id = copy.span_id.chars().rev().collect();
                copy.events.clear();
                change(copy);
            }
            spans.extend(copies);
        }
    })
}

#[test]
fn javascript_starts_spans_at_whole_milliseconds() {
    assert_passes(&with(|evidence| {
        for run in runs(evidence) {
            for span in &mut run.telemetry.spans {
                let took = span.duration();
                span.start -= span.start % MILLISECOND;
                span.end = span.start + took;
            }
        }
    }));
}

#[test]
fn other_flags_than_sampled_pass() {
    assert_passes(&with(|evidence| {
        for run in runs(evidence) {
            let headers = run.exchanges.iter_mut().filter_map(|exchange| exchange.answer.as_mut().ok());
            let headers = headers.flat_map(|answer| &mut answer.headers);
            let headers = headers.chain(run.upstream.iter_mut().flat_map(|call| &mut call.headers));
            for (_, value) in headers.filter(|(name, _)| name.starts_with("trace")) {
                if let Some(ids) = value.strip_suffix("-01") {
                    *value = format!("{ids}-03");
                }
            }
        }
    }));
}

#[test]
fn types_of_exceptions_with_their_module_or_package_pass() {
    for prefix in ["handson.errors.", "*main.", "com.example.handson."] {
        assert_passes(&with(|evidence| {
            let telemetry = &mut evidence.errors.telemetry;
            let of_spans = telemetry
                .spans
                .iter_mut()
                .flat_map(|span| &mut span.events)
                .map(|event| &mut event.attributes);
            let of_records = telemetry.log_records.iter_mut().map(|record| &mut record.attributes);
            of_spans.chain(of_records).for_each(|attributes| prefix_type(attributes, prefix));
            for line in evidence.errors.stdout.iter_mut().filter(|line| line.contains("\"error\"")) {
                *line = line.replace("\"kind\":\"", &format!("\"kind\":\"{prefix}"));
            }
        }));
    }
}

#[test]
fn a_line_that_names_the_module_of_an_exception_passes_if_the_record_does_not() {
    assert_passes(&with(|evidence| {
        for line in evidence.errors.stdout.iter_mut().filter(|line| line.contains("\"error\"")) {
            *line = line.replace("\"kind\":\"", "\"kind\":\"__main__.");
        }
    }));
}

#[test]
fn the_name_of_an_event_may_be_a_field_of_the_line_and_the_event_name_of_the_record() {
    for field in ["otel.event.name", "event.name"] {
        let named = |record_has_it: bool| {
            with(|evidence| {
                for run in runs(evidence) {
                    let query = "\"message\":\"dbQuery\"";
                    for line in run.stdout.iter_mut().filter(|line| line.contains(query)) {
                        *line = line.replace(query, &format!("{query},\"{field}\":\"handson.user_found\""));
                    }
                    let records = run.telemetry.log_records.iter_mut();
                    for record in records.filter(|record| record.body.to_string().contains("dbQuery")) {
                        record.event_name =
                            if record_has_it { "handson.user_found" } else { "dbQuery" }.to_owned();
                    }
                }
            })
        };
        assert_passes(&named(true));
        assert!(failures("log-correlation", &named(false)).contains("handson.user_found"), "{field}");
    }
}

fn prefix_type(attributes: &mut Attributes, prefix: &str) {
    if let Some(kind) = attributes.text("exception.type").map(str::to_owned) {
        attributes.set("exception.type", Value::from(format!("{prefix}{kind}")));
    }
}

#[test]
fn error_types_with_their_module_or_package_pass() {
    assert_passes(&with(|evidence| {
        let run = &mut evidence.errors;
        for span in run.telemetry.spans.iter_mut().filter(|span| span.kind == SpanKind::Server) {
            if let Some(kind) = span.attributes.text("error.type").map(str::to_owned) {
                span.attributes.set("error.type", Value::from(format!("main.{kind}")));
            }
        }
    }));
}

#[test]
fn drivers_that_do_not_parse_the_query_pass_with_advice() {
    let mut other = with(|evidence| {
        for run in runs(evidence) {
            for span in run.telemetry.spans.iter_mut().filter(|span| span.name == "SELECT users") {
                span.name = "SELECT".to_owned();
                span.attributes.remove("db.operation.name");
                span.attributes.remove("db.collection.name");
            }
        }
    });
    // The trace agent has not been changed.
    other.datadog = None;
    assert_passes(&other);
    assert_eq!(
        advice("db-spans", &other),
        "The conventions recommend db.operation.name, db.collection.name for it, too.\n"
    );
}

#[test]
fn a_library_that_records_only_the_exports_of_telemetry_passes() {
    assert_passes(&with(|evidence| {
        for run in runs(evidence) {
            let collector = i64::from(run.collector_port);
            let is_client = |metric: &&Metric| metric.name == "http.client.request.duration";
            let Some(mut other) = run.telemetry.metrics.iter().find(is_client).cloned() else { continue };
            other.scope =
                Scope { name: "@opentelemetry/instrumentation-http".to_owned(), ..Scope::default() }.into();
            let Data::Histogram { points, .. } = &mut other.data else { panic!("{other:?}") };
            points.iter_mut().for_each(|point| point.attributes.set("server.port", Value::Int(collector)));
            run.telemetry.metrics.push(other);
        }
    }));
}

#[test]
fn calls_of_a_request_whose_trace_is_not_known_are_not_blamed() {
    let other = with(|evidence| {
        for answer in evidence.calm.exchanges.iter_mut().filter_map(|exchange| exchange.answer.as_mut().ok())
        {
            answer.headers.retain(|(name, _)| name != "traceresponse");
        }
    });
    assert_eq!(failures("client-spans", &other), "");
    assert!(failures("server-spans", &other).contains("was answered without traceresponse"));
}

#[test]
fn asgi_also_marks_its_span_of_the_response_as_failed() {
    assert_passes(&with_copies_below(
        |span| span.kind == SpanKind::Server && span.status == StatusCode::Error,
        |span| {
            (span.name, span.kind) = ("GET /handson http send".to_owned(), SpanKind::Internal);
            span.attributes.retain(|key, _| key == "http.response.status_code");
        },
    ));
}

#[test]
fn drivers_with_spans_of_connections_and_rows_pass() {
    let mut other = with_copies_below(
        |span| span.name == "SELECT users",
        |span| {
            span.name = "sql.rows".to_owned();
            span.attributes.retain(|key, _| key == "db.system.name");
        },
    );
    // The traces of the trace agent have not been changed.
    other.datadog = None;
    assert_passes(&other);
}

#[test]
fn an_access_log_with_one_message_for_all_requests_passes() {
    assert_passes(&with(|evidence| {
        let run = &mut evidence.calm;
        // The health check is not traced, so its line has no ids.
        let health = run.exchanges[0].sent;
        let outside = run.stdout.iter().find(|line| !line.contains("trace_id")).unwrap();
        let mut outside: serde_json::Value = serde_json::from_str(outside).unwrap();
        let inside = run.stdout.iter().find(|line| line.contains("dbQuery")).unwrap();
        let mut inside: serde_json::Value = serde_json::from_str(inside).unwrap();
        outside["message"] = "request finished".into();
        inside["message"] = "request finished".into();
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_nanos(health);
        outside["time"] = humantime::format_rfc3339_micros(time).to_string().into();
        let records = &mut run.telemetry.log_records;
        let mut record = records.iter().find(|record| record.body.unquoted() == "dbQuery").unwrap().clone();
        record.body = "request finished".into();
        records.push(record);
        run.stdout.extend([outside.to_string(), inside.to_string()]);
    }));
}

#[test]
fn severity_texts_of_dotnet_and_python_pass() {
    assert_passes(&with(|evidence| {
        for run in runs(evidence) {
            for record in &mut run.telemetry.log_records {
                let is_error = record.severity_number >= 17;
                record.severity_text = if is_error { "CRITICAL" } else { "Information" }.to_owned();
            }
        }
    }));
}

#[test]
fn an_exit_status_of_143_after_sigterm_passes() {
    assert_passes(&with(|evidence| {
        for run in runs(evidence) {
            run.ending = Ending::Ended { status: Some(143), after: std::time::Duration::from_millis(100) };
        }
    }));
}

#[test]
fn what_a_library_puts_on_every_span_and_lines_as_span_events_are_advice() {
    assert_eq!(advice("first-span", recording::right()) + &advice("log-correlation", recording::right()), "");
    for (key, value) in [("busy_ns", "17"), ("thread.id", "3"), ("code.file.path", "/build/app/src/main.rs")]
    {
        let noisy = with_spans(|_| true, |span| span.attributes.set(key, Value::from(value)));
        assert_passes(&noisy);
        let advice = advice("first-span", &noisy);
        assert!(advice.contains(&format!("has {key}, which cost memory")), "{advice}");
    }
    let relative =
        with_spans(|_| true, |span| span.attributes.set("code.file.path", Value::from("src/main.rs")));
    assert_eq!(advice("first-span", &relative), "");

    let twice = with(|evidence| {
        let telemetry = &mut evidence.calm.telemetry;
        for record in &telemetry.log_records {
            let own =
                telemetry.spans.iter_mut().filter(|span| record.span_id.as_ref() == Some(&span.span_id));
            own.for_each(|span| {
                span.events.push(Event {
                    time: record.time,
                    name: record.body.unquoted(),
                    attributes: record.attributes.clone(),
                });
            });
        }
    });
    assert_passes(&twice);
    let advice = advice("log-correlation", &twice);
    assert!(advice.contains("The log line dbQuery is also an event of the span handson.dbQuery"), "{advice}");
}

#[test]
fn recommended_attributes_that_are_missing_are_advice() {
    let other = with_spans(
        |span| span.kind == SpanKind::Server,
        |span| drop(span.attributes.remove("user_agent.original")),
    );
    assert_passes(&other);
    assert_eq!(
        advice("server-spans", &other),
        "The conventions recommend user_agent.original for it, too.\n"
    );
}
