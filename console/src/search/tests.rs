#![allow(clippy::unwrap_used, reason = "a test that cannot continue should panic")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::{Search, SearchError, Target, TraceSpans, with_terms};
use crate::store::Store;
use otlp::model::{
    Attributes, Dropped, Event, LogRecord, Scope, Span, SpanKind, StatusCode, Telemetry, Value,
};

fn attributes(pairs: &[(&str, Value)]) -> Attributes {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

/// A SERVER span of 150 ms that failed.
fn span() -> Span {
    Span {
        resource: Arc::new(attributes(&[("service.name", "shop".into()), ("host.name", "Laptop".into())])),
        scope: Arc::new(Scope {
            attributes: attributes(&[("scope.key", "inner".into())]),
            ..Scope::default()
        }),
        trace_id: "5b8efff798038103d269b633813fc60c".to_owned(),
        span_id: "00000000000000a1".to_owned(),
        parent_span_id: None,
        trace_state: String::new(),
        flags: 1,
        name: "GET /cart".to_owned(),
        kind: SpanKind::Server,
        start: 1_000_000_000,
        end: 1_150_000_000,
        attributes: attributes(&[
            ("http.response.status_code", 503.into()),
            ("text.number", "42".into()),
            ("ratio", Value::Double(0.5)),
            ("large", Value::Int(9_007_199_254_740_993)),
            ("retried", Value::Bool(true)),
            ("tags", Value::Array(vec!["a".into(), "b".into()])),
            ("db.query.text", "SELECT \"name\" FROM users (all)".into()),
        ]),
        events: vec![Event {
            time: 1_100_000_000,
            name: "exception".to_owned(),
            attributes: attributes(&[("exception.message", "No Route to Host".into())]),
        }],
        links: Vec::new(),
        dropped: Dropped::default(),
        status: StatusCode::Error,
        status_message: "Überlastet".to_owned(),
    }
}

fn record() -> LogRecord {
    LogRecord {
        resource: Arc::new(attributes(&[("service.name", "shop".into())])),
        scope: Arc::default(),
        time: 1,
        observed: 0,
        severity_number: 14,
        severity_text: "WARN".to_owned(),
        body: "Payment refused".into(),
        attributes: attributes(&[("user.id", 7.into()), ("status", 500.into())]),
        trace_id: Some("5b8efff798038103d269b633813fc60c".to_owned()),
        span_id: None,
        event_name: "payment".to_owned(),
    }
}

fn finds(text: &str, spans: &[Arc<Span>]) -> bool {
    Search::parse(text, Target::Traces).unwrap_or_else(|error| panic!("{text}: {error:?}")).finds_trace(spans)
}

#[test]
fn spans_are_found_by_words_keys_numbers_durations_and_quoted_values() {
    let trace = [Arc::new(span())];
    for found in [
        "",
        "  ",
        "cart",
        "CART get",
        "\"get /CART\"",
        "überlastet",
        "ÜBERL",
        "\"no route\"",
        "service=shop",
        "service.name=shop",
        "host.name=Laptop",
        "host.name~lap",
        "scope.key=inner",
        "exception.message~ROUTE",
        "http.response.status_code>=500",
        "http.response.status_code=503",
        "http.response.status_code=503.0",
        "http.response.status_code!=200",
        "http.response.status_code<504 http.response.status_code>502",
        "http.response.status_code~50",
        "text.number>41 text.number<=42",
        "text.number=42",
        "ratio=0.50 ratio<1 ratio>-1",
        "large=9007199254740993 large>9007199254740992",
        "retried=true",
        "tags~\"b\"",
        "db.query.text=\"SELECT \\\"name\\\" FROM users (all)\"",
        "duration>100ms duration<=150ms duration=150ms duration!=1s duration<0.2s duration<\"1m 30s\"",
        "trace.duration>=150ms trace.spans=1",
        "status=error status!=ok status=ERROR",
        "kind=server",
        "trace_id=5B8EFFF798038103D269B633813FC60C span_id=00000000000000a1",
        "name=\"GET /cart\" name~get name!=GET",
        "message~last",
        "a OR cart",
        "nowhere OR (cart kind=server)",
        "-nowhere NOT kind=client",
        "-(cart kind=client)",
        "(cart OR nowhere) AND -status=ok",
        "cart AND (kind=client OR kind=server)",
        "missing~x OR host.name~\"\"",
        "host.name~\"\" -missing~\"\"",
    ] {
        assert!(finds(found, &trace), "{found}");
    }
    for not_found in [
        "nowhere",
        "cart nowhere",
        "service=sho",
        "host.name=laptop",
        "http.response.status_code>503",
        "http.response.status_code=50",
        "missing!=1",
        "missing>1",
        "host.name>1",
        "large=9007199254740992",
        "duration>150ms",
        "duration<150ms",
        "trace.spans>1",
        "status=ok",
        "kind=client",
        "-cart",
        "--nowhere",
        "-missing~\"\" nowhere",
        "NOT (cart OR nowhere)",
        "nowhere OR kind=client OR missing=1",
        "cart (nowhere OR kind=client)",
        "\"OR\"",
        "or",
    ] {
        assert!(!finds(not_found, &trace), "{not_found}");
    }
}

#[test]
fn one_span_must_match_all_terms_and_a_negated_term_excludes_the_trace() {
    let server = Span { name: "GET /health".to_owned(), ..span() };
    let query = Span {
        name: "SELECT".to_owned(),
        kind: SpanKind::Client,
        status: StatusCode::Unset,
        span_id: "00000000000000a2".to_owned(),
        end: 1_010_000_000,
        ..span()
    };
    let trace = [Arc::new(server), Arc::new(query)];
    for (text, found) in [
        ("health kind=server", true),
        ("health kind=client", false),
        ("kind=client duration<20ms", true),
        ("kind=client duration>20ms", false),
        ("kind=client trace.duration>20ms trace.spans=2", true),
        ("kind=client -name~health", false),
        ("-status=error", false),
        ("-status=ok", true),
        ("kind=client (status=unset -name~health)", false),
        ("kind=client (nowhere OR -name~health)", true),
    ] {
        assert_eq!(finds(text, &trace), found, "{text}");
    }
    // In the page of a trace, each span is judged alone.
    let search = Search::parse("-name~health", Target::Traces).unwrap();
    let all = TraceSpans::new(&trace);
    assert_eq!([0, 1].map(|at| search.finds_span(&all, &trace[at])), [false, true]);
}

#[test]
fn log_records_are_found_by_level_message_and_fields() {
    for (text, found) in [
        ("payment", true),
        ("message~refused", true),
        ("message=\"Payment refused\"", true),
        ("name=payment", true),
        ("level=warn", true),
        ("level>=warn level<error level!=info", true),
        ("level>warn", false),
        ("level<=info", false),
        ("severity>=14 severity<15", true),
        ("level>14", false),
        ("status=500", true),
        ("status>=400", true),
        ("user.id=7 service=shop", true),
        ("7", true),
        ("trace_id=5b8efff798038103d269b633813fc60c", true),
        ("span_id~\"\"", false),
        ("-refused", false),
        ("-level>=error", true),
    ] {
        let search = Search::parse(text, Target::Logs).unwrap();
        assert_eq!(search.finds_log_record(&record()), found, "{text}");
    }
    let unknown = LogRecord { severity_number: 0, ..record() };
    assert!(!Search::parse("level<error", Target::Logs).unwrap().finds_log_record(&unknown));
}

#[test]
fn errors_are_found_by_service_type_message_count_and_trace() {
    let mut failed = span();
    failed.events[0].attributes = attributes(&[
        ("exception.type", "Timeout".into()),
        ("exception.message", "no answer after 7ms".into()),
        ("exception.stacktrace", "at pay".into()),
    ]);
    let mut store = Store::new(16 * 1024 * 1024);
    store.add(Telemetry { spans: vec![failed], ..Telemetry::default() }, 1_200_000_000);
    for (text, found) in [
        ("answer", true),
        ("timeout", true),
        ("type=Timeout message~after service=shop count=1", true),
        ("exception.type=Timeout exception.message~answer exception.stacktrace~pay", true),
        ("trace_id=5b8efff798038103d269b633813fc60c", true),
        ("type=Other", false),
        ("count>1", false),
        ("-type~time", false),
    ] {
        let search = Search::parse(text, Target::Errors).unwrap();
        assert_eq!(search.finds_error(store.errors.groups()[0]), found, "{text}");
    }
}

#[test]
fn a_mistake_is_reported_with_its_place_and_what_is_allowed() {
    let long = "x".repeat(2_001);
    let many = "x ".repeat(51);
    let (nested, negated) = ("(".repeat(1_000), "-".repeat(1_000) + "x");
    for (target, text, at, found, expected) in [
        (Target::Traces, "service=shop status=bad", 21, "bad", "ok, error or unset"),
        (Target::Traces, "検索 duration>soon", 13, "soon", "a duration, such as 100ms or 2s"),
        (Target::Traces, "duration>100", 10, "100", "a duration, such as 100ms or 2s"),
        (Target::Traces, "duration~1s", 1, "duration~1s", "=, !=, <, <=, > or >= after this key"),
        (Target::Traces, "status>ok", 1, "status>ok", "= or != after this key"),
        (Target::Traces, "kind=any", 6, "any", "internal, server, client, producer or consumer"),
        (Target::Traces, "a->b", 4, "b", "a number, or quotation marks around the whole term"),
        (Target::Traces, "key=", 1, "key=", "a value after the operator, or two quotation marks"),
        (Target::Traces, "x =5", 3, "=", "a key before it, or quotation marks"),
        (Target::Traces, "x \"y", 3, "\"y", "a closing quotation mark"),
        (Target::Traces, "(a OR (b)", 1, "(", "a closing parenthesis for it, or quotation marks"),
        (Target::Traces, "a) b", 2, ")", "an opening parenthesis before it, or quotation marks"),
        (Target::Traces, "a OR", 3, "OR", super::parse::TERM),
        (Target::Traces, " OR a", 2, "OR", super::parse::TERM),
        (Target::Traces, "a AND OR b", 3, "AND", super::parse::TERM),
        (Target::Traces, "()", 1, "(", super::parse::TERM),
        (Target::Traces, "a NOT", 3, "NOT", super::parse::TERM),
        (Target::Traces, "a - b", 3, "-", super::parse::TERM),
        (Target::Traces, &long, 1, &long, "at most 2000 bytes"),
        (Target::Traces, &many, 101, "x", "at most 50 terms"),
        (Target::Traces, &nested, 22, "(", "at most 20 parentheses and negations in each other"),
        (Target::Traces, &negated, 22, "-", "at most 20 parentheses and negations in each other"),
        (Target::Logs, "level>=loud", 8, "loud", "trace, debug, info, warn, error, fatal or a number"),
        (Target::Errors, "count>few", 7, "few", "a number"),
    ] {
        let error = Search::parse(text, target).unwrap_err();
        assert_eq!(error, SearchError { at, found: found.to_owned(), expected }, "{text}");
    }
    let error = Search::parse("http.route=/", Target::Errors).unwrap_err();
    assert!(error.found == "http.route" && error.expected.contains("as key of an error"), "{error:?}");
}

#[test]
fn parameters_of_links_become_terms() {
    for (text, terms, expected) in [
        ("", vec![("name~", ""), ("status=", "")], ""),
        ("a b", vec![("status=", "error")], "a b status=error"),
        ("a OR b", vec![("status=", "error")], "(a OR b) status=error"),
        ("", vec![("name~", "a \"b\\c\"")], r#"name~"a \"b\\c\"""#),
    ] {
        assert_eq!(with_terms(text, &terms), expected);
    }
    let named = Span { name: r#"a "b\c""#.to_owned(), ..span() };
    assert!(finds(&with_terms("", &[("name=", &named.name)]), &[Arc::new(named)]));
}

/// A search as a tree, which is evaluated as simply as possible.
enum Naive {
    Word(String),
    Compare(&'static str, &'static str, String),
    Not(Box<Naive>),
    All(Vec<Naive>),
    Any(Vec<Naive>),
}

impl Naive {
    fn random(random: &mut StdRng, depth: u32) -> Self {
        let several = |random: &mut StdRng| {
            (0..random.random_range(2..4)).map(|_| Self::random(random, depth + 1)).collect()
        };
        match random.random_range(if depth < 4 { 0..8 } else { 0..4 }) {
            0 => Self::Word(
                (*["cart", "GET", "Route", "zz", "über", "t /c"].choose(random).unwrap()).to_owned(),
            ),
            1..4 => {
                let key =
                    ["name", "host.name", "http.response.status_code", "text.number", "ratio", "missing"];
                let operator = *["=", "!=", ">", ">=", "<", "<=", "~"].choose(random).unwrap();
                let values: &[&str] = if operator.starts_with(['<', '>']) {
                    &["42", "503", "0.5", "-1", "1e3"]
                } else {
                    &["42", "503", "0.5", "Laptop", "GET /cart", "lap", ""]
                };
                Self::Compare(
                    key.choose(random).unwrap(),
                    operator,
                    (*values.choose(random).unwrap()).to_owned(),
                )
            }
            4 => Self::Not(Box::new(Self::random(random, depth + 1))),
            5 => Self::Any(several(random)),
            _ => Self::All(several(random)),
        }
    }

    /// The text of the search; what is not needed, such as AND and parentheses, is there at random.
    fn text(&self, random: &mut StdRng) -> String {
        let joined = |random: &mut StdRng, all: &[Self], by: &[&str]| {
            let mut text = all[0].text(random);
            for other in &all[1..] {
                text += by.choose(random).unwrap();
                text += &other.text(random);
            }
            format!("({text})")
        };
        match self {
            Self::Word(word) if word.contains(' ') || random.random() => format!("\"{word}\""),
            Self::Word(word) => word.clone(),
            Self::Compare(key, operator, value)
                if value.is_empty() || value.contains(' ') || random.random() =>
            {
                format!("{key}{operator}\"{value}\"")
            }
            Self::Compare(key, operator, value) => format!("{key}{operator}{value}"),
            Self::Not(inner) => ["-", "NOT "].choose(random).unwrap().to_string() + &inner.text(random),
            Self::All(all) => joined(random, all, &[" ", "  ", " AND ", "\t"]),
            Self::Any(all) => joined(random, all, &[" OR ", "  OR\n"]),
        }
    }

    fn matches(&self, span: &Span) -> bool {
        match self {
            Self::Word(word) => {
                let message = span.events[0].attributes.text("exception.message").unwrap();
                let texts = [span.name.as_str(), &span.status_message, message];
                texts.iter().any(|text| text.to_lowercase().contains(&word.to_lowercase()))
            }
            Self::Compare(key, operator, expected) => {
                let value = match *key {
                    "name" => Some(Value::from(span.name.as_str())),
                    key => span.attributes.get(key).or(span.resource.get(key)).cloned(),
                };
                let Some(value) = value.map(|value| value.unquoted()) else { return false };
                let numbers = value.parse::<f64>().ok().zip(expected.parse::<f64>().ok());
                let order = numbers.and_then(|(value, expected)| value.partial_cmp(&expected));
                match *operator {
                    "=" => value == *expected,
                    "!=" => value != *expected,
                    "~" => value.to_lowercase().contains(&expected.to_lowercase()),
                    ">" => order.is_some_and(|order| order.is_gt()),
                    ">=" => order.is_some_and(|order| order.is_ge()),
                    "<" => order.is_some_and(|order| order.is_lt()),
                    _ => order.is_some_and(|order| order.is_le()),
                }
            }
            Self::Not(inner) => !inner.matches(span),
            Self::All(all) => all.iter().all(|term| term.matches(span)),
            Self::Any(all) => all.iter().any(|term| term.matches(span)),
        }
    }
}

#[test]
fn random_searches_find_what_a_naive_evaluation_finds() {
    let mut random = StdRng::seed_from_u64(7);
    let (mut found, mut not_found) = (0, 0);
    for _ in 0..20_000 {
        let naive = Naive::random(&mut random, 0);
        let text = naive.text(&mut random);
        match Search::parse(&text, Target::Traces) {
            Ok(search) => {
                let is_found = search.finds_trace(&[Arc::new(span())]);
                assert_eq!(is_found, naive.matches(&span()), "{text}");
                *(if is_found { &mut found } else { &mut not_found }) += 1;
            }
            Err(error) => assert_eq!(error.expected, "at most 50 terms", "{text}"),
        }
    }
    assert!(found > 4_000 && not_found > 4_000, "{found} {not_found}");
}

#[test]
fn random_texts_are_parsed_or_refused_with_a_place_in_the_text() {
    let mut random = StdRng::seed_from_u64(7);
    let pieces = [
        "(", ")", "-", "NOT", "OR", "AND", " ", "\"", "\\", "=", "!", ">", "<", "~", "key", "検", "1",
        "duration", "status",
    ];
    for _ in 0..50_000 {
        let text: String =
            (0..random.random_range(0..30)).map(|_| *pieces.choose(&mut random).unwrap()).collect();
        for target in [Target::Traces, Target::Logs, Target::Errors] {
            if let Err(error) = Search::parse(&text, target) {
                let rest: String = text.chars().skip(error.at - 1).collect();
                assert!(!error.found.is_empty() && rest.starts_with(&error.found), "{text}: {error:?}");
            }
        }
    }
}

#[test]
fn a_text_that_nearly_matches_everywhere_takes_linear_time() {
    let mut hostile = span();
    hostile.status_message = "a".repeat(4_000_000);
    let search = Search::parse(&format!("{}b", "a".repeat(1_900)), Target::Traces).unwrap();
    let started = Instant::now();
    assert!(!search.finds_trace(&[Arc::new(hostile)]));
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}
