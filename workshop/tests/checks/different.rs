//! Right answers that differ from ours: the checks judge telemetry, not style.

use std::sync::Arc;
use std::time::Duration;

use otlp::model::{Attributes, Data, Scope, Span, SpanKind, Temporality, Value};

use super::{assert_fails, assert_passes, named, recording, with, with_spans};

fn scope(name: &str) -> Arc<Scope> {
    Arc::new(Scope { name: name.to_owned(), ..Scope::default() })
}

#[test]
fn log_lines_with_more_fields_in_another_order_pass() {
    assert_passes(&with(|evidence| {
        for line in evidence.calm.stdout.iter_mut().chain(&mut evidence.errors.stdout) {
            // serde_json sorts the members, which changes their order.
            let mut object: serde_json::Value = serde_json::from_str(line).unwrap();
            object["target"] = "handson".into();
            *line = object.to_string();
        }
    }));
}

#[test]
fn additional_log_lines_pass() {
    assert_passes(&with(|evidence| {
        let more = evidence.calm.stdout[0].replace("listens on", "reads its configuration from");
        evidence.calm.stdout.insert(0, more);
    }));
}

#[test]
fn an_additional_line_of_a_request_passes_before_its_query_and_as_a_record() {
    assert_passes(&with(|evidence| {
        let at = evidence.calm.stdout.iter().position(|line| line.contains("dbQuery")).unwrap();
        let more = evidence.calm.stdout[at].replace("dbQuery", "got a request");
        evidence.calm.stdout.insert(at, more);
        let records = &mut evidence.calm.telemetry.log_records;
        let query = records.iter().position(|record| record.body.to_string().contains("dbQuery")).unwrap();
        let mut more = records[query].clone();
        more.body = "got a request".into();
        records.insert(query, more);
    }));
}

/// The answer's evidence, with a line and a record of each request a tenth of a second after its query.
fn with_a_line_after_each_answer(change: impl Fn(&mut serde_json::Value)) -> workshop::evidence::Evidence {
    with(|evidence| {
        let run = &mut evidence.calm;
        run.ended += 200_000_000;
        let later = |line: &String| {
            let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
            let time = humantime::parse_rfc3339(line["time"].as_str().unwrap()).unwrap();
            let later = time + Duration::from_millis(100);
            line["time"] = humantime::format_rfc3339_millis(later).to_string().into();
            line["message"] = "accounted".into();
            change(&mut line);
            line.to_string()
        };
        let more: Vec<_> = run.stdout.iter().filter(|line| line.contains("dbQuery")).map(later).collect();
        run.stdout.extend(more);
        let records = &mut run.telemetry.log_records;
        let queries = records.iter().filter(|record| record.body.to_string().contains("dbQuery"));
        let more: Vec<_> = queries
            .cloned()
            .map(|mut record| {
                record.body = "accounted".into();
                record.time = record.when() + 100_000_000;
                record
            })
            .collect();
        records.extend(more);
    })
}

#[test]
fn a_line_of_each_request_after_its_answer_passes_but_not_if_all_have_the_ids_of_one() {
    assert_passes(&with_a_line_after_each_answer(|_| {}));
    let first = recording::right().calm.stdout.iter().find(|line| line.contains("dbQuery")).unwrap();
    let first: serde_json::Value = serde_json::from_str(first).unwrap();
    let wrong = with_a_line_after_each_answer(|line| {
        for key in ["trace.id", "trace_id", "dd.trace_id", "span.id", "span_id", "dd.span_id"] {
            line[key] = first[key].clone();
        }
    });
    assert_fails("log-correlation", &wrong, "did not run at that time");
}

#[test]
fn an_access_log_passes_also_if_the_lines_of_health_checks_have_no_ids() {
    let with_health_checks = |missing: usize| {
        let mut evidence = with_a_line_after_each_answer(|_| {});
        let run = &mut evidence.calm;
        // The line of a health check may come while the next request runs.
        let next = run.exchanges.iter().find(|exchange| exchange.path == "/handson").unwrap();
        let time = std::time::UNIX_EPOCH + Duration::from_nanos(next.sent.midpoint(next.answered));
        let accounted = run.stdout.iter().find(|line| line.contains("accounted")).unwrap();
        let mut line: serde_json::Value = serde_json::from_str(accounted).unwrap();
        line["time"] = humantime::format_rfc3339_micros(time).to_string().into();
        line.as_object_mut().unwrap().retain(|key, _| !key.contains("trace") && !key.contains("span"));
        let health = run.exchanges.iter().filter(|exchange| exchange.path == "/healthz").count();
        run.stdout.extend(std::iter::repeat_n(line.to_string(), health - missing));
        evidence
    };
    assert_passes(&with_health_checks(0));
    let words = "Other lines with this message contain ids, but this one does not";
    assert_fails("log-correlation", &with_health_checks(1), words);
}

#[test]
fn times_without_fractions_of_a_second_pass() {
    assert_passes(&super::wrong_logs::with_lines(|line| {
        let time = format!("{}Z", &line["time"].as_str().unwrap()[..19]);
        line.insert("time".to_owned(), time.into());
    }));
}

#[test]
fn spans_of_another_scope_pass() {
    assert_passes(&with_spans(|_| true, |span| span.scope = scope("axum-tracing-opentelemetry")));
}

#[test]
fn additional_attributes_and_a_version_without_commit_pass() {
    let mut other = with_spans(
        |_| true,
        |span| {
            span.attributes.set("code.function.name", Value::from("handson"));
            let mut resource = (*span.resource).clone();
            resource.set("service.version", Value::from("0.1.0"));
            span.resource = resource.into();
        },
    );
    // Only a canary needs the commit.
    other.backend.deployment = None;
    assert_passes(&other);
}

#[test]
fn a_handler_span_between_the_server_span_and_the_work_passes() {
    assert_passes(&with(|evidence| {
        let agent = &mut evidence.datadog.as_mut().unwrap().as_mut().unwrap().agent;
        let servers: Vec<_> =
            agent.spans.iter().filter(|span| span.meta["span.kind"] == "server").cloned().collect();
        for mut handler in servers {
            let server = handler.span_id;
            handler.span_id ^= 1;
            agent
                .spans
                .iter_mut()
                .filter(|span| span.parent_id == server)
                .for_each(|span| span.parent_id = handler.span_id);
            handler.parent_id = server;
            handler.resource = "handler".to_owned();
            handler.meta.insert("span.kind".to_owned(), "internal".to_owned());
            agent.spans.push(handler);
        }
        for run in [&mut evidence.calm, &mut evidence.errors] {
            let servers: Vec<Span> =
                run.telemetry.spans.iter().filter(|s| s.kind == SpanKind::Server).cloned().collect();
            for server in servers {
                let id = format!("{:016x}", !u64::from_str_radix(&server.span_id, 16).unwrap());
                for span in &mut run.telemetry.spans {
                    if span.parent_span_id.as_deref() == Some(&server.span_id) {
                        span.parent_span_id = Some(id.clone());
                    }
                }
                let mut handler = server.clone();
                (handler.name, handler.kind) = ("handler".to_owned(), SpanKind::Internal);
                (handler.parent_span_id, handler.span_id) = (Some(server.span_id), id);
                handler.attributes = Attributes::default();
                run.telemetry.spans.push(handler);
            }
        }
    }));
}

#[test]
fn client_spans_named_by_a_template_pass() {
    assert_passes(&with_spans(
        |span| span.kind == SpanKind::Client && span.attributes.get("url.full").is_some(),
        |span| span.name = format!("{} /{}", span.name, span.name.to_lowercase()),
    ));
}

#[test]
fn client_spans_with_a_status_of_ok_pass() {
    assert_passes(&with_spans(
        |span| span.attributes.int("http.response.status_code") == Some(200),
        |span| span.status = otlp::model::StatusCode::Ok,
    ));
}

#[test]
fn a_query_span_named_by_its_operation_passes() {
    assert_passes(&with_spans(named("SELECT users"), |span| span.name = "SELECT".to_owned()));
}

#[test]
fn a_query_with_the_name_of_a_file_passes() {
    assert_passes(&with(|evidence| {
        for run in [&mut evidence.calm, &mut evidence.errors] {
            let file = run.database.path.rsplit('/').next().unwrap();
            for span in run.telemetry.spans.iter_mut().filter(|span| span.name == "SELECT users") {
                span.attributes.set("db.namespace", Value::from(file));
            }
        }
    }));
}

#[test]
fn log_records_of_another_scope_and_with_additional_attributes_pass() {
    assert_passes(&with(|evidence| {
        for record in &mut evidence.calm.telemetry.log_records {
            record.scope = scope("my-bridge");
            record.attributes.set("code.line.number", Value::from(42));
        }
    }));
}

#[test]
fn an_exception_with_another_message_and_stack_passes() {
    let stack = "0: handson::fault_injector::FaultInjector::maybe_fail";
    assert_passes(&with(|evidence| {
        let run = &mut evidence.errors;
        let events = run
            .telemetry
            .spans
            .iter_mut()
            .flat_map(|span| &mut span.events)
            .map(|event| &mut event.attributes);
        let records = run.telemetry.log_records.iter_mut().map(|record| &mut record.attributes);
        let is_random =
            |attributes: &&mut Attributes| attributes.text("exception.type") == Some("RandomError");
        for attributes in events.chain(records).filter(is_random) {
            attributes.set("exception.message", Value::from("bad luck"));
            attributes.set("exception.stacktrace", Value::from(stack));
            attributes.set("exception.escaped", Value::Bool(false));
        }
        for line in run.stdout.iter_mut().filter(|line| line.contains("\"RandomError\"")) {
            let mut object: serde_json::Value = serde_json::from_str(line).unwrap();
            object["error"]["message"] = "bad luck".into();
            object["error"]["stack"] = stack.into();
            *line = object.to_string();
        }
    }));
}

#[test]
fn metrics_as_deltas_in_two_exports_pass() {
    assert_passes(&with(|evidence| {
        let mut second = Vec::new();
        for metric in &mut evidence.calm.telemetry.metrics {
            if let Data::Histogram { temporality, points } = &mut metric.data {
                *temporality = Temporality::Delta;
                let mut more = points.clone();
                for (first, second) in points.iter_mut().zip(&mut more) {
                    // The last value moves to a later export.
                    let last = first.bucket_counts.iter().rposition(|count| *count > 0).unwrap();
                    second.bucket_counts.fill(0);
                    (second.count, second.bucket_counts[last]) = (1, 1);
                    first.count -= 1;
                    first.bucket_counts[last] -= 1;
                    second.sum = first.max;
                    first.sum = first.sum.zip(second.sum).map(|(sum, part)| sum - part);
                    (second.min, first.max) = (second.max, None);
                }
                let mut metric = metric.clone();
                metric.data = Data::Histogram { temporality: Temporality::Delta, points: more };
                second.push(metric);
            }
        }
        evidence.calm.telemetry.metrics.extend(second);
    }));
}

#[test]
fn exponential_histograms_pass() {
    assert_passes(&with(|evidence| {
        for metric in &mut evidence.calm.telemetry.metrics {
            if let Data::Histogram { temporality, points } = metric.data.clone() {
                metric.data = Data::ExponentialHistogram { temporality, points };
            }
        }
    }));
}

/// otelhttptrace marks the span of a connection that is not used again.
#[test]
fn a_part_of_a_call_that_a_library_marks_as_failed_passes() {
    assert_passes(&with(|evidence| {
        evidence.datadog = None;
        for run in [&mut evidence.calm, &mut evidence.errors] {
            let spans = run.telemetry.spans.iter();
            let calls: Vec<Span> =
                spans.filter(|span| span.attributes.get("url.full").is_some()).cloned().collect();
            for call in calls {
                let mut part = call.clone();
                part.name = "http.receive".to_owned();
                part.span_id = format!("{:016x}", !u64::from_str_radix(&call.span_id, 16).unwrap());
                part.parent_span_id = Some(call.span_id);
                part.status = otlp::model::StatusCode::Error;
                part.attributes = Attributes::default();
                part.events.clear();
                run.telemetry.spans.push(part);
            }
        }
    }));
}

fn with_a_millisecond_more_for_each_query(exports: impl Fn(usize) -> usize) -> workshop::evidence::Evidence {
    with(|evidence| {
        for run in [&mut evidence.calm, &mut evidence.errors] {
            run.exports = exports(run.telemetry.spans.len()) as u64;
            for metric in &mut run.telemetry.metrics {
                let Data::Histogram { points, .. } = &mut metric.data else { continue };
                if metric.name == "db.client.operation.duration" {
                    points.iter_mut().for_each(|point| {
                        point.sum = point.sum.map(|sum| sum + point.count as f64 / 1e3);
                        (point.bounds, point.bucket_counts) = (Vec::new(), Vec::new());
                        point.max = None;
                    });
                }
            }
        }
    })
}

/// With a simple processor, the end of a span waits for its export, and so does a clock that is read after
/// it.
#[test]
fn metrics_that_include_the_export_of_each_span_pass() {
    assert_passes(&with_a_millisecond_more_for_each_query(|spans| spans));
}

#[test]
fn metrics_that_include_more_than_the_span_fail_if_exports_do_not_explain_it() {
    let wrong = with_a_millisecond_more_for_each_query(|spans| spans / 10);
    super::assert_fails("metrics", &wrong, "Metric and span measure the same work");
}
