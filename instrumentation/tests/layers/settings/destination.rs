//! The destination of telemetry as a text.

use super::valid;

#[test]
fn the_destination_lists_each_address_once_without_passwords() {
    let endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let traces = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    let cases: [(&[(&str, &str)], &str); 11] = [
        (&[], "http://localhost:4318 (http/protobuf)"),
        (&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], "http://localhost:4317 (grpc)"),
        (&[(endpoint, "https://u:s3cr3t@gateway/otlp/")], "https://gateway/otlp (http/protobuf)"),
        (
            &[(traces, "http://traces:1/spans")],
            "http://traces:1/spans (http/protobuf), http://localhost:4318 (http/protobuf)",
        ),
        (
            &[("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc")],
            "http://localhost:4318 (http/protobuf), http://localhost:4317 (grpc)",
        ),
        // A signal that is not exported has no destination.
        (
            &[(traces, "http://traces:1/spans"), ("OTEL_TRACES_EXPORTER", "none")],
            "http://localhost:4318 (http/protobuf)",
        ),
        (
            &[(traces, "http://traces:1/v1/traces"), (endpoint, "http://traces:1")],
            "http://traces:1 (http/protobuf)",
        ),
        (
            &[
                ("OTEL_TRACES_EXPORTER", "none"),
                ("OTEL_METRICS_EXPORTER", "none"),
                ("OTEL_LOGS_EXPORTER", "none"),
            ],
            "none",
        ),
        (&[("OTEL_SDK_DISABLED", "true")], "off"),
        (&[("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")], "off"),
        (&[("OTEL_SDK_DISABLED", "false")], "http://localhost:4318 (http/protobuf)"),
    ];
    for (variables, expected) in cases {
        assert_eq!(valid(variables).destination(), expected, "{variables:?}");
    }
}
