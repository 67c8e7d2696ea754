//! How each signal is exported: the defaults, and which variable takes precedence.

use std::time::Duration;

use instrumentation::settings::{Batching, Protocol};

use super::valid;

#[test]
fn without_variables_everything_goes_to_a_local_collector_over_http() {
    let settings = valid(&[]);
    assert!(!settings.disabled);
    for (signal, endpoint) in [
        (&settings.traces, "http://localhost:4318/v1/traces"),
        (&settings.metrics, "http://localhost:4318/v1/metrics"),
        (&settings.logs, "http://localhost:4318/v1/logs"),
    ] {
        assert!(signal.enabled && !signal.gzip && signal.headers.is_empty(), "{signal:?}");
        assert_eq!(signal.endpoint.as_str(), endpoint);
        assert_eq!(signal.protocol, Protocol::HttpProtobuf);
        assert_eq!(signal.timeout, Duration::from_secs(10));
    }
    let batching = |max_queue_size, seconds| Batching {
        max_queue_size,
        max_export_batch_size: 1024,
        schedule_delay: Duration::from_secs(seconds),
    };
    assert_eq!((settings.span_batching, settings.log_batching), (batching(8192, 5), batching(4096, 1)));
}

#[test]
fn over_http_the_common_endpoint_is_a_base_and_that_of_one_signal_is_complete() {
    let cases = [
        ("http://collector:4318", "http://collector:4318/v1/traces"),
        ("http://collector:4318/", "http://collector:4318/v1/traces"),
        ("https://gateway.example/otlp", "https://gateway.example/otlp/v1/traces"),
        ("https://gateway.example/otlp/", "https://gateway.example/otlp/v1/traces"),
        ("https://gateway.example/a%20b//", "https://gateway.example/a%20b/v1/traces"),
        ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
    ];
    for (base, expected) in cases {
        let traces = valid(&[("OTEL_EXPORTER_OTLP_ENDPOINT", base)]).traces;
        assert_eq!(traces.endpoint.as_str(), expected, "{base}");
    }
    for own in ["http://traces:4318/", "http://traces:4318/spans", "http://traces:4318/spans/"] {
        let variables =
            [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:1"), ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", own)];
        let settings = valid(&variables);
        assert_eq!(settings.traces.endpoint.as_str(), own);
        assert_eq!(settings.logs.endpoint.as_str(), "http://all:1/v1/logs");
    }
}

#[test]
fn over_grpc_an_endpoint_is_not_changed() {
    let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    assert_eq!(valid(&[grpc]).metrics.endpoint.as_str(), "http://localhost:4317/");
    for endpoint in ["http://collector:4317/", "https://gateway.example/otlp"] {
        let settings = valid(&[grpc, ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)]);
        for signal in [settings.traces, settings.metrics, settings.logs] {
            assert_eq!((signal.endpoint.as_str(), signal.protocol), (endpoint, Protocol::Grpc));
        }
    }
}

#[test]
fn the_variable_of_one_signal_overrides_the_common_one() {
    let settings = valid(&[
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=all,tenant=shop"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "api-key=logs"),
        ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "none"),
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "250"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ]);
    let logs = &settings.logs;
    assert_eq!((logs.protocol, logs.gzip), (Protocol::HttpProtobuf, false));
    assert_eq!(logs.timeout, Duration::from_millis(250));
    assert_eq!(logs.headers["api-key"], "logs");
    assert_eq!(logs.headers.len(), 1, "headers replace those of all signals: {:?}", logs.headers);

    let traces = &settings.traces;
    assert_eq!((traces.protocol, traces.gzip), (Protocol::Grpc, true));
    assert_eq!(traces.timeout, Duration::from_secs(1));
    assert_eq!(
        (&traces.headers["api-key"], &traces.headers["tenant"]),
        (&"all".parse().expect("a header"), &"shop".parse().expect("a header"))
    );
    assert_eq!((traces.enabled, settings.metrics.enabled, logs.enabled), (true, false, true));
}

#[test]
fn an_empty_variable_counts_as_unset() {
    for empty in ["", " ", "\t"] {
        let settings = valid(&[
            ("OTEL_SDK_DISABLED", empty),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", empty),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", empty),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", empty),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=b"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", empty),
            ("OTEL_TRACES_EXPORTER", empty),
            ("OTEL_PROPAGATORS", empty),
            ("OTEL_BSP_MAX_QUEUE_SIZE", empty),
            ("OTEL_TRACES_SAMPLER_ARG", empty),
        ]);
        assert!(!settings.disabled && settings.traces.enabled);
        assert_eq!(settings.traces.endpoint.as_str(), "http://collector:4318/v1/traces");
        assert_eq!(settings.traces.headers["a"], "b");
        assert_eq!(settings.traces.timeout, Duration::from_secs(10));
        assert_eq!(settings.span_batching.max_queue_size, 8192);
    }
}

#[test]
fn words_are_case_insensitive_and_trimmed() {
    let settings = valid(&[
        ("OTEL_SDK_DISABLED", " TRUE "),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "GRPC"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "Gzip"),
        ("OTEL_LOGS_EXPORTER", "NONE"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", " 5 "),
    ]);
    assert!(settings.disabled && settings.traces.gzip && !settings.logs.enabled);
    assert_eq!(settings.traces.protocol, Protocol::Grpc);
    assert_eq!(settings.traces.timeout, Duration::from_millis(5));
    assert!(!valid(&[("OTEL_SDK_DISABLED", "False")]).disabled);
}

#[test]
fn a_disabled_sdk_exports_no_signal_with_any_exporter() {
    let settings = valid(&[("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "otlp")]);
    for signal in [&settings.traces, &settings.metrics, &settings.logs] {
        assert!(!signal.enabled, "{signal:?}");
    }
}

#[test]
fn headers_are_decoded() {
    let cases = [
        ("api-key=secret,tenant=shop", vec![("api-key", "secret"), ("tenant", "shop")]),
        (" api-key = secret , tenant=shop ", vec![("api-key", "secret"), ("tenant", "shop")]),
        ("Authorization=Basic%20dXNlcjpwYXNz%3D%3d", vec![("authorization", "Basic dXNlcjpwYXNz==")]),
        ("a=b=c", vec![("a", "b=c")]),
        ("a=1%2C2%3B%25", vec![("a", "1,2;%")]),
        ("a=", vec![("a", "")]),
        ("a=x+y", vec![("a", "x+y")]),
        ("a=t%C3%A9l%C3%A9", vec![("a", "télé")]),
    ];
    for (text, expected) in cases {
        let headers = valid(&[("OTEL_EXPORTER_OTLP_HEADERS", text)]).traces.headers;
        let mut found: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), std::str::from_utf8(value.as_bytes()).expect("UTF-8")))
            .collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn sizes_of_queues_and_batches_fit_each_other() {
    let sizes = |queue: &str, batch: &str| {
        let variables = [("OTEL_BSP_MAX_QUEUE_SIZE", queue), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", batch)];
        let batching = valid(&variables).span_batching;
        (batching.max_queue_size, batching.max_export_batch_size)
    };
    assert_eq!(sizes("100", "10"), (100, 10));
    assert_eq!(sizes("100", ""), (100, 100), "a batch is not larger than the queue");
    assert_eq!(sizes("100", "500"), (100, 100));
    assert_eq!(sizes("0", "0"), (1, 1), "a queue of none would lose everything");
    let logs = valid(&[("OTEL_BLRP_MAX_QUEUE_SIZE", "7"), ("OTEL_BSP_MAX_QUEUE_SIZE", "8")]);
    assert_eq!((logs.log_batching.max_queue_size, logs.span_batching.max_queue_size), (7, 8));
}
