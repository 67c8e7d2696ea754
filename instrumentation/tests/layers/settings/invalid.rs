//! Values that are not allowed.

use super::read;

const SAMPLERS: &str = "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio";
const URL: &str = "an http:// or https:// URL without query, for example http://localhost:4318";
const HEADERS: &str = "a list of NAME=VALUE separated by commas, with values percent-encoded";

#[track_caller]
fn assert_refused(name: &str, value: &str, shown: &str, expected: &str) {
    let error = read(&[(name, value)]).expect_err(&format!("{name}={value} is not allowed"));
    assert_eq!(error.to_string(), format!("invalid value '{shown}' for {name}: expected {expected}"));
    assert_eq!((error.name.as_str(), error.value.as_str(), error.expected.as_str()), (name, shown, expected));
}

#[test]
fn words_that_are_not_allowed() {
    assert_refused("OTEL_SDK_DISABLED", "yes", "yes", "true or false");
    assert_refused("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "http/json", "http/protobuf or grpc");
    assert_refused("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "zstd", "gzip or none");
    assert_refused("OTEL_PROPAGATORS", "b3", "b3", "a list of tracecontext, baggage or none");
    let list = "tracecontext,,baggage";
    assert_refused("OTEL_PROPAGATORS", list, list, "a list of tracecontext, baggage or none");
    assert_refused("OTEL_TRACES_SAMPLER", "sometimes", "sometimes", SAMPLERS);
    for signal in ["TRACES", "METRICS", "LOGS"] {
        let name = |option: &str| format!("OTEL_EXPORTER_OTLP_{signal}_{option}");
        assert_refused(&name("PROTOCOL"), "udp", "udp", "http/protobuf or grpc");
        assert_refused(&name("COMPRESSION"), "br", "br", "gzip or none");
        assert_refused(&name("TIMEOUT"), "10s", "10s", "a whole number");
        assert_refused(&name("ENDPOINT"), "collector", "collector", URL);
        assert_refused(&name("HEADERS"), "a=b;c", "a=***", HEADERS);
        assert_refused(&format!("OTEL_{signal}_EXPORTER"), "console", "console", "otlp or none");
    }
}

#[test]
fn numbers_that_are_not_allowed() {
    for name in [
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "OTEL_BSP_MAX_QUEUE_SIZE",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        "OTEL_BSP_SCHEDULE_DELAY",
        "OTEL_BLRP_MAX_QUEUE_SIZE",
        "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
        "OTEL_BLRP_SCHEDULE_DELAY",
        "OTEL_METRIC_EXPORT_INTERVAL",
    ] {
        for value in ["ten", "-1", "1.5", "5s", "0x10", "99999999999999999999999"] {
            assert_refused(name, value, value, "a whole number");
        }
    }
    for value in ["half", "-0.1", "1.01", "NaN", "inf"] {
        assert_refused("OTEL_TRACES_SAMPLER_ARG", value, value, "a number from 0 to 1");
    }
    for value in ["0", "0.25", "1", "1.0"] {
        read(&[("OTEL_TRACES_SAMPLER_ARG", value)]).expect("a number from 0 to 1");
    }
}

/// With such a value, the SDK would sample everything.
#[test]
fn values_that_only_the_sdk_reads_must_be_valid_for_it() {
    for value in ["ALWAYS_OFF", "always_off ", "ParentBased_Always_Off"] {
        assert_refused("OTEL_TRACES_SAMPLER", value, value, SAMPLERS);
    }
    assert_refused("OTEL_TRACES_SAMPLER_ARG", " 0.1", " 0.1", "a number from 0 to 1");
    assert_refused("OTEL_BSP_SCHEDULE_DELAY", "500 ", "500 ", "a whole number");
    for value in ["", " "] {
        read(&[("OTEL_TRACES_SAMPLER", value)]).expect("it counts as unset");
    }
    for value in SAMPLERS.split(", ").flat_map(|name| name.split(" or ")) {
        read(&[("OTEL_TRACES_SAMPLER", value)]).expect("the SDK knows it");
    }
}

#[test]
fn endpoints_that_are_not_allowed_are_shown_without_their_password() {
    let name = "OTEL_EXPORTER_OTLP_ENDPOINT";
    for value in [
        "collector:4318",
        "localhost",
        "grpc://collector:4317",
        "http://",
        "http://collector:65536",
        "http://collector:4318?x=y",
        "http://collector:4318/#x",
        "file:///tmp/spans",
    ] {
        assert_refused(name, value, value, URL);
    }
    let (value, shown) = ("http://user:s3cr3t@collector:4318?x=y", "http://***@collector:4318?x=y");
    assert_refused(name, value, shown, URL);
    assert_refused(name, "ftp://user@host", "ftp://***@host", URL);
    let (value, shown) = ("http://user:p@ss@collector:port", "http://***@collector:port");
    assert_refused(name, value, shown, URL);
}

#[test]
fn headers_that_are_not_allowed_are_shown_without_their_values() {
    let name = "OTEL_EXPORTER_OTLP_HEADERS";
    for (value, shown) in [
        ("api-key=s3cr3t;property=1", "api-key=***"),
        ("api key=s3cr3t", "api key=***"),
        ("=s3cr3t", "=***"),
        ("a=%zz", "a=***"),
        ("a=%2", "a=***"),
        ("a=%0A", "a=***"),
        ("a=%FF", "a=***"),
        ("a=b,", "a=***,"),
        // If a comma in a key is not percent-encoded, the text after it is a part of the key.
        ("api-key=s3c,r3t", "api-key=***,***"),
        ("s3cr3t", "***"),
    ] {
        assert_refused(name, value, shown, HEADERS);
    }
}

#[test]
fn the_first_bad_variable_is_reported() {
    let error = read(&[("OTEL_TRACES_SAMPLER", "x"), ("OTEL_SDK_DISABLED", "y")]).expect_err("both are bad");
    assert_eq!(error.name, "OTEL_SDK_DISABLED");
}
