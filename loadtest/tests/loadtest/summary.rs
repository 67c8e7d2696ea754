//! The summary, in k6's format.

use crate::support::program::{Ended, Setup};
use crate::support::shape::shape;
use crate::support::start_target;
use upstream::Reaction;

/// Twenty requests, of which one in five gets a 500.
async fn run(setup: impl Fn(Setup) -> Setup) -> Ended {
    let target = start_target(|call| match call.number % 5 {
        4 => Reaction::Status(500),
        _ => Reaction::Answer,
    });
    setup(Setup::against(&target, "--rate 100 --duration 200ms")).run().await
}

const TREND: &str = "avg=# min=# med=# max=# p(#)=# p(#)=# p(#)=#";

#[tokio::test(flavor = "multi_thread")]
async fn the_summary_has_the_shape_of_k6() {
    let thresholds = |setup: Setup| {
        setup.and("--threshold http_reqs:rate>1 --threshold http_req_duration:p(95)<0.0001 --threshold vus_max:value>1")
    };
    let ended = run(thresholds).await;
    ended.assert_code(99);
    let golden = format!(
        "GET http://#:#/handson: # iterations/s for # (maxVUs: #, gracefulStop: #)


  █ THRESHOLDS

    http_req_duration
    ✗ 'p(#)<#' p(#)=#

    http_reqs
    ✓ 'rate>#' rate=#/s

    vus_max
    ✓ 'value>#' value=#


  █ TOTAL RESULTS

    checks_total.: # #/s
    checks_succeeded.: #% # out of #
    checks_failed.: #% # out of #

    ✗ status is #
      ↳ #% — ✓ # / ✗ #

    HTTP
    http_req_duration.: {TREND}
      {{ expected_response:true }}.: {TREND}
    http_req_failed.: #% # out of #
    http_req_schedule_delay.: {TREND}
    http_req_scheduled_duration.: {TREND}
    http_reqs.: # #/s

    EXECUTION
    dropped_iterations.: # #/s
    iteration_duration.: {TREND}
    iterations.: # #/s
    vus.: # min=# max=#
    vus_max.: # min=# max=#

running (#), #/# VUs, # complete and # interrupted iterations"
    );
    let shapes: Vec<String> = ended.output.stdout.iter().map(|line| shape(line)).collect();
    assert_eq!(shapes, golden.lines().collect::<Vec<_>>());
    assert_eq!(
        ended.output.stdout.last().unwrap(),
        "running (00.2s), 00/50 VUs, 20 complete and 0 interrupted iterations"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_are_those_of_the_run_and_are_in_columns() {
    let ended = run(|setup| setup).await;
    ended.assert_code(0);
    assert_eq!(ended.row("checks_succeeded"), "80.00% 16 out of 20");
    assert_eq!(ended.row("checks_failed"), "20.00% 4 out of 20");
    assert_eq!(ended.row("http_req_failed"), "20.00% 4 out of 20");
    for name in ["checks_total", "http_reqs", "iterations"] {
        assert_eq!(ended.count(name), 20, "{name}");
        let row = ended.row(name);
        let rate: f64 = row.split_once(' ').unwrap().1.trim_end_matches("/s").parse().unwrap();
        assert!((50.0..=100.0).contains(&rate), "{name}: {rate} a second");
    }
    let lines = &ended.output.stdout;
    assert!(
        !lines.iter().any(|line| line.contains("THRESHOLDS")),
        "without thresholds, no section of theirs"
    );
    for section in lines.split(|line| line.is_empty()) {
        let colons: Vec<usize> =
            section.iter().filter_map(|row| row.find("..:").map(|at| row[..at].chars().count())).collect();
        assert!(colons.windows(2).all(|two| two[0] == two[1]), "{section:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_an_iteration_has_a_summary_of_zeros() {
    let target = start_target(|_| Reaction::Hold);
    let options = "--rate 1 --duration 100ms --graceful-stop 0s --threshold http_req_duration:p(95)<200";
    let ended = Setup::against(&target, options).run().await;
    ended.assert_code(0);
    assert_eq!(ended.row("checks_succeeded"), "0.00% 0 out of 0");
    assert_eq!(ended.count("http_reqs"), 0);
    let row = ended.row("http_req_duration");
    assert!(row.split_whitespace().all(|number| number.ends_with("=0s")), "{row}");
    assert!(
        !ended.output.stdout.iter().any(|line| line.contains("expected_response")),
        "none was as expected"
    );
}
