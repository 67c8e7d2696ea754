//! Invalid thresholds are rejected.

use crate::support::program::Setup;
use crate::support::start_target;
use upstream::Reaction;

/// An invalid threshold, and words of the message.
const REFUSED: &[(&str, &[&str])] = &[
    ("nonsense:rate<1", &["'nonsense'", "http_req_duration", "dropped_iterations", "vus_max"]),
    ("http_req_duration{status:200}:avg<1", &["http_req_duration{expected_response:true}"]),
    ("http_req_duration:p95<200", &["'p95'", "avg, min, med, max, p(N)"]),
    ("http_req_duration:rate<200", &["'rate'", "avg, min, med, max, p(N)"]),
    ("http_req_failed:p(95)<200", &["'p(95)'", "expected rate"]),
    ("checks:count>5", &["'count'", "expected rate"]),
    ("http_reqs:avg>5", &["'avg'", "expected count, rate"]),
    ("vus_max:max<3", &["'max'", "expected value"]),
    ("http_req_duration:p(101)<200", &["'p(101)'", "from 0 to 100"]),
    ("http_req_duration:p(-1)<200", &["'p(-1)'", "from 0 to 100"]),
    ("http_req_duration:p(NaN)<200", &["'p(NaN)'", "from 0 to 100"]),
    ("http_req_duration:p()<200", &["'p()'", "from 0 to 100"]),
    ("http_req_duration:p(95)<", &["number", "p(95)<200"]),
    ("http_req_duration:p(95)<fast", &["'fast'", "p(95)<200"]),
    ("http_req_duration:p(95)<NaN", &["'NaN'", "p(95)<200"]),
    ("http_req_duration:p(95)=<200", &["'p(95)='", "p(N)"]),
    ("http_req_duration:p(95)<>200", &["'>200'", "p(95)<200"]),
    ("http_req_duration:p(95)", &["p(95)<200"]),
    ("http_req_duration:<200", &["''", "avg, min, med, max"]),
    ("http_req_duration", &["p(95)<200"]),
    ("p(95)<200", &["p(95)<200"]),
    ("", &["p(95)<200"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_threshold_is_refused_before_any_request() {
    let target = start_target(|_| Reaction::Answer);
    for (threshold, words) in REFUSED {
        let setup = Setup::new("--duration 1s").argument("--url", &target.url("/handson"));
        let ended = setup.argument("--threshold", threshold).run().await;
        ended.assert_code(2);
        assert!(ended.output.stdout.is_empty());
        let message = ended.output.stderr.join("\n");
        assert!(message.contains(&format!("'{threshold}'")), "it names the value `{threshold}`: {message}");
        for word in *words {
            assert!(message.contains(word), "`{word}` is not in: {message}");
        }
    }
    assert_eq!(target.connections(), 0, "not even a health check was sent");
}
