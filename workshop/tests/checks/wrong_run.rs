//! Mistakes of the program itself, for step 0.

use workshop::evidence::{BESIDE_A_FAILURE, Evidence, Purpose, Run, UpstreamCall};

use super::{assert_fails, with};

/// The answer's evidence, with a change of each request during which httpbin failed a call.
fn with_failures(change: impl Fn(&mut Run, usize)) -> Evidence {
    with(|evidence| {
        let run = &mut evidence.errors;
        let exchanges = run.exchanges.iter().enumerate();
        let failures: Vec<usize> = exchanges
            .filter(|(_, exchange)| exchange.purpose == Purpose::UpstreamFails)
            .map(|(index, _)| index)
            .collect();
        assert_eq!(failures.len(), 3, "httpbin fails the first call, and two of the concurrent ones");
        failures.into_iter().for_each(|index| change(run, index));
    })
}

#[test]
fn a_request_that_waits_for_the_other_calls_after_a_failure_is_reported() {
    let wait = u64::try_from(BESIDE_A_FAILURE.as_nanos()).unwrap();
    let wrong = with_failures(|run, index| run.exchanges[index].answered += wait);
    assert_fails("run", &wrong, "stop waiting for the others, and cancel them: tokio::try_join!");
}

#[test]
fn a_call_that_is_made_again_after_a_failure_is_reported() {
    let is_failed = |index| move |call: &&UpstreamCall| call.exchange == Some(index) && call.status >= 400;
    let repeated = with_failures(|run, index| {
        let mut again = run.upstream.iter().find(is_failed(index)).unwrap().clone();
        again.status = 200;
        run.upstream.push(again);
    });
    assert_fails("run", &repeated, "If a call fails, the request fails, and the call is not made again");
}
