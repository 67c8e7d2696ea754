//! Mistakes that show in spans, for steps 0, 2 to 5, and 7.

use std::time::Duration;

use otlp::model::{Attributes, Span, SpanKind, StatusCode, Value};
use workshop::evidence::{Ending, Evidence, NoAnswer};

use super::{assert_fails, failures, named, with, with_spans};

const SLEEP: &str = "handson.sleep50microsec";
const SERVER: &str = "GET /handson";
const QUERY: &str = "SELECT users";

fn is_call(span: &otlp::model::Span) -> bool {
    span.kind == SpanKind::Client && span.name != QUERY
}

fn is_failed_call(span: &otlp::model::Span) -> bool {
    is_call(span) && span.status == StatusCode::Error
}

fn rename(attributes: &mut Attributes, key: &str, to: &str) {
    if let Some(value) = attributes.remove(key) {
        attributes.set(to, value);
    }
}

/// An id with the digits in reverse order.
fn another(id: &str) -> String {
    id.chars().rev().collect()
}

fn answers(change: impl Fn(&mut workshop::evidence::Answer)) -> Evidence {
    with(|evidence| {
        for run in [&mut evidence.calm, &mut evidence.errors] {
            run.exchanges.iter_mut().filter_map(|exchange| exchange.answer.as_mut().ok()).for_each(&change);
        }
    })
}

// --- run ---------------------------------------------------------------------------------------------------

#[test]
fn sequential_calls_are_reported() {
    let wrong = with(|evidence| evidence.calm.upstream.iter_mut().for_each(|call| call.overlapped = false));
    assert_fails("run", &wrong, "the three calls came one after the other");
}

#[test]
fn a_call_that_is_missing_is_reported() {
    let wrong = with(|evidence| evidence.calm.upstream.retain(|call| call.method != "PUT"));
    assert_fails("run", &wrong, "src/handson.rs calls httpbin once, and then three times");
}

#[test]
fn another_greeting_is_shown() {
    let wrong = answers(|answer| answer.body = answer.body.replace("handson-answer", "handson"));
    assert_fails("run", &wrong, r#"{"message":"Hello, handson"}"#);
}

#[test]
fn a_response_of_500_at_rate_0_is_reported() {
    let wrong = with(|evidence| evidence.calm.exchanges[3].answer.as_mut().unwrap().status = 500);
    assert_fails("run", &wrong, "A piece of work fails although RANDOM_ERROR_RATE is 0");
}

#[test]
fn a_service_that_had_to_be_killed_is_reported() {
    let wrong = with(|evidence| evidence.calm.ending = Ending::Killed(Duration::from_secs(10)));
    assert_fails("run", &wrong, "it still ran after 10s, and was killed");
}

#[test]
fn a_request_that_hangs_is_reported() {
    let wrong =
        with(|evidence| evidence.calm.exchanges[3].answer = Err(NoAnswer::TimedOut(Duration::from_secs(10))));
    assert_fails("run", &wrong, "GET /handson: no answer within 10s");
}

// --- first-span --------------------------------------------------------------------------------------------

#[test]
fn missing_spans_are_explained_by_a_provider_that_was_not_shut_down() {
    let wrong = with(|evidence| evidence.calm.telemetry.spans.clear());
    assert_fails("first-span", &wrong, "A provider that is merely dropped");
}

#[test]
fn missing_last_spans_are_explained_by_a_missing_flush() {
    let wrong = with(|evidence| {
        let last = evidence.calm.telemetry.spans.iter().rposition(|span| span.name == SLEEP).unwrap();
        evidence.calm.telemetry.spans.remove(last);
    });
    assert_fails("first-span", &wrong, "13 spans for 14 requests");
}

#[test]
fn an_exporter_with_a_wrong_path_is_reported_with_the_path() {
    let wrong = with(|evidence| {
        evidence.calm.telemetry.spans.clear();
        evidence.calm.telemetry.refused.push("POST /: OTLP's paths are /v1/traces …".to_owned());
    });
    assert_fails("first-span", &wrong, "the receiver refused POST /");
}

#[test]
fn a_span_that_ends_before_the_await_is_too_short() {
    let wrong = with_spans(named(SLEEP), |span| span.end = span.start + 2_000);
    assert_fails("first-span", &wrong, "It ends before the sleep does");
}

#[test]
fn a_span_that_ends_too_late_is_too_long() {
    let wrong = with_spans(named(SLEEP), |span| span.end = span.start + 60_000_000_000);
    assert_fails("first-span", &wrong, "It ends later than the sleep");
}

#[test]
fn a_wrong_kind_is_reported() {
    let wrong = with_spans(named(SLEEP), |span| span.kind = SpanKind::Client);
    assert_fails("first-span", &wrong, "kind Client");
}

#[test]
fn a_resource_without_the_services_name_is_reported() {
    let wrong = with_spans(
        |_| true,
        |span| {
            let mut resource = (*span.resource).clone();
            resource.set("service.name", Value::from("unknown_service"));
            span.resource = resource.into();
        },
    );
    assert_fails("first-span", &wrong, r#"service.name = "unknown_service""#);
}

#[test]
fn an_old_name_in_the_resource_is_reported() {
    let wrong = with_spans(
        |_| true,
        |span| {
            let mut resource = (*span.resource).clone();
            rename(&mut resource, "deployment.environment.name", "deployment.environment");
            span.resource = resource.into();
        },
    );
    assert_fails("first-span", &wrong, "it is deployment.environment.name now");
}

// --- server-spans ------------------------------------------------------------------------------------------

#[test]
fn a_missing_propagator_is_reported() {
    let wrong = with(|evidence| {
        for run in [&mut evidence.calm, &mut evidence.errors] {
            for span in &mut run.telemetry.spans {
                span.trace_id = another(&span.trace_id);
                if span.name == SERVER {
                    span.parent_span_id = None;
                }
            }
        }
    });
    assert_fails("server-spans", &wrong, "Each request starts a separate trace");
}

#[test]
fn a_server_span_of_another_kind_is_reported() {
    let wrong = with_spans(named(SERVER), |span| span.kind = SpanKind::Internal);
    assert_fails("server-spans", &wrong, "No span has the kind SERVER");
}

#[test]
fn attributes_under_old_names_are_reported() {
    let wrong =
        with_spans(named(SERVER), |span| rename(&mut span.attributes, "http.request.method", "http.method"));
    assert_fails("server-spans", &wrong, "it is http.request.method now");
}

#[test]
fn a_status_code_as_a_string_is_reported() {
    let wrong = with_spans(named(SERVER), |span| {
        let code = span.attributes.int("http.response.status_code").unwrap();
        span.attributes.set("http.response.status_code", Value::from(code.to_string()));
    });
    assert_fails("server-spans", &wrong, "is a number, and was set as a string");
}

#[test]
fn a_500_without_the_status_error_is_reported() {
    let wrong = with_spans(named(SERVER), |span| span.status = StatusCode::Unset);
    assert_fails("server-spans", &wrong, "status Unset although the answer is 500");
}

#[test]
fn a_handler_outside_the_spans_context_is_reported() {
    let wrong = with_spans(named(SLEEP), |span| span.parent_span_id = None);
    assert_fails("server-spans", &wrong, "The handler runs outside the span's context");
}

#[test]
fn a_sleep_that_is_marked_as_failed_or_outside_the_server_span_is_reported() {
    let wrong = with_spans(named(SLEEP), |span| span.status = StatusCode::Error);
    assert_fails("server-spans", &wrong, "The sleep does not fail");
    let wrong = with_spans(named(SERVER), |span| span.end = span.start);
    assert_fails("server-spans", &wrong, "it is not within the SERVER span's time");
}

#[test]
fn a_traced_health_check_is_reported() {
    let wrong = with(|evidence| {
        let parent = evidence.calm.exchanges[0].parent.clone().unwrap();
        let mut span = evidence.calm.telemetry.spans.iter().find(|span| span.name == SERVER).unwrap().clone();
        (span.trace_id, span.name) = (parent.trace_id, "GET /healthz".to_owned());
        evidence.calm.telemetry.spans.push(span);
    });
    assert_fails("server-spans", &wrong, "A health check is not a user's request");
}

#[test]
fn a_traceresponse_of_another_span_is_reported() {
    let wrong = answers(|answer| {
        for (name, value) in &mut answer.headers {
            if name == "traceresponse" {
                value.replace_range(36..52, "00f067aa0ba902b7");
            }
        }
    });
    assert_fails("server-spans", &wrong, "version, trace id, span id of the SERVER span, flags");
}

#[test]
fn two_instrumentations_of_the_server_are_reported() {
    let words = "two are active";
    // The second one makes a span of the kind INTERNAL, and sets the header.
    let second = |kind: SpanKind| {
        with(|evidence| {
            for run in [&mut evidence.calm, &mut evidence.errors] {
                let servers = run.telemetry.spans.iter().filter(|span| span.kind == SpanKind::Server);
                let seconds: Vec<_> = servers
                    .map(|server| {
                        let mut second = server.clone();
                        (second.kind, second.span_id) = (kind, another(&server.span_id));
                        second.parent_span_id = Some(server.span_id.clone());
                        second
                    })
                    .collect();
                run.telemetry.spans.extend(seconds);
                for answer in run.exchanges.iter_mut().filter_map(|exchange| exchange.answer.as_mut().ok()) {
                    for (_, value) in answer.headers.iter_mut().filter(|(name, _)| name == "traceresponse") {
                        let id = another(&value[36..52]);
                        value.replace_range(36..52, &id);
                    }
                }
            }
        })
    };
    assert_fails("server-spans", &second(SpanKind::Internal), words);
    assert_fails("server-spans", &second(SpanKind::Internal), "names GET /handson (Internal)");
    let reported = failures("server-spans", &second(SpanKind::Server));
    assert!(
        reported.contains(words) && reported.contains("Two layers create a SERVER span each"),
        "{reported}"
    );
}

#[test]
fn a_span_of_main_that_stays_current_is_reported() {
    let words = "that span is current outside of requests";
    let (trace, main) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let below_main = |is_meant: fn(&workshop::evidence::Exchange) -> bool| {
        with(|evidence| {
            let run = &mut evidence.calm;
            for exchange in run.exchanges.iter_mut().filter(|exchange| is_meant(exchange)) {
                let Ok(answer) = &mut exchange.answer else { panic!("{exchange:?}") };
                let Some((_, header)) = answer.headers.iter_mut().find(|(name, _)| name == "traceresponse")
                else {
                    continue;
                };
                let id = header[3..35].to_owned();
                *header = header.replace(&id, trace);
                for span in run.telemetry.spans.iter_mut().filter(|span| span.trace_id == id) {
                    span.trace_id = trace.to_owned();
                    if span.kind == SpanKind::Server {
                        span.parent_span_id = Some(main.to_owned());
                    }
                }
            }
        })
    };
    assert_fails("server-spans", &below_main(|exchange| exchange.parent.is_none()), words);
    // Without a propagator, it is the parent of all requests.
    assert_fails("server-spans", &below_main(|_| true), words);
}

#[test]
fn a_name_with_the_path_instead_of_the_route_is_shown() {
    let wrong = with_spans(named(SERVER), |span| span.name = "GET".to_owned());
    assert_fails("server-spans", &wrong, "The name is the method and the route");
}

#[test]
fn an_error_body_without_the_trace_id_is_reported() {
    let wrong = answers(|answer| answer.body = answer.body.replace("trace_id", "request_id"));
    assert_fails("server-spans", &wrong, "problem.rs should put the id of the current trace into the body");
}

// --- client-spans ------------------------------------------------------------------------------------------

#[test]
fn a_context_lost_over_join_is_reported() {
    let wrong = with_spans(|span| is_call(span) && span.name != "GET", |span| span.parent_span_id = None);
    assert_fails("client-spans", &wrong, "The context was lost on the way, over try_join! or spawn");
}

#[test]
fn calls_without_traceparent_are_reported() {
    let wrong = with(|evidence| {
        evidence
            .calm
            .upstream
            .iter_mut()
            .for_each(|call| call.headers.retain(|(name, _)| name != "traceparent"));
    });
    assert_fails("client-spans", &wrong, "GET /get came without traceparent");
}

#[test]
fn propagated_ids_of_the_server_span_are_reported() {
    let wrong = with(|evidence| {
        let spans = evidence.calm.telemetry.spans.clone();
        for call in &mut evidence.calm.upstream {
            for (name, value) in &mut call.headers {
                if name == "traceparent" {
                    let trace = value.split('-').nth(1).unwrap().to_owned();
                    let server =
                        spans.iter().find(|s| s.trace_id == trace && s.kind == SpanKind::Server).unwrap();
                    *value = format!("00-{trace}-{}-01", server.span_id);
                }
            }
        }
    });
    assert_fails("client-spans", &wrong, "inject the context of the span that was just started");
}

#[test]
fn a_port_as_a_string_is_reported() {
    let wrong = with_spans(is_call, |span| span.attributes.set("server.port", Value::from("8081")));
    assert_fails("client-spans", &wrong, r#"server.port = "8081""#);
}

#[test]
fn calls_of_kind_internal_are_reported() {
    let wrong = with_spans(is_call, |span| span.kind = SpanKind::Internal);
    assert_fails("client-spans", &wrong, "The spans of the calls have the kind INTERNAL");
}

#[test]
fn spans_that_do_not_overlap_although_the_calls_did_are_reported() {
    let wrong = with_spans(
        |span| span.name == "PUT",
        |span| {
            let took = span.end - span.start;
            span.start += 10 * took;
            span.end += 10 * took;
        },
    );
    assert_fails("client-spans", &wrong, "but their spans did not");
}

#[test]
fn a_failed_call_without_status_is_reported() {
    let wrong = with_spans(is_failed_call, |span| span.status = StatusCode::Unset);
    assert_fails("client-spans", &wrong, "For a client, 400 and above is an error");
}

#[test]
fn the_old_name_of_the_url_is_reported() {
    let wrong = with_spans(is_call, |span| rename(&mut span.attributes, "url.full", "http.url"));
    assert_fails("client-spans", &wrong, "it is url.full now");
}

// --- db-spans ----------------------------------------------------------------------------------------------

#[test]
fn sql_without_the_systems_name_is_reported() {
    let wrong = with_spans(named(QUERY), |span| drop(span.attributes.remove("db.system.name")));
    assert_fails("db-spans", &wrong, "db.system.name is missing");
}

#[test]
fn the_old_name_of_the_statement_is_reported() {
    let wrong =
        with_spans(named(QUERY), |span| rename(&mut span.attributes, "db.query.text", "db.statement"));
    assert_fails("db-spans", &wrong, "it is db.query.text now");
}

#[test]
fn a_query_of_kind_internal_is_reported() {
    let wrong = with_spans(named(QUERY), |span| span.kind = SpanKind::Internal);
    assert_fails("db-spans", &wrong, "A call of a database has the kind CLIENT");
}

#[test]
fn a_query_outside_the_request_is_reported() {
    let wrong = with_spans(named(QUERY), |span| {
        span.trace_id = another(&span.trace_id);
        span.parent_span_id = None;
    });
    assert_fails("db-spans", &wrong, "the query runs without the request's context");
}

#[test]
fn a_query_next_to_the_span_that_should_be_around_it_is_reported() {
    let wrong = with(|evidence| {
        let spans = evidence.calm.telemetry.spans.clone();
        for span in evidence.calm.telemetry.spans.iter_mut().filter(|span| span.name == QUERY) {
            let server =
                spans.iter().find(|s| s.trace_id == span.trace_id && s.kind == SpanKind::Server).unwrap();
            span.parent_span_id = Some(server.span_id.clone());
        }
    });
    assert_fails("db-spans", &wrong, "The query's span should be below handson.dbQuery");
}

#[test]
fn a_database_name_that_sqlx_generated_is_reported() {
    let wrong = with_spans(named(QUERY), |span| {
        span.attributes.set("db.namespace", Value::from("file:sqlx-in-memory-0?mode=memory"));
    });
    assert_fails("db-spans", &wrong, "sqlx generates this name");
}

// --- errors ------------------------------------------------------------------------------------------------

const RANDOM: &str = "handson.randomError";

#[test]
fn an_error_recorded_twice_is_reported_with_both_places() {
    let wrong = with(|evidence| {
        let spans = evidence.errors.telemetry.spans.clone();
        for server in evidence.errors.telemetry.spans.iter_mut().filter(|span| span.kind == SpanKind::Server)
        {
            let failed = spans.iter().find(|s| s.trace_id == server.trace_id && !s.events.is_empty());
            server.events.extend(failed.map(|span| span.events.clone()).unwrap_or_default());
        }
    });
    assert_fails("errors", &wrong, "2 exception events, on GET /handson, handson.randomError");
}

#[test]
fn a_status_without_an_event_is_reported() {
    let wrong = with_spans(named(RANDOM), |span| span.events.clear());
    assert_fails("errors", &wrong, "A status alone does not say why");
}

#[test]
fn an_event_without_a_status_is_reported() {
    let wrong = with_spans(named(RANDOM), |span| span.status = StatusCode::Unset);
    assert_fails("errors", &wrong, "An event alone does not make a span fail");
}

#[test]
fn a_stack_that_is_an_array_is_reported() {
    let wrong = with_spans(named(RANDOM), |span| {
        for event in &mut span.events {
            event.attributes.set("exception.stacktrace", Value::Array(vec![Value::from("one")]));
        }
    });
    assert_fails("errors", &wrong, "the exception event of tracing-opentelemetry has no type");
}

/// The answer's evidence with another stack in each failure: on the span, in the record and in the line.
fn with_stack(stack: impl Fn(&str) -> String) -> Evidence {
    with(|evidence| {
        let run = &mut evidence.errors;
        let events = run.telemetry.spans.iter_mut().flat_map(|span| &mut span.events);
        let events = events.map(|event| &mut event.attributes);
        let records = run.telemetry.log_records.iter_mut().map(|record| &mut record.attributes);
        for attributes in events.chain(records) {
            if let Some(message) = attributes.text("exception.message").map(str::to_owned) {
                attributes.set("exception.stacktrace", Value::from(stack(&message)));
            }
        }
        for line in run.stdout.iter_mut().filter(|line| line.contains("\"error\"")) {
            let mut object: serde_json::Value = serde_json::from_str(line).unwrap();
            let message = object["error"]["message"].as_str().unwrap();
            object["error"]["stack"] = stack(message).into();
            *line = object.to_string();
        }
    })
}

#[test]
fn a_stack_that_only_repeats_the_message_is_reported() {
    let words = "This one says no more than the message";
    let others: [fn(&str) -> String; 4] = [
        str::to_owned,
        |message| format!("RandomError('{message}')"),
        |message| format!("main.RandomError: {message}"),
        |message| message.replace(": ", "\n"),
    ];
    for stack in others {
        assert_fails("errors", &with_stack(stack), words);
    }
    // In the line alone.
    let wrong = with(|evidence| {
        for line in evidence.errors.stdout.iter_mut().filter(|line| line.contains("\"error\"")) {
            let mut object: serde_json::Value = serde_json::from_str(line).unwrap();
            object["error"]["stack"] = object["error"]["message"].clone();
            *line = object.to_string();
        }
    });
    assert_fails("errors", &wrong, words);
}

#[test]
fn the_stacks_of_other_languages_pass_unless_two_kinds_of_failure_have_the_same_places() {
    let stacks: [fn(&str, usize) -> String; 4] = [
        |_, line| format!("goroutine 7 [running]:\nmain.get()\n\t/app/handson.go:{line} +0x5e"),
        |message, line| {
            format!(
                "Traceback (most recent call last):\n  File \"handson.py\", line {line}\nRandomError: {message}"
            )
        },
        |message, line| format!("RandomError: {message}\n\tat com.example.Handson.get(Handson.java:{line})"),
        |message, line| format!("RandomError: {message}\n    at get (/app/server.js:{line}:7)"),
    ];
    for stack in stacks {
        let line = |message: &str| if message.contains("httpbin") { 42 } else { 17 };
        assert_eq!(failures("errors", &with_stack(|message| stack(message, line(message)))), "");
        // The same place for both kinds: where it is logged, or that of another failure.
        let words = "take the stack of each failure where it happens, not where it is logged";
        assert_fails("errors", &with_stack(|message| stack(message, 42)), words);
    }
}

#[test]
fn a_wrong_error_rate_is_reported() {
    let wrong = with(|evidence| evidence.errors.error_rate = 0.1);
    assert_fails("errors", &wrong, "requests failed, expected 20 ± 21");
}

#[test]
fn a_failed_call_recorded_on_the_server_span_is_reported() {
    let wrong = with(|evidence| {
        let events: Vec<_> = evidence
            .errors
            .telemetry
            .spans
            .iter_mut()
            .filter(|span| is_failed_call(span))
            .map(|span| (span.trace_id.clone(), std::mem::take(&mut span.events)))
            .collect();
        for (trace, events) in events {
            let spans = &mut evidence.errors.telemetry.spans;
            let server =
                spans.iter_mut().find(|s| s.trace_id == trace && s.kind == SpanKind::Server).unwrap();
            server.events = events;
        }
    });
    assert_fails("errors", &wrong, "record it on the CLIENT span of that call");
}

#[test]
fn a_span_that_lasts_until_its_request_ends_is_reported() {
    let until_the_end = |name: &'static str, kind: SpanKind| {
        with(|evidence| {
            for run in [&mut evidence.calm, &mut evidence.errors] {
                let spans = run.telemetry.spans.iter();
                let servers = spans.filter(|span| span.kind == SpanKind::Server);
                let ends: std::collections::BTreeMap<String, u64> =
                    servers.map(|span| (span.trace_id.clone(), span.end)).collect();
                for span in &mut run.telemetry.spans {
                    if span.name == name && span.kind == kind {
                        span.end = ends[&span.trace_id];
                    }
                }
            }
        })
    };
    let wrong = until_the_end("handson.sleep50microsec", SpanKind::Internal);
    assert_fails("server-spans", &wrong, "the sleep has not ended when httpbin is called");
    let wrong = until_the_end("PUT", SpanKind::Client);
    assert_fails("client-spans", &wrong, "Spans of calls are still open after the query");
    let wrong = until_the_end("handson.dbQuery", SpanKind::Internal);
    assert_fails("errors", &wrong, "end handson.dbQuery when the query is over");
}

#[test]
fn the_error_type_of_another_failure_is_reported() {
    let is_server =
        |span: &otlp::model::Span| span.kind == SpanKind::Server && span.status == StatusCode::Error;
    let wrong = with_spans(is_server, |span| span.attributes.set("error.type", "HttpbinError".into()));
    assert_fails("server-spans", &wrong, "error.type should be 500 / RandomError");
    let wrong = with(|evidence| {
        for metric in &mut evidence.errors.telemetry.metrics {
            let otlp::model::Data::Histogram { points, .. } = &mut metric.data else { continue };
            for point in points.iter_mut().filter(|point| {
                metric.name == "http.server.request.duration" && point.attributes.get("error.type").is_some()
            }) {
                point.attributes.set("error.type", "HttpbinError".into());
            }
        }
    });
    assert_fails("metrics", &wrong, "but 5 requests failed by it");
}

#[test]
fn a_query_that_never_ran_is_reported() {
    let wrong = with_spans(named("SELECT users"), |span| {
        span.attributes.set("db.query.text", "SELECT * FROM users WHERE id = ?".into());
    });
    assert_fails("db-spans", &wrong, "It is the text of the query that ran");
}

#[test]
fn spans_for_the_parts_of_a_call_pass() {
    let more = with(|evidence| {
        for run in [&mut evidence.calm, &mut evidence.errors, &mut evidence.unusual] {
            let parts = run.telemetry.spans.iter().filter(|span| is_call(span)).cloned().map(|mut part| {
                let call = part.span_id;
                (part.span_id, part.parent_span_id) = (another(&call), Some(call));
                part.name = "http.getconn".to_owned();
                part.attributes = Attributes::default();
                part.events.clear();
                part.status = StatusCode::Unset;
                part
            });
            let parts: Vec<otlp::model::Span> = parts.collect();
            run.telemetry.spans.extend(parts);
        }
    });
    for step in ["client-spans", "db-spans", "log-correlation", "errors", "metrics"] {
        assert_eq!(failures(step, &more), "", "{step}");
    }
}

#[test]
fn a_version_that_differs_between_lines_records_and_spans_is_reported() {
    let wrong = with(|evidence| {
        let records = evidence.calm.telemetry.log_records.iter_mut();
        for record in records {
            let mut resource = (*record.resource).clone();
            resource.set("service.version", "9.9.9".into());
            record.resource = std::sync::Arc::new(resource);
        }
        evidence.backend.origin = workshop::evidence::Origin::Command;
    });
    assert_fails("log-correlation", &wrong, "service.version = ");
    let wrong = with(|evidence| {
        evidence.backend.origin = workshop::evidence::Origin::Command;
        for line in &mut evidence.calm.stdout {
            let mut object: serde_json::Value = serde_json::from_str(line).unwrap();
            (object["version"], object["dd.version"]) = ("9.9.9".into(), "9.9.9".into());
            *line = object.to_string();
        }
    });
    assert_fails("log-correlation", &wrong, "version = 9.9.9 in a line");
}

#[test]
fn a_call_without_a_span_among_others_is_named_with_the_span_whose_id_it_carried() {
    let wrong = with(|evidence| {
        let run = &mut evidence.calm;
        let (trace, id) = {
            let call =
                run.upstream.iter().find(|call| call.exchange.is_some() && call.method == "PUT").unwrap();
            call.traceparent().map(|(trace, id)| (trace.to_owned(), id.to_owned())).unwrap()
        };
        let spans = &mut run.telemetry.spans;
        spans.retain(|span| span.span_id != id);
        let sleep = spans.iter().find(|span| span.trace_id == trace && span.name == SLEEP).unwrap();
        for (_, value) in run.upstream.iter_mut().flat_map(|call| &mut call.headers) {
            *value = value.replace(&id, &sleep.span_id);
        }
    });
    assert_fails(
        "client-spans",
        &wrong,
        "PUT /put carried the id of handson.sleep50microsec, so no span was made",
    );
}

#[test]
fn a_call_below_another_requests_span_is_reported_as_that() {
    let wrong = with(|evidence| {
        let [one, other] = [0, 1].map(|index| {
            let run = &evidence.calm;
            let mut alone = run.exchanges.iter().enumerate().filter(|(_, it)| it.path == "/handson");
            alone.nth(index).map(|(index, it)| (index, it.parent.clone().unwrap())).unwrap()
        });
        let calls = &mut evidence.calm.upstream;
        let call =
            calls.iter_mut().find(|call| call.exchange == Some(one.0) && call.method == "PUT").unwrap();
        let id = call.traceparent().unwrap().1.to_owned();
        for (name, value) in &mut call.headers {
            if name == "traceparent" {
                *value = format!("00-{}-{id}-01", other.1.trace_id);
            }
        }
        let spans = &mut evidence.calm.telemetry.spans;
        let server =
            spans.iter().position(|it| it.trace_id == other.1.trace_id && it.name == SERVER).unwrap();
        let server = spans[server].span_id.clone();
        let span = spans.iter_mut().find(|span| span.span_id == id).unwrap();
        (span.trace_id, span.parent_span_id) = (other.1.trace_id, Some(server));
    });
    assert_fails("client-spans", &wrong, "which belongs to another request: its span is a child of a span");
}

#[test]
fn a_stack_that_is_kept_from_another_failure_is_reported() {
    let stack = "0: handson::error::Error::new (src/error.rs:42)";
    let wrong = with_spans(
        |_| true,
        |span| {
            for event in span.events.iter_mut().filter(|event| event.name == "exception") {
                event.attributes.set("exception.stacktrace", stack.into());
            }
        },
    );
    let words = "take the stack of each failure where it happens, not where it is logged";
    assert_fails("errors", &wrong, words);
}

#[test]
fn attributes_that_the_sdk_has_dropped_are_named_as_the_cause() {
    let wrong = with_spans(named(SERVER), |span| {
        span.attributes.remove("url.path");
        span.dropped.attributes = 3;
    });
    assert_fails("server-spans", &wrong, "The SDK has dropped 3 attributes of this span");
}

#[test]
fn more_client_spans_than_calls_are_explained_by_two_instrumentations() {
    let wrong = with(|evidence| {
        let spans = &mut evidence.calm.telemetry.spans;
        let is_call =
            |span: &&Span| span.kind == SpanKind::Client && span.attributes.get("url.full").is_some();
        let mut copies: Vec<Span> = spans.iter().filter(is_call).cloned().collect();
        for (number, copy) in copies.iter_mut().enumerate() {
            copy.span_id = format!("{:016x}", number + 1);
        }
        spans.extend(copies);
    });
    assert_fails("client-spans", &wrong, "There are more spans than calls");
}
