//! The judge of a game day, on telemetry that is built here: services with too little instrumentation, and
//! answers at the edges. `tests/up/game_day.rs` plays whole game days.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use otlp::model::{Span, now};
use serde_json::{Value, json};
use workshop::gameday::answer::{Answer, Since};
use workshop::gameday::evidence::Evidence;
use workshop::gameday::judge::{Finding, Judgement};
use workshop::gameday::{Fault, GameDay, Plan};
use workshop::steps::{Lang, Steps};

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLISECOND;
/// The seed whose endpoint is `/post`.
const SEED: u64 = 5;

/// A service whose telemetry is built, and the game day around it.
struct Game {
    game: GameDay,
    began: u64,
}

impl Game {
    /// A game day on which `fault` has just begun.
    async fn begun(fault: Fault) -> Self {
        let game = GameDay::new(Plan::draw(Some(fault), SEED, Duration::ZERO..=Duration::ZERO));
        game.begin().await;
        let began = game.began().unwrap();
        assert_eq!(game.plan.endpoint, "/post", "another seed is needed");
        Self { game, began }
    }

    fn judge(&self, what: Fault, place: &str, since: u64, spans: &[Span]) -> Judgement {
        let since = Since { text: String::new(), times: vec![since] };
        let answer = Answer { what, place: place.to_owned(), since, lang: "en".to_owned() };
        let spans = spans.iter().cloned().map(Arc::new).collect();
        self.game.judge(&answer, &Evidence::new(spans))
    }
}

/// A span of the trace with this number.
struct Shape {
    trace: u64,
    id: u64,
    parent: u64,
    service: &'static str,
    name: &'static str,
    /// OTLP's number: 2 is SERVER, 3 CLIENT.
    kind: u8,
    start: u64,
    milliseconds: u64,
    attributes: Value,
}

fn span(shape: Shape) -> Span {
    let attributes: Vec<Value> = shape
        .attributes
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, value)| json!({ "key": key, "value": { "stringValue": value } }))
        .collect();
    let resource = json!([{ "key": "service.name", "value": { "stringValue": shape.service } }]);
    let parent = if shape.parent == 0 { String::new() } else { format!("{:016x}", shape.parent) };
    let json = json!({ "resourceSpans": [{ "resource": { "attributes": resource }, "scopeSpans": [{ "spans": [{
        "traceId": format!("{:032x}", shape.trace),
        "spanId": format!("{:016x}", shape.id),
        "parentSpanId": parent,
        "name": shape.name,
        "kind": shape.kind,
        "startTimeUnixNano": shape.start.to_string(),
        "endTimeUnixNano": (shape.start + shape.milliseconds * MILLISECOND).to_string(),
        "attributes": attributes,
    }] }] }] });
    otlp::decode_json(json).unwrap().spans.remove(0)
}

/// A request, its call of `/post` with httpbin's span, and its query, which take this long, and a short call
/// of `/put`.
fn request(number: u64, start: u64, call: u64, query: u64) -> Vec<Span> {
    let (trace, id) = (number + 1, (number + 1) * 16);
    let url = json!({ "url.full": "http://127.0.0.1:8081/post" });
    let served = json!({ "url.path": "/post", "http.route": "/post" });
    let database = json!({ "db.system.name": "sqlite", "db.query.summary": "SELECT users" });
    let shape = |id, parent, service, name, kind, milliseconds, attributes| {
        span(Shape { trace, id, parent, service, name, kind, start, milliseconds, attributes })
    };
    vec![
        shape(id, 0, "handson", "GET /handson", 2, call + query, json!({ "http.route": "/handson" })),
        shape(id + 1, id, "handson", "POST", 3, call, url),
        shape(id + 2, id + 1, "httpbin", "POST /post", 2, call, served),
        shape(id + 3, id, "handson", "SELECT users", 3, query, database),
        shape(id + 4, id, "handson", "PUT", 3, 50, json!({ "url.full": "http://127.0.0.1:8081/put" })),
        shape(id + 5, id + 4, "httpbin", "PUT /put", 2, 50, json!({ "url.path": "/put" })),
    ]
}

/// Ten requests before `began`, and ten after it whose queries and calls take this long.
fn requests(began: u64, call: u64, query: u64) -> Vec<Span> {
    let before = (0..10).flat_map(|number| request(number, began - (30 - number) * SECOND, 50, 1));
    let after = (0..10).flat_map(|number| request(10 + number, began + number * SECOND, call, query));
    before.chain(after).collect()
}

#[track_caller]
fn findings(judgement: Judgement) -> [Finding; 3] {
    match judgement {
        Judgement::Judged { what, place, since, .. } => [what, place, since],
        Judgement::NotShown(note) => panic!("it is not shown: {note}"),
    }
}

#[track_caller]
fn note(judgement: Judgement) -> String {
    match judgement {
        Judgement::NotShown(note) => note.to_string(),
        Judgement::Judged { .. } => panic!("it is shown: {judgement:?}"),
    }
}

#[tokio::test]
async fn a_service_without_a_signal_gets_the_step_that_gives_it() {
    type Kept = fn(&Span) -> bool;
    let no_query: Kept = |span| span.name != "SELECT users";
    let no_call: Kept = |span| span.name != "POST" && span.name != "PUT";
    let no_httpbin: Kept = |span| span.service() != "httpbin";
    let root = workshop_root();
    let steps = Steps::load(&root).unwrap();
    for (fault, kept, signal, step) in [
        (Fault::SlowQuery, no_query, "spans of the queries", "db-spans"),
        (Fault::SlowUpstream, no_call, "spans of the calls of httpbin", "client-spans"),
        (Fault::SlowUpstream, no_httpbin, "spans of httpbin itself", "server-spans"),
        (Fault::Pool, no_httpbin, "spans of httpbin itself", "server-spans"),
        (Fault::RetryStorm, no_call, "spans of the calls of httpbin", "client-spans"),
        (Fault::LostContext, no_httpbin, "spans of httpbin itself", "server-spans"),
        (Fault::ClockSkew, no_call, "spans of the calls of httpbin", "client-spans"),
        (Fault::FlakyUpstream, no_call, "spans of the calls of httpbin", "client-spans"),
    ] {
        let game = Game::begun(fault).await;
        let spans: Vec<Span> = requests(game.began, 50, 1).into_iter().filter(kept).collect();
        let note = note(game.judge(fault, "httpbin", game.began, &spans));
        assert!(
            note.contains(&format!("it has no {signal}. The step {step} gives them")),
            "{fault:?}: {note}"
        );
        steps.find(step).unwrap();

        // The fault is another one, and shows; the answer is about something that is not instrumented.
        if fault != Fault::SlowQuery {
            let game = Game::begun(Fault::SlowQuery).await;
            let spans: Vec<Span> = requests(game.began, 50, 900).into_iter().filter(kept).collect();
            let [what, ..] = findings(game.judge(fault, "SELECT users", game.began, &spans));
            let text = what.text.to_string();
            assert!(!what.right && text.contains(signal) && text.contains(step), "{fault:?}: {text}");
        }
    }
}

#[tokio::test]
async fn calls_that_were_never_linked_to_httpbin_get_the_step_that_links_them() {
    let game = Game::begun(Fault::LostContext).await;
    let mut spans = requests(game.began, 50, 1);
    for served in spans.iter_mut().filter(|span| span.service() == "httpbin") {
        served.parent_span_id = None;
    }
    // Their context is lost from the beginning, so nobody can see that it is lost now.
    let note = note(game.judge(Fault::LostContext, "POST", game.began, &spans));
    assert!(note.contains("below the spans of the calls. The step client-spans gives them"), "{note}");
}

#[tokio::test]
async fn a_fault_that_does_not_show_yet_is_not_given_away() {
    let game = GameDay::new(Plan::draw(Some(Fault::SlowQuery), SEED, Duration::ZERO..=Duration::ZERO));
    let well = Game { began: now(), game };
    let before = note(well.judge(Fault::SlowQuery, "sqlite", well.began, &requests(well.began, 50, 1)));
    let begun = Game::begun(Fault::SlowQuery).await;
    let after = note(begun.judge(Fault::SlowQuery, "sqlite", begun.began, &requests(begun.began, 50, 1)));
    assert_eq!(before, after);
    assert!(before.contains("unusual yet: 20 requests, 0 of them failed"), "{before}");
}

#[tokio::test]
async fn a_right_answer_reveals_the_fault_and_a_partly_right_one_does_not() {
    let game = Game::begun(Fault::SlowQuery).await;
    let spans = requests(game.began, 50, 900);
    let judged = game.judge(Fault::SlowQuery, "select USERS", game.began, &spans);
    let Judgement::Judged { reveal, .. } = &judged else { panic!("{judged:?}") };
    let english: String = reveal.iter().map(|message| message.in_lang(Lang::En)).collect();
    let japanese: String = reveal.iter().map(|message| message.in_lang(Lang::Ja)).collect();
    assert!(
        english.contains("slow-query since ") && english.contains(&format!("(seed {SEED})")),
        "{english}"
    );
    assert!(japanese.contains("ロック"), "{japanese}");
    let right = findings(judged.clone());
    assert!(right.iter().all(|finding| finding.right && finding.trace.is_none()), "{right:?}");
    for (what, place, since) in [
        (Fault::Pool, "SELECT users", game.began),
        (Fault::SlowQuery, "POST", game.began),
        (Fault::SlowQuery, "SELECT users", game.began - 20 * SECOND),
    ] {
        let judged = game.judge(what, place, since, &spans);
        let Judgement::Judged { reveal, .. } = &judged else { panic!("{judged:?}") };
        assert!(reveal.is_empty(), "{what:?} at {place}: {reveal:?}");
        assert_eq!(findings(judged).iter().filter(|finding| finding.right).count(), 2, "{what:?} at {place}");
    }
}

#[tokio::test]
async fn since_may_be_ten_seconds_off_and_no_more() {
    let game = Game::begun(Fault::SlowQuery).await;
    let spans = requests(game.began, 50, 900);
    let since = |time: u64| {
        let [_, _, since] = findings(game.judge(Fault::SlowQuery, "sqlite", time, &spans));
        (since.right, since.text.to_string(), since.trace)
    };
    assert!(since(game.began - 9 * SECOND).0 && since(game.began + 9 * SECOND).0);
    let (right, text, trace) = since(game.began + 12 * SECOND);
    // The trace is the last one with a slow query before that time, not the first of all.
    assert!(!right && text.contains("shown before"), "{text}");
    assert_eq!(trace, Some(format!("{:032x}", 20)));
    let (right, text, trace) = since(game.began - 25 * SECOND);
    assert!(!right && text.contains("nothing in it is unusual"), "{text}");
    assert_eq!(trace, Some(format!("{:032x}", 6)));
    let (right, text, trace) = since(game.began - 11 * SECOND);
    assert!(!right && text.contains("nothing had arrived") && trace.is_none(), "{text}: {trace:?}");
}

#[tokio::test]
async fn every_fault_that_is_not_there_is_contradicted_with_a_number_and_a_trace() {
    for fault in Fault::value_variants() {
        let other = if *fault == Fault::SlowQuery { Fault::SlowUpstream } else { Fault::SlowQuery };
        let game = Game::begun(other).await;
        let spans = match other {
            Fault::SlowQuery => requests(game.began, 50, 900),
            _ => requests(game.began, 900, 1),
        };
        let [what, ..] = findings(game.judge(*fault, "handson", game.began, &spans));
        let text = what.text.to_string();
        assert!(!what.right && text.bytes().any(|byte| byte.is_ascii_digit()), "{fault:?}: {text}");
        assert!(what.trace.is_some(), "{fault:?}: {text}");
        assert_ne!(what.text.in_lang(Lang::Ja), text, "{fault:?}");
    }
}

/// A text without its numbers.
fn without_numbers(text: &str) -> String {
    text.split_inclusive(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .map(|part| part.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '.'))
        .collect()
}

#[tokio::test]
async fn the_chapter_quotes_what_the_judge_says() {
    let game = Game::begun(Fault::SlowUpstream).await;
    let spans = requests(game.began, 900, 1);
    let wrong = findings(game.judge(Fault::Pool, "httpbin", game.began - 25 * SECOND, &spans));
    for (code, lang) in [("en", Lang::En), ("ja", Lang::Ja)] {
        let file = workshop_root().join("workshop/guide").join(code).join("14-game-day.md");
        let chapter = without_numbers(&std::fs::read_to_string(file).unwrap());
        for finding in &wrong {
            let text = without_numbers(&finding.text.in_lang(lang));
            assert!(chapter.contains(&text), "{code}: the chapter should quote {text:?}");
        }
        for fault in Fault::value_variants() {
            assert!(chapter.contains(&format!("| `{}` |", fault.name())), "{code}: {fault:?}");
        }
    }
}

fn workshop_root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
