//! Mistakes that show in metrics, for step 8.

use otlp::model::{Attributes, Data, HistogramPoint, Metric, Value};
use workshop::evidence::Evidence;

use super::{assert_fails, failures, with};

const SERVER: &str = "http.server.request.duration";
const DATABASE: &str = "db.client.operation.duration";

fn with_metric(name: &str, change: impl Fn(&mut Metric)) -> Evidence {
    with(|evidence| {
        evidence.calm.telemetry.metrics.iter_mut().filter(|metric| metric.name == name).for_each(&change);
    })
}

fn with_points(name: &str, change: impl Fn(&mut HistogramPoint)) -> Evidence {
    with_metric(name, |metric| match &mut metric.data {
        Data::Histogram { points, .. } => points.iter_mut().for_each(&change),
        other => panic!("{other:?}"),
    })
}

#[test]
fn missing_metrics_are_reported() {
    let wrong = with(|evidence| evidence.calm.telemetry.metrics.clear());
    assert_fails("metrics", &wrong, "no metric was received");
}

#[test]
fn milliseconds_with_the_unit_seconds_are_reported() {
    let wrong = with_points(SERVER, |point| point.sum = point.sum.map(|sum| sum * 1000.0));
    assert_fails("metrics", &wrong, "The values are milliseconds, and the unit says seconds");
}

#[test]
fn buckets_made_for_milliseconds_are_reported() {
    for name in [SERVER, DATABASE] {
        let wrong = with_points(name, |point| {
            point.bounds = vec![0.0, 5.0, 10.0];
            point.bucket_counts = vec![0, point.count, 0, 0];
        });
        assert_fails("metrics", &wrong, "the first bucket of a histogram ends at 5 s");
    }
}

#[test]
fn milliseconds_as_the_unit_are_reported() {
    let wrong = with_metric(SERVER, |metric| metric.unit = "ms".to_owned());
    assert_fails("metrics", &wrong, r#"unit "ms""#);
}

#[test]
fn a_metric_with_another_name_is_reported_with_the_received_names() {
    let wrong = with_metric(SERVER, |metric| metric.name = "http.server.duration".to_owned());
    assert_fails("metrics", &wrong, "http.server.active_requests, http.server.duration, ");
}

#[test]
fn an_attribute_under_its_old_name_is_reported() {
    let wrong = with_points(DATABASE, |point| {
        let system = point.attributes.remove("db.system.name").unwrap();
        point.attributes.set("db.system", system);
    });
    assert_fails("metrics", &wrong, "it is db.system.name now");
}

#[test]
fn a_series_for_the_overflow_is_explained_by_the_cardinality_limit() {
    let wrong = with_points(SERVER, |point| {
        point.attributes = Attributes::default();
        point.attributes.set("otel.metric.overflow", Value::Bool(true));
    });
    assert_fails("metrics", &wrong, "the cardinality limit is too small");
}

#[test]
fn values_that_are_missing_are_counted() {
    let wrong = with_points(SERVER, |point| point.count -= 1);
    assert_fails("metrics", &wrong, "expected 14 values, got 13");
}

/// A second reader exports the same metric again, with another start; `change` changes what it exports.
fn with_second_reader(name: &str, change: impl Fn(&mut Metric)) -> Evidence {
    with(|evidence| {
        let metrics = &mut evidence.calm.telemetry.metrics;
        let mut again = metrics.iter().rfind(|metric| metric.name == name).unwrap().clone();
        match &mut again.data {
            Data::Histogram { points, .. } => points.iter_mut().for_each(|point| point.start += 1_000),
            Data::Sum { points, .. } => points.iter_mut().for_each(|point| point.start += 1_000),
            other => panic!("{other:?}"),
        }
        change(&mut again);
        metrics.push(again);
    })
}

#[test]
fn two_readers_that_export_the_same_series_are_reported() {
    for name in [SERVER, DATABASE, "http.server.active_requests"] {
        let wrong = with_second_reader(name, |_| {});
        assert_fails("metrics", &wrong, "a series arrives twice in one process");
    }
}

#[test]
fn a_series_that_starts_again_after_a_reset_or_in_another_process_passes() {
    // The first series ends when the second starts.
    let reset = with(|evidence| {
        let metrics = &mut evidence.calm.telemetry.metrics;
        let mut first = metrics.iter().rfind(|metric| metric.name == SERVER).unwrap().clone();
        let Data::Histogram { points, .. } = &mut first.data else { panic!("{first:?}") };
        for point in points {
            point.time = point.start;
            point.start -= 1_000;
        }
        metrics.insert(0, first);
    });
    assert_eq!(failures("metrics", &reset), "");
    // The instance has another id, which is another expectation.
    let restarted = with_second_reader(SERVER, |metric| {
        let mut resource = (*metric.resource).clone();
        resource.set("service.instance.id", "another".into());
        metric.resource = resource.into();
    });
    let reported = failures("metrics", &restarted);
    assert!(!reported.contains("arrives twice") && reported.contains("service.instance.id"), "{reported}");
}

#[test]
fn a_health_check_that_is_counted_is_reported() {
    let wrong = with_points(SERVER, |point| point.count += 2);
    assert_fails("metrics", &wrong, "/healthz is counted too");
}

#[test]
fn requests_that_stay_active_forever_are_reported() {
    let wrong = with_metric("http.server.active_requests", |metric| match &mut metric.data {
        Data::Sum { points, .. } => points[0].value = 3.0,
        other => panic!("{other:?}"),
    });
    assert_fails("metrics", &wrong, "3 requests are active at the end");
}

#[test]
fn a_counter_instead_of_an_up_down_counter_is_reported() {
    let wrong = with_metric("http.server.active_requests", |metric| match &mut metric.data {
        Data::Sum { monotonic, .. } => *monotonic = true,
        other => panic!("{other:?}"),
    });
    assert_fails("metrics", &wrong, "it is not an up-down counter");
}
