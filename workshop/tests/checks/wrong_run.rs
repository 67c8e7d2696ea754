//! Mistakes of the program itself, for step 0.

use workshop::evidence::{BESIDE_A_FAILURE, Evidence, Purpose, Run, Unusual, UpstreamCall};

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
        assert_eq!(failures.len(), 5, "httpbin fails the first call, and two of the concurrent ones");
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
    let again = |count: usize| {
        with_failures(|run, index| {
            let mut again = run.upstream.iter().find(is_failed(index)).unwrap().clone();
            if again.method != "GET" && count == 1 {
                return;
            }
            (again.status, again.arrived) = (200, again.answered + 1);
            run.upstream.extend(std::iter::repeat_n(again, count));
        })
    };
    assert_fails("run", &again(2), "and the call is not made again");
    // A second GET may also be the next call.
    assert_fails("run", &again(1), "a call that fails ends the request");
}

#[test]
fn a_failed_call_that_is_ignored_or_answered_with_another_status_is_reported() {
    for (status, words) in [(200, "and the request 200"), (502, "and the request 502")] {
        let wrong = with_failures(|run, index| run.exchanges[index].answer.as_mut().unwrap().status = status);
        assert_fails("run", &wrong, words);
    }
    for (kind, words) in [
        (Unusual::UpstreamBreaks, "while httpbin closes the connection: 502"),
        (Unusual::UpstreamRefuses, "while httpbin refuses connections: 502"),
    ] {
        let wrong = with(|evidence| {
            let index = evidence.unusual.unusual(kind).unwrap().0;
            evidence.unusual.exchanges[index].answer.as_mut().unwrap().status = 502;
        });
        assert_fails("run", &wrong, words);
    }
}
