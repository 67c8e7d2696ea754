//! A game day: each fault is found with the console alone, and the judge refuses every other answer.

use std::process::{Command, Output};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use super::{Up, root, within};

/// Time from the start of the service to the start of the fault. It is longer than the judge's tolerance, so
/// that an answer can be too early.
const AFTER: &str = "16s";
/// More than the judge's tolerance of 10 s, and what the first trace may differ from the start of the fault.
const TOO_FAR: u64 = 14 * SECOND;
/// Requests per second: all game days run at once.
const RATE: &str = "3";
const SOON: Duration = Duration::from_secs(60);
const SECOND: u64 = 1_000_000_000;

/// How a fault is found, and which answers are right and wrong.
struct Fault {
    name: &'static str,
    seed: u64,
    /// The search in the list of traces that finds it.
    search: &'static str,
    right_places: &'static [&'static str],
    /// With a part of the message that refuses each.
    wrong_places: &'static [(&'static str, &'static str)],
}

/// Places that contain more than any fault, or do not exist.
const ALWAYS_WRONG: [(&str, &str); 3] = [
    ("GET /handson", "only contains it"),
    ("handson.sleep50microsec", "shows it"),
    ("nowhere", "no span belongs"),
];

/// The seeds choose the endpoint `/post`, and clocks that are ahead and behind.
const FAULTS: [Fault; 8] = [
    Fault {
        name: "slow-query",
        seed: 1,
        search: "db.system.name~\"\" duration>250ms",
        right_places: &["SELECT users", "handson.dbQuery", "sqlite"],
        wrong_places: &[("httpbin", "shows it"), ("handson", "nothing is unusual")],
    },
    Fault {
        name: "slow-upstream",
        seed: 2,
        search: "service=httpbin kind=server duration>400ms",
        right_places: &["POST", "POST /post", "/post"],
        wrong_places: &[("PUT", "shows it"), ("httpbin", "nothing is unusual")],
    },
    Fault {
        name: "pool",
        seed: 3,
        search: "service=handson kind=client url.full~\"\" duration>400ms",
        right_places: &["httpbin"],
        wrong_places: &[("GET", "outside of 'GET'"), ("handson", "nothing is unusual")],
    },
    Fault {
        name: "retry-storm",
        seed: 4,
        search: "trace.spans>13",
        right_places: &["POST", "POST /post", "/post"],
        wrong_places: &[("PUT", "shows it"), ("httpbin", "nothing is unusual")],
    },
    Fault {
        name: "lost-context",
        seed: 5,
        search: "service=httpbin -service=handson",
        right_places: &["POST", "POST /post", "/post"],
        wrong_places: &[("PUT", "shows it"), ("handson", "nothing is unusual")],
    },
    Fault {
        name: "clock-skew",
        seed: 6,
        search: "trace.duration>5s service=handson kind=server",
        right_places: &["httpbin"],
        wrong_places: &[("handson", "only contains it"), ("PUT /put", "outside of 'PUT /put'")],
    },
    Fault {
        name: "clock-skew",
        seed: 5,
        search: "trace.duration>5s service=handson kind=server",
        right_places: &["httpbin"],
        wrong_places: &[("SELECT users", "shows it"), ("GET /get", "outside of 'GET /get'")],
    },
    Fault {
        name: "flaky-upstream",
        seed: 8,
        search: "http.response.status_code=503",
        right_places: &["POST", "/post"],
        wrong_places: &[("httpbin", "shows it"), ("PUT", "shows it")],
    },
];

/// What the judge measures to contradict each fault.
fn contradiction(what: &str) -> &'static str {
    match what {
        "slow-query" => "of 10 queries take at most",
        "slow-upstream" => "of 10 spans of httpbin itself take at most",
        "pool" => "of 10 calls take at most",
        "retry-storm" => "calls have more than one span of httpbin",
        "lost-context" => "spans of httpbin have no parent",
        "clock-skew" => "spans of httpbin began before or after the span of their call",
        "flaky-upstream" => "calls of httpbin were answered with a 5xx",
        other => panic!("{other}"),
    }
}

fn json_of(up: &Up, path: &str, query: &[(&str, &str)]) -> Value {
    let mut curl = Command::new("curl");
    curl.args(["-s", "--get", "-H", "accept: application/json", &format!("{}{path}", up.url)]);
    for (name, value) in query {
        curl.args(["--data-urlencode", &format!("{name}={value}")]);
    }
    serde_json::from_slice(&curl.output().unwrap().stdout).unwrap()
}

/// From when on a search finds traces again and again: single slow requests are usual on a busy machine. The
/// newest traces are left out, because their spans are still arriving, and so are those before `warm`.
fn since(up: &Up, search: &str, warm: u64) -> Option<u64> {
    let found = json_of(up, "/traces", &[("q", search), ("last", "all")]);
    let traces = found["traces"].as_array().unwrap_or_else(|| panic!("{search}: {found}"));
    let starts =
        traces.iter().map(|trace| trace["start_unix_nano"].as_str().unwrap().parse::<u64>().unwrap());
    let is_complete = |start: &u64| *start >= warm && start + 3 * SECOND < otlp::model::now();
    let mut starts: Vec<u64> = starts.filter(is_complete).collect();
    starts.sort_unstable();
    starts.windows(3).find(|three| three[2] - three[0] < 5 * SECOND).map(|three| three[0])
}

fn requests(up: &Up) -> u64 {
    let services = json_of(up, "/services", &[]);
    let service = services["services"].as_array().unwrap().iter().find(|one| one["service"] == "handson");
    service.and_then(|service| service["requests"].as_u64()).unwrap_or_default()
}

fn answer(up: &Up, what: &str, place: &str, since: u64) -> Output {
    let time = UNIX_EPOCH + Duration::from_nanos(since);
    let since = humantime::format_rfc3339_seconds(time).to_string();
    let arguments = ["gameday", "--lang", "en", "--console", &up.url];
    let answer = ["--what", what, "--where", place, "--since", &since];
    Command::new(env!("CARGO_BIN_EXE_workshop"))
        .args(arguments)
        .args(answer)
        .current_dir(root())
        .output()
        .unwrap()
}

/// The answer is refused with `message` about `part`, and the other parts are right.
#[track_caller]
fn refused(up: &Up, answered: (&str, &str, u64), part: &str, message: &str) {
    let output = answer(up, answered.0, answered.1, answered.2);
    let text = String::from_utf8(output.stdout).unwrap();
    let judged = format!("{answered:?} should be refused because of {part} with {message:?}:\n{text}");
    assert_eq!(output.status.code(), Some(1), "{judged}");
    let (_, refused) = text.split_once(&format!("✗ {part}")).unwrap_or_else(|| panic!("{judged}"));
    let mut lines = refused.lines().skip(1);
    assert!(lines.next().unwrap().contains(message), "{judged}");
    assert_eq!((text.matches('✗').count(), text.matches('✓').count()), (1, 2), "{judged}");
    assert!(!text.contains("(seed "), "it is revealed before it is found: {judged}");
    // Only a place that does not exist has no trace.
    if message != "no span belongs" {
        let trace = lines.next().unwrap().trim();
        let fetch = ["-s", "-o", "/dev/null", "-w", "%{http_code}", trace];
        let status = Command::new("curl").args(fetch).output().unwrap();
        assert_eq!(String::from_utf8(status.stdout).unwrap(), "200", "{judged}");
    }
}

fn play(fault: &Fault) {
    let seed = fault.seed.to_string();
    let up =
        Up::start(&root(), &["--fault", fault.name, "--seed", &seed, "--fault-after", AFTER, "--rate", RATE]);
    let name = fault.name;

    within(SOON, "requests arrive", || requests(&up) >= 8);
    let warm = otlp::model::now();
    within(SOON, "more requests arrive", || requests(&up) >= 24);
    assert_eq!(since(&up, fault.search, warm), None, "{name}: it shows before it begins");
    assert_eq!(json_of(&up, "/", &[])["clocks"], Value::Array(Vec::new()), "{name}");
    let early = answer(&up, name, fault.right_places[0], otlp::model::now());
    let text = String::from_utf8(early.stdout).unwrap();
    assert!(text.starts_with("Nothing in the telemetry is unusual yet:"), "{name}: {text}");
    assert!(text.contains(" 0 of them failed"), "{name}: {text}");
    assert_eq!(early.status.code(), Some(1), "{name}");

    within(SOON, &format!("{name} shows"), || since(&up, fault.search, warm).is_some());
    let since = since(&up, fault.search, warm).unwrap();
    for place in fault.right_places {
        let right = answer(&up, name, place, since);
        let text = String::from_utf8(right.stdout).unwrap();
        assert_eq!(right.status.code(), Some(0), "{name} at {place}: {text}");
        assert!(
            text.contains(&format!("{name} since ")) && text.contains(&format!("(seed {seed})")),
            "{text}"
        );
        assert!(
            text.contains(&format!("  search    {}\n", fault.search)),
            "the search that has found it: {text}"
        );
    }
    let place = fault.right_places[0];
    for other in FAULTS.iter().filter(|other| other.name != name) {
        refused(&up, (other.name, place, since), "what", contradiction(other.name));
    }
    for (wrong, message) in fault.wrong_places.iter().chain(&ALWAYS_WRONG) {
        // These faults are in spans or traces that have nothing to do with the request's own span.
        let is_elsewhere = *wrong == "GET /handson" && name == "lost-context";
        refused(&up, (name, wrong, since), "where", if is_elsewhere { "" } else { message });
    }
    refused(&up, (name, place, since - TOO_FAR), "since", "nothing in it is unusual");
    refused(&up, (name, place, since + TOO_FAR), "since", "it has shown before");
}

/// All at once, because most of the time is spent waiting.
#[test]
#[ignore = "builds the service"]
fn every_fault_is_found_with_the_console_and_every_other_answer_is_refused() {
    std::thread::scope(|scope| {
        let games: Vec<_> = FAULTS.iter().map(|fault| scope.spawn(|| play(fault))).collect();
        let failed = games.into_iter().filter_map(|game| game.join().err()).count();
        assert_eq!(failed, 0, "of {} faults; the messages are above", FAULTS.len());
    });
}
