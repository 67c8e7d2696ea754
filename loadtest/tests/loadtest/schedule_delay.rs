//! Coordinated omission: if the generator itself is late, its latencies must show it.

use std::time::Duration;

use http::StatusCode;
use loadtest::iteration::{Failure, Iteration};
use loadtest::metrics::{Aggregation, Metric, Metrics};

use crate::support::program::Setup;
use crate::support::start_target;
use upstream::Reaction;

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_generator_makes_up_for_the_pause_and_shows_the_delay() {
    let target = start_target(|_| Reaction::Answer);
    let program = Setup::against(&target, "--rate 20 --duration 2s").exporting().start();
    target.until_called(5).await;
    program.signal("STOP").await;
    // There is no event that could be awaited here.
    tokio::time::sleep(Duration::from_secs(1)).await;
    program.signal("CONT").await;
    let ended = program.ended().await;

    assert_eq!(ended.assert_code(0).count("iterations"), 40, "none is lost");
    assert_eq!(ended.count("dropped_iterations"), 0);
    let number = |metric, of| ended.exported_number(metric, of);
    // Half of the requests were due while it was stopped; the first of them waited for about a second.
    let delay = number("http_req_schedule_delay", "max");
    assert!((700.0..2000.0).contains(&delay), "{delay} ms from the schedule to the request");
    assert!(number("http_req_scheduled_duration", "max") >= delay);
    let duration = number("http_req_duration", "med");
    assert!(duration < 200.0, "the target was quick all the time: {duration} ms");
    let (p90, seen_from_the_schedule) =
        (number("http_req_duration", "p(90)"), number("http_req_scheduled_duration", "p(90)"));
    assert!(
        seen_from_the_schedule > p90 + 300.0,
        "{seen_from_the_schedule} ms, and {p90} ms without the wait"
    );
}

#[test]
fn the_scheduled_duration_includes_the_delay_and_the_request() {
    let milliseconds = Duration::from_millis;
    let mut metrics = Metrics::new(&[], 1);
    let answer = |schedule_delay, request_duration, outcome| Iteration {
        schedule_delay: milliseconds(schedule_delay),
        request_duration: milliseconds(request_duration),
        duration: milliseconds(request_duration + 1),
        outcome,
        checks: Vec::new(),
    };
    let timeout = Failure { error_type: "timeout", message: String::new() };
    metrics.record(&answer(0, 100, Ok(StatusCode::OK)));
    metrics.record(&answer(900, 100, Ok(StatusCode::OK)));
    metrics.record(&answer(0, 4000, Err(timeout)));

    let number = |name: &str, aggregation| {
        let seen = metrics.get(name).and_then(|metric: Metric<'_>| metric.aggregate(aggregation)).unwrap();
        // The histogram keeps three digits.
        (seen * 0.01).round() * 100.0
    };
    let table = [
        ("http_req_schedule_delay", Aggregation::Max, 900.0),
        ("http_req_schedule_delay", Aggregation::Med, 0.0),
        ("http_req_scheduled_duration", Aggregation::Min, 100.0),
        ("http_req_scheduled_duration", Aggregation::Med, 1000.0),
        ("http_req_scheduled_duration", Aggregation::Max, 4000.0),
        ("http_req_duration", Aggregation::Avg, 1400.0),
        ("http_req_duration", Aggregation::Med, 100.0),
        ("http_req_duration{expected_response:true}", Aggregation::Max, 100.0),
    ];
    for (name, aggregation, expected) in table {
        assert_eq!(number(name, aggregation), expected, "{aggregation:?} of {name}");
    }
}
