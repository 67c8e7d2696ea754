//! Mistakes that show in metrics, for step 8.

use otlp::model::{Data, HistogramPoint, Metric};
use workshop::evidence::Evidence;

use super::{assert_fails, with};

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
    let wrong = with_points(SERVER, |point| point.sum *= 1000.0);
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
fn values_that_are_missing_are_counted() {
    let wrong = with_points(SERVER, |point| point.count -= 1);
    assert_fails("metrics", &wrong, "expected 14 values, got 13");
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
