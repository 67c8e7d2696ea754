//! Mistakes that show only with unusual requests.

use otlp::model::{Attributes, Data, HistogramPoint, Span, SpanKind, StatusCode, Value};
use workshop::evidence::{Evidence, Exchange, NoAnswer, Unusual};

use super::{advice, assert_fails, assert_passes, failures, recording, with};

/// The answer's evidence, with a change of the SERVER span of an unusual request.
fn with_server(kind: Unusual, change: impl Fn(&mut Span)) -> Evidence {
    with(|evidence| {
        let run = &mut evidence.unusual;
        let id = trace_id(run.unusual(kind).unwrap().1);
        let server =
            run.telemetry.spans.iter_mut().find(|span| span.trace_id == id && span.kind == SpanKind::Server);
        change(server.unwrap());
    })
}

fn trace_id(exchange: &Exchange) -> String {
    let named =
        || exchange.answer.as_ref().unwrap().header("traceresponse").unwrap().split('-').nth(1).unwrap();
    exchange.parent.as_ref().map_or_else(named, |parent| parent.trace_id.as_str()).to_owned()
}

fn with_calls(kind: Unusual, name: &str, change: impl Fn(&mut String)) -> Evidence {
    with(|evidence| {
        let index = evidence.unusual.unusual(kind).unwrap().0;
        for call in evidence.unusual.upstream.iter_mut().filter(|call| call.exchange == Some(index)) {
            call.headers.iter_mut().filter(|(key, _)| key == name).for_each(|(_, value)| change(value));
        }
    })
}

fn set(key: &'static str, value: &'static str) -> impl Fn(&mut Attributes) {
    move |attributes| attributes.set(key, Value::from(value))
}

#[test]
fn a_name_or_a_route_with_the_query_or_the_path_of_the_request_is_reported() {
    let wrong = with_server(Unusual::Query, |span| span.name = "GET /handson?page=2".to_owned());
    assert_fails("server-spans", &wrong, "that anybody can choose creates any number of operations");
    let wrong =
        with_server(Unusual::Query, |span| set("http.route", "/handson?page=2")(&mut span.attributes));
    assert_fails("server-spans", &wrong, "that anybody can choose creates any number of operations");
    let wrong = with_server(Unusual::UnknownPath, |span| span.name = "GET /nowhere/4711".to_owned());
    assert_fails("server-spans", &wrong, "that anybody can choose creates any number of operations");
    let wrong =
        with_server(Unusual::UnknownPath, |span| set("http.route", "/nowhere/4711")(&mut span.attributes));
    assert_fails("server-spans", &wrong, "that anybody can choose creates any number of operations");
}

#[test]
fn a_query_that_is_missing_or_in_the_path_is_reported() {
    let wrong = with_server(Unusual::Query, |span| drop(span.attributes.remove("url.query")));
    assert_fails("server-spans", &wrong, "url.query is missing");
    let wrong = with_server(Unusual::Query, |span| set("url.path", "/handson?page=2")(&mut span.attributes));
    assert_fails("server-spans", &wrong, r#"url.path = "/handson?page=2""#);
}

#[test]
fn an_error_on_a_404_and_a_get_for_a_post_are_reported() {
    let wrong = with_server(Unusual::UnknownPath, |span| span.status = StatusCode::Error);
    assert_fails("server-spans", &wrong, "status Error although the answer is 404");
    let wrong =
        with_server(Unusual::OtherMethod, |span| set("http.request.method", "GET")(&mut span.attributes));
    assert_fails("server-spans", &wrong, r#"http.request.method should be "POST""#);
}

#[test]
fn a_query_string_that_is_rebuilt_is_reported() {
    let with_query =
        |query| with_server(Unusual::Query, |span| set("url.query", query)(&mut span.attributes));
    for query in ["page=2&page=3&sort=full+name", "page=3&sort=full%20name", "sort=full%20name&page=3"] {
        assert_fails("server-spans", &with_query(query), &format!("url.query = {query:?}"));
    }
    assert_passes(&with_query("page=2&sort=full+name&page=3"));
}

#[test]
fn a_method_that_nobody_knows_in_the_attribute_or_the_name_is_reported() {
    let wrong =
        with_server(Unusual::UnknownMethod, |span| set("http.request.method", "BREW")(&mut span.attributes));
    assert_fails("server-spans", &wrong, r#"http.request.method should be "_OTHER""#);
    let wrong = with_server(Unusual::UnknownMethod, |span| span.name = "BREW /handson".to_owned());
    assert_fails("server-spans", &wrong, "that anybody can choose creates any number of operations");
    for name in ["HTTP", "HTTP /handson", "_OTHER", "_OTHER /handson"] {
        assert_passes(&with_server(Unusual::UnknownMethod, |span| span.name = name.to_owned()));
    }
    let with_status = |status| {
        with(|evidence| {
            let run = &mut evidence.unusual;
            let (index, exchange) = run.unusual(Unusual::UnknownMethod).unwrap();
            let id = trace_id(exchange);
            let answer = run.exchanges[index].answer.as_mut().unwrap();
            answer.headers.clear();
            answer.status = status;
            run.telemetry.spans.retain(|span| span.trace_id != id);
        })
    };
    // The library answers such a method itself.
    assert_passes(&with_status(400));
    assert_passes(&with_status(501));
    assert_fails("server-spans", &with_status(200), "BREW /handson: 200");
}

#[test]
fn a_parent_from_a_malformed_traceparent_is_reported() {
    for kind in Unusual::MALFORMED {
        let wrong = with_server(kind, |span| span.parent_span_id = Some("00f067aa0ba902b7".to_owned()));
        let header = kind.malformed_parent().unwrap();
        assert_fails(
            "server-spans",
            &wrong,
            &format!("traceparent: {header} has the parent 00f067aa0ba902b7"),
        );
    }
}

#[test]
fn an_answer_without_traceresponse_or_with_that_of_another_span_is_reported() {
    for kind in [Unusual::UnknownPath, Unusual::OtherMethod, Unusual::UpstreamBreaks] {
        let with_headers = |change: fn(&mut Vec<(String, String)>)| {
            with(|evidence| {
                let index = evidence.unusual.unusual(kind).unwrap().0;
                change(&mut evidence.unusual.exchanges[index].answer.as_mut().unwrap().headers);
            })
        };
        let request = format!("{} {}, answered with {}", kind.method(), kind.path(), kind.status());
        let without = with_headers(|headers| headers.retain(|(name, _)| name != "traceresponse"));
        assert_fails("server-spans", &without, &format!("{request}: no header traceresponse"));
        let other = with_headers(|headers| {
            let header = headers.iter_mut().find(|(name, _)| name == "traceresponse").unwrap();
            header.1 = format!("{}-00f067aa0ba902b7-01", &header.1[..35]);
        });
        assert_fails("server-spans", &other, &format!("{request}: 00-"));
    }
}

#[test]
fn an_aborted_request_or_a_missing_span_at_the_end_is_reported() {
    let wrong = with(|evidence| {
        let last = evidence.unusual.exchanges.last_mut().unwrap();
        last.answer = Err(NoAnswer::Failed("connection closed before message completed".to_owned()));
    });
    assert_fails("server-spans", &wrong, "the service must stop accepting requests");
    let wrong = with(|evidence| {
        let id = trace_id(evidence.unusual.exchanges.last().unwrap());
        evidence.unusual.telemetry.spans.retain(|span| span.trace_id != id);
    });
    assert_fails("server-spans", &wrong, "Shut the provider down when the last request has been answered");
}

#[test]
fn a_tracestate_that_is_lost_and_flags_that_are_changed_are_reported() {
    let wrong = with_calls(Unusual::TraceState, "tracestate", |value| *value = "other=1".to_owned());
    assert_fails("client-spans", &wrong, "came with tracestate: other=1");
    let wrong = with_calls(Unusual::Unsampled, "traceparent", |value| *value = value.replace("-00", "-01"));
    assert_fails("client-spans", &wrong, "is passed on with its trace id and the flags 00");
}

#[test]
fn a_baggage_that_is_changed_is_reported_and_one_that_is_lost_is_advice() {
    let wrong = with_calls(Unusual::TraceState, "baggage", |value| *value = "workshop.room=1".to_owned());
    assert_fails("client-spans", &wrong, "came with baggage: workshop.room=1");
    let more = with_calls(Unusual::TraceState, "baggage", |value| value.push_str(", user.tier=gold"));
    assert_passes(&more);
    let lost = with(|evidence| {
        evidence
            .unusual
            .upstream
            .iter_mut()
            .for_each(|call| call.headers.retain(|(key, _)| key != "baggage"));
    });
    assert_passes(&lost);
    assert_eq!(advice("client-spans", recording::right()), "");
    assert!(advice("client-spans", &lost).contains("header baggage is not passed on"));
}

#[test]
fn a_connection_that_breaks_or_is_refused_and_leaves_no_mark_on_its_span_is_reported() {
    leaves_a_mark(Unusual::UpstreamBreaks, "no CLIENT span of a call that broke");
    leaves_a_mark(Unusual::UpstreamRefuses, "no CLIENT span of a call whose connection was refused");
}

fn leaves_a_mark(kind: Unusual, words: &str) {
    let with_broken = |change: fn(&mut Vec<Span>, &str)| {
        with(|evidence| {
            let id = trace_id(evidence.unusual.unusual(kind).unwrap().1);
            change(&mut evidence.unusual.telemetry.spans, &id);
        })
    };
    fn calls<'a>(spans: &'a mut [Span], id: &str) -> impl Iterator<Item = &'a mut Span> {
        spans.iter_mut().filter(move |span| span.trace_id == id && span.kind == SpanKind::Client)
    }
    let wrong = with_broken(|spans, id| calls(spans, id).for_each(|span| span.status = StatusCode::Unset));
    assert_fails("client-spans", &wrong, "A call without an answer has failed");
    let wrong = with_broken(|spans, id| {
        calls(spans, id).for_each(|span| drop(span.attributes.remove("error.type")));
    });
    assert_fails("client-spans", &wrong, "error.type is missing");
    let wrong = with_broken(|spans, id| {
        calls(spans, id).for_each(|span| span.attributes.set("http.response.status_code", Value::Int(0)));
    });
    assert_fails("client-spans", &wrong, "http.response.status_code must be absent");
    let wrong =
        with_broken(|spans, id| spans.retain(|span| span.trace_id != id || span.kind != SpanKind::Client));
    assert_fails("client-spans", &wrong, words);
}

#[test]
fn calls_without_an_answer_in_a_metric_have_an_error_type_and_no_status() {
    let with_points = |change: fn(&mut Attributes)| {
        with(|evidence| {
            for metric in &mut evidence.unusual.telemetry.metrics {
                if let Data::Histogram { points, .. } = &mut metric.data
                    && metric.name == "http.client.request.duration"
                {
                    let is_meant = |point: &&mut HistogramPoint| {
                        point.attributes.get("http.response.status_code").is_none()
                    };
                    points.iter_mut().filter(is_meant).for_each(|point| change(&mut point.attributes));
                }
            }
        })
    };
    let wrong = with_points(|attributes| drop(attributes.remove("error.type")));
    assert_fails("metrics", &wrong, "values have neither http.response.status_code nor error.type");
    let wrong = with_points(|attributes| attributes.set("http.response.status_code", Value::Int(0)));
    assert_fails("metrics", &wrong, "a point with http.response.status_code = 0");
    // Some libraries record nothing if a call raises an error.
    let missing = with(|evidence| {
        for metric in &mut evidence.unusual.telemetry.metrics {
            if let Data::Histogram { points, .. } = &mut metric.data {
                points.retain(|point| {
                    metric.name != "http.client.request.duration"
                        || point.attributes.get("http.response.status_code").is_some()
                });
            }
        }
    });
    assert_passes(&missing);
    assert_eq!(advice("metrics", recording::right()), "");
    let advice = advice("metrics", &missing);
    assert!(advice.contains("0 of 2 calls without an answer"), "{advice}");
}

/// Changes the values of `http.server.active_requests` in the run with unusual requests.
fn with_active(change: impl Fn(&mut f64)) -> Evidence {
    with(|evidence| {
        for metric in &mut evidence.unusual.telemetry.metrics {
            if let otlp::model::Data::Sum { points, .. } = &mut metric.data
                && metric.name == "http.server.active_requests"
            {
                points.iter_mut().for_each(|point| change(&mut point.value));
            }
        }
    })
}

#[test]
fn a_count_of_active_requests_that_never_rises_is_reported() {
    let wrong = with_active(|value| *value = 0.0);
    assert_fails("metrics", &wrong, "while a request waits for httpbin");
    // Without an export in that time, nothing is known.
    let unknown = with(|evidence| {
        let last = evidence.unusual.ended - 1;
        for metric in &mut evidence.unusual.telemetry.metrics {
            if let otlp::model::Data::Sum { points, .. } = &mut metric.data {
                points.iter_mut().for_each(|point| (point.value, point.time) = (0.0, last));
            }
        }
    });
    assert_passes(&unknown);
}

#[test]
fn a_request_that_stays_active_after_its_caller_has_hung_up_is_reported() {
    let wrong = with(|evidence| {
        for metric in &mut evidence.unusual.telemetry.metrics {
            if let otlp::model::Data::Sum { points, .. } = &mut metric.data
                && metric.name == "http.server.active_requests"
            {
                points[0].value += 1.0;
            }
        }
    });
    assert_fails("metrics", &wrong, "1 requests are active at the end");
}

#[test]
fn metrics_that_end_before_the_last_request_are_reported() {
    let words = "the meter provider is shut down when SIGTERM arrives";
    let wrong = with(|evidence| {
        let run = &mut evidence.unusual;
        let answered = run.exchanges.last().unwrap().answered;
        for metric in &mut run.telemetry.metrics {
            match &mut metric.data {
                Data::Sum { points, .. } => points.retain(|point| point.time < answered),
                Data::Histogram { points, .. } => points.retain(|point| point.time < answered),
                _ => {}
            }
        }
        run.telemetry.metrics.retain(|metric| !metric.data.is_empty());
        let mut metrics = run.telemetry.metrics.iter_mut();
        let last = metrics.rfind(|metric| metric.name == "http.server.active_requests").unwrap();
        let Data::Sum { points, .. } = &mut last.data else { panic!("{last:?}") };
        points[0].value = 1.0;
    });
    // The counter says it; the histogram too, unless an export came between the last two responses.
    assert_fails("metrics", &wrong, words);
}

#[test]
fn ids_that_are_the_same_after_each_start_are_reported() {
    let wrong = with(|evidence| {
        let id = evidence.calm.telemetry.spans[0].span_id.clone();
        let spans = &mut evidence.errors.telemetry.spans;
        let sleep = spans.iter().position(|span| span.name == "handson.sleep50microsec").unwrap();
        spans[sleep].span_id = id;
    });
    assert_fails("first-span", &wrong, "starts with the same seed");
}

#[test]
fn a_traceresponse_that_claims_a_sampled_trace_is_reported() {
    let wrong = with(|evidence| {
        let exchanges = evidence.unusual.exchanges.iter_mut();
        let is_unsampled = |exchange: &&mut Exchange| {
            exchange.purpose == workshop::evidence::Purpose::Unusual(Unusual::Unsampled)
        };
        let exchange = exchanges.into_iter().find(is_unsampled).unwrap();
        let answer = exchange.answer.as_mut().unwrap();
        let header = answer.headers.iter_mut().find(|(name, _)| name == "traceresponse").unwrap();
        header.1 = format!("{}01", header.1.strip_suffix("00").unwrap());
    });
    assert_fails("server-spans", &wrong, "whether the span is recorded");
}

#[test]
fn a_logger_provider_that_ends_before_the_last_request_is_reported() {
    let wrong = with(|evidence| {
        let id = trace_id(evidence.unusual.unusual(Unusual::AtTheEnd).unwrap().1);
        evidence.unusual.telemetry.log_records.retain(|record| record.trace_id.as_ref() != Some(&id));
    });
    assert_fails("log-correlation", &wrong, "Shut the logger provider down");
}

#[test]
fn lines_without_ids_in_a_request_that_is_not_sampled_are_reported() {
    let wrong = with(|evidence| {
        let id = trace_id(evidence.unusual.unusual(Unusual::Unsampled).unwrap().1);
        for line in &mut evidence.unusual.stdout {
            *line = line.replace(&id, "");
        }
    });
    assert_fails("log-correlation", &wrong, "whether its span is recorded or not");
}

#[test]
fn a_histogram_without_a_request_that_is_not_sampled_is_reported() {
    let wrong = with(|evidence| {
        let metrics = evidence.unusual.telemetry.metrics.iter_mut();
        for metric in metrics.filter(|metric| metric.name == "http.server.request.duration") {
            let Data::Histogram { points, .. } = &mut metric.data else { panic!("a histogram") };
            for point in points.iter_mut().filter(|point| {
                point.attributes.text("http.route") == Some("/handson")
                    && point.attributes.int("http.response.status_code") == Some(200)
            }) {
                point.count = point.count.saturating_sub(1);
            }
        }
    });
    assert_fails("metrics", &wrong, "whether its span is sampled or not");
}

#[test]
fn a_call_without_an_answer_that_is_not_recorded_or_logged_is_reported() {
    for kind in [Unusual::UpstreamBreaks, Unusual::UpstreamRefuses] {
        let id = trace_id(recording::right().unusual.unusual(kind).unwrap().1);
        let with_spans =
            |change: &dyn Fn(&mut Vec<Span>)| with(|evidence| change(&mut evidence.unusual.telemetry.spans));
        let of_kind = |spans: &[Span], kind: SpanKind| {
            spans.iter().position(|span| span.trace_id == id && span.kind == kind).unwrap()
        };
        let wrong = with_spans(&|spans| {
            let call = of_kind(spans, SpanKind::Client);
            spans[call].events.clear();
        });
        assert_fails("errors", &wrong, "no exception event");
        let moved = |also: bool| {
            with_spans(&|spans| {
                let call = of_kind(spans, SpanKind::Client);
                let events = spans[call].events.clone();
                if !also {
                    spans[call].events.clear();
                }
                let server = of_kind(spans, SpanKind::Server);
                spans[server].events.extend(events);
            })
        };
        assert_fails("errors", &moved(false), "record it on the CLIENT span of that call");
        assert_fails("errors", &moved(true), "2 exception events");
        let wrong = with(|evidence| {
            for line in evidence.unusual.stdout.iter_mut().filter(|line| line.contains(&id)) {
                *line = line.replace(r#""ERROR""#, r#""WARN""#);
            }
        });
        assert_fails("errors", &wrong, "no ERROR line with trace_id");
        let wrong = with(|evidence| {
            let records = &mut evidence.unusual.telemetry.log_records;
            records.retain(|record| record.severity_number < 17 || record.trace_id.as_ref() != Some(&id));
        });
        assert_fails("errors", &wrong, "0 log records at ERROR");
    }
}

#[test]
fn a_server_span_that_is_never_ended_if_the_caller_hangs_up_is_reported() {
    let wrong = with(|evidence| {
        let id = trace_id(evidence.unusual.unusual(Unusual::HangsUp).unwrap().1);
        evidence.unusual.telemetry.spans.retain(|span| span.trace_id != id || span.kind != SpanKind::Server);
    });
    assert_fails("server-spans", &wrong, "no SERVER span of the request whose caller hung up");
}

#[test]
fn an_exception_that_a_library_records_for_a_call_without_an_answer_passes() {
    let own = with(|evidence| {
        let id = trace_id(evidence.unusual.unusual(Unusual::UpstreamRefuses).unwrap().1);
        let spans = evidence.unusual.telemetry.spans.iter_mut().filter(|span| span.trace_id == id);
        for event in spans.flat_map(|span| &mut span.events) {
            set("exception.type", "httpx.ConnectError")(&mut event.attributes);
            set("exception.message", "All connection attempts failed")(&mut event.attributes);
        }
    });
    assert_eq!(failures("errors", &own), "");
}

#[test]
fn calls_and_queries_that_are_counted_only_if_they_are_sampled_are_reported() {
    for (name, count) in [("http.client.request.duration", 4), ("db.client.operation.duration", 1)] {
        let wrong = with(|evidence| {
            let metrics = evidence.unusual.telemetry.metrics.iter_mut();
            for metric in metrics.filter(|metric| metric.name == name) {
                let Data::Histogram { points, .. } = &mut metric.data else { panic!("a histogram") };
                points.iter_mut().for_each(|point| point.count = point.count.saturating_sub(count));
            }
        });
        assert_fails("metrics", &wrong, "A metric counts all work");
    }
}

#[test]
fn a_404_with_an_error_type_its_path_or_its_method_in_the_metric_is_reported() {
    let with_404 = |key: &'static str, value: &'static str| {
        with(|evidence| {
            let metrics = evidence.unusual.telemetry.metrics.iter_mut();
            for metric in metrics.filter(|metric| metric.name == "http.server.request.duration") {
                let Data::Histogram { points, .. } = &mut metric.data else { panic!("a histogram") };
                let is_404 = |point: &&mut HistogramPoint| {
                    point.attributes.int("http.response.status_code") == Some(404)
                };
                points.iter_mut().filter(is_404).for_each(|point| set(key, value)(&mut point.attributes));
            }
        })
    };
    assert_fails("metrics", &with_404("error.type", "404"), "a point with the status 404 and error.type");
    let words = r#"a point with http.route = "/nowhere/4711""#;
    assert_fails("metrics", &with_404("http.route", "/nowhere/4711"), words);
    let words = r#"a point with http.request.method = "BREW""#;
    assert_fails("metrics", &with_404("http.request.method", "BREW"), words);
}

#[test]
fn a_query_whose_failure_is_hidden_or_leaves_no_mark_is_reported() {
    let (index, exchange) = recording::right().unusual.unusual(Unusual::DatabaseFails).unwrap();
    let id = trace_id(exchange);
    let wrong = with(|evidence| {
        evidence.unusual.exchanges[index].answer.as_mut().unwrap().status = 200;
    });
    assert_fails("run", &wrong, "while there is no table users: 200");
    let is_query = |span: &Span| span.trace_id == id && span.attributes.get("db.query.text").is_some();
    let wrong = with(|evidence| evidence.unusual.telemetry.spans.retain(|span| !is_query(span)));
    assert_fails("db-spans", &wrong, "A query that fails also has a span");
    let with_spans = |change: &dyn Fn(&mut Span)| {
        with(|evidence| {
            let spans = evidence.unusual.telemetry.spans.iter_mut();
            spans.filter(|span| span.trace_id == id).for_each(change);
        })
    };
    let wrong = with_spans(&|span| {
        if is_query(span) {
            span.status = StatusCode::Unset;
        }
    });
    assert_fails("db-spans", &wrong, "set the status of its span to Error");
    assert_fails("errors", &with_spans(&|span| span.events.clear()), "no exception event");
    let wrong = with_spans(&|span| {
        for event in &mut span.events {
            event.attributes.remove("exception.stacktrace");
        }
    });
    assert_fails("errors", &wrong, "exception.stacktrace is missing");
    let wrong = with(|evidence| {
        let spans = &mut evidence.unusual.telemetry.spans;
        let events: Vec<_> = spans
            .iter_mut()
            .filter(|span| span.trace_id == id)
            .flat_map(|span| std::mem::take(&mut span.events))
            .collect();
        let server = spans.iter_mut().find(|span| span.trace_id == id && span.kind == SpanKind::Server);
        server.unwrap().events = events;
    });
    assert_fails("errors", &wrong, "record it there, or on handson.dbQuery");
    let wrong = with(|evidence| {
        evidence.unusual.stdout.retain(|line| !line.contains(&id) || !line.contains(r#""ERROR""#));
        let records = &mut evidence.unusual.telemetry.log_records;
        records.retain(|record| record.severity_number < 17 || record.trace_id.as_ref() != Some(&id));
    });
    assert_fails("errors", &wrong, "no ERROR line with trace_id");
}
