//! The names of spans and of their resource, and what spans must not contain.

use otlp::Receiver;
use otlp::model::Value;

use super::exporting;
use crate::support::start_target;
use upstream::Reaction;

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_the_query_are_sent_to_the_target_and_not_to_the_collector() {
    let (target, collector) = (start_target(|_| Reaction::Answer), Receiver::start().await.unwrap());
    let query = "/a?AWSAccessKeyId=k1&Signature=k2&sig=k3&X-Goog-Signature=k4&q=public";
    let setup = exporting(&target, &collector, "--rate 50 --duration 100ms");
    setup.argument("--url", &target.url(query)).run().await.assert_code(0);
    assert_eq!(target.calls()[0].uri, query);
    let redacted =
        "/a?AWSAccessKeyId=REDACTED&Signature=REDACTED&sig=REDACTED&X-Goog-Signature=REDACTED&q=public";
    for span in collector.telemetry().spans {
        assert_eq!(span.attributes.text("url.full"), Some(target.url(redacted).as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_method_is_recorded_as_other() {
    let (target, collector) = (start_target(|_| Reaction::Answer), Receiver::start().await.unwrap());
    for (method, name, attribute, original) in
        [("PURGE", "HTTP", "_OTHER", Some("PURGE")), ("POST", "POST", "POST", None)]
    {
        let setup = exporting(&target, &collector, "--rate 50 --duration 20ms").argument("--method", method);
        setup.run().await.assert_code(0);
        let received = collector.telemetry();
        let span = received.spans.last().unwrap();
        assert_eq!(
            (span.name.as_str(), span.attributes.text("http.request.method")),
            (name, Some(attribute))
        );
        let method = span.attributes.get("http.request.method_original");
        assert_eq!(method.and_then(Value::as_str), original, "{span:?}");
        assert_eq!(method.is_some(), original.is_some(), "{span:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_resource_names_the_program_unless_the_environment_does() {
    for (given, expected) in [(None, "loadtest"), (Some(""), "loadtest"), (Some("shopper"), "shopper")] {
        let (target, collector) = (start_target(|_| Reaction::Answer), Receiver::start().await.unwrap());
        let setup = exporting(&target, &collector, "--rate 50 --duration 20ms");
        let setup = given.into_iter().fold(setup, |setup, name| setup.variable("OTEL_SERVICE_NAME", name));
        let setup = setup.variable("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test");
        setup.run().await.assert_code(0);
        let received = collector.telemetry();
        let resource = &received.spans[0].resource;
        assert_eq!(resource["service.name"], expected);
        assert_eq!(resource["deployment.environment.name"], "test");
        for key in ["service.version", "service.instance.id", "telemetry.sdk.name"] {
            assert!(resource.text(key).is_some(), "{key} in {resource:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_that_is_not_sampled_is_not_sent_and_not_lost() {
    let (target, collector) = (start_target(|_| Reaction::Answer), Receiver::start().await.unwrap());
    let setup = exporting(&target, &collector, "--rate 50 --duration 100ms");
    let ended = setup.variable("OTEL_TRACES_SAMPLER", "always_off").run().await;
    ended.assert_code(0);
    let reported = ended.output.stdout.iter().any(|line| line.trim() == "spans: 0, 0 of them lost");
    assert!(reported, "{:#?}", ended.output.stdout);
    assert!(collector.telemetry().spans.is_empty());
    let traceparent = target.calls()[0].headers["traceparent"].to_str().unwrap().to_owned();
    assert!(traceparent.ends_with("-00"), "the target learns that it is not sampled: {traceparent}");
}
