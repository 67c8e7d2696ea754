//! Random errors have the configured rate, and are repeatable with a seed.

use handson::fault_injector::FaultInjector;

use crate::support::service::Setup;

/// Which of 40 requests failed.
async fn failures(seed: Option<u64>) -> Vec<bool> {
    let setup = Setup::new().with("RANDOM_ERROR_RATE", "0.5");
    let setup = seed.iter().fold(setup, |setup, seed| setup.with("RANDOM_SEED", seed));
    let service = setup.start().await;
    let mut failures = Vec::new();
    for _ in 0..40 {
        failures.push(service.get("/handson").await.status == 500);
    }
    service.stop().await;
    failures
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_makes_the_errors_the_same_in_two_runs() {
    let first = failures(Some(7)).await;
    assert_eq!(first, failures(Some(7)).await);
    assert_ne!(first, failures(Some(8)).await, "another seed, another sequence");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_seed_two_runs_differ() {
    assert_ne!(failures(None).await, failures(None).await);
}

#[test]
fn ten_thousand_draws_match_the_rate() {
    let fault_injector = FaultInjector::new(0.5, None);
    let failed = (0..10_000).filter(|_| fault_injector.maybe_fail().is_err()).count();
    // Four standard deviations of a binomial distribution: √(10,000 · 0.5 · 0.5) = 50.
    assert!(failed.abs_diff(5_000) <= 4 * 50, "{failed} of 10,000");
}

#[test]
fn the_ends_of_the_range_are_exact() {
    for (rate, expected) in [(0.0, 0), (1.0, 1_000)] {
        let fault_injector = FaultInjector::new(rate, None);
        let failed = (0..1_000).filter(|_| fault_injector.maybe_fail().is_err()).count();
        assert_eq!(failed, expected, "at {rate}");
    }
}
