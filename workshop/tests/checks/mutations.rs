//! Systematic mutations: one thing in the answer's evidence is changed, in one place or in all places. The
//! checks must notice each mutation, unless it is on the list of those that may pass, with the reason.

mod log_lines;
mod log_records;
mod metrics;
mod spans;
mod values;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use workshop::checks;
use workshop::evidence::{Evidence, Run};

use super::{advice, advice_of, recording};

/// The minimum percentage of mutations that must be noticed; the others are on the list.
const MIN_NOTICED: usize = 95;

/// Mutations that may pass: words that must all be in their description, and the reason.
const MAY_PASS: &[(&[&str], &str)] = &[
    (&["spans SELECT", "another value of db.query.text"], "the program chooses the form of the query"),
    (&["metric db", "db.query.summary"], "neither required nor recommended"),
    (&["another id"], "any id is right if no child and no line names it"),
    (&["handson.randomError", "ends at once"], "no I/O: it may take less than the resolution of the clock"),
    (&["another value of exception.stacktrace"], "the program chooses the text"),
    (&["lines handson", "handson.httpbin.url"], "a field that the program chooses"),
    (&["lines handson", "handson.telemetry"], "a field that the program chooses"),
    (&["another value of message"], "the program chooses the text"),
    (&["another body"], "the program chooses the text, outside a request"),
    (&["lines stopping", "not written"], "no line at the end is required"),
    (&["records handson", "not sent"], "logged before the exporter starts, a line has no record"),
    (&["records stopping", "not sent"], "logged after the exporter has ended, a line has no record"),
];

/// The steps that judge the two runs.
const STEPS: [&str; 9] = [
    "run",
    "structured-logs",
    "first-span",
    "server-spans",
    "client-spans",
    "db-spans",
    "log-correlation",
    "errors",
    "metrics",
];

/// The steps that notice most mutations of a subject.
const STEPS_BY_SUBJECT: [(&str, &str); 11] = [
    ("spans handson.sleep", "first-span"),
    ("spans GET /handson", "server-spans"),
    ("spans GET,", "client-spans"),
    ("spans P", "client-spans"),
    ("spans SELECT", "db-spans"),
    ("spans handson.dbQuery", "db-spans"),
    ("spans handson.randomError", "errors"),
    ("lines", "structured-logs"),
    ("lines", "log-correlation"),
    ("records", "log-correlation"),
    ("metric", "metrics"),
];

/// One change of the evidence.
pub struct Mutation {
    /// For example "spans GET /handson, all: drop url.path".
    pub description: String,
    pub change: Box<dyn Fn(&mut Evidence) + Send + Sync>,
}

/// Whether a change is made in one place or in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Places {
    One,
    All,
}

impl Places {
    pub const BOTH: [Self; 2] = [Self::One, Self::All];

    /// The description of a mutation of `what`.
    pub fn describe(self, what: &str, change: &str) -> String {
        format!("{what}, {}: {change}", if self == Self::One { "one" } else { "all" })
    }

    /// Changes the first item that `is_meant` selects, or all of them.
    pub fn change<'a, T: 'a>(
        self,
        items: impl Iterator<Item = &'a mut T>,
        is_meant: impl Fn(&T) -> bool,
        change: impl Fn(&mut T),
    ) {
        let mut meant = items.filter(|item| is_meant(item));
        match self {
            Self::One => {
                if let Some(item) = meant.next() {
                    change(item);
                }
            }
            Self::All => meant.for_each(change),
        }
    }
}

/// The mutations of each role, in one place and in all.
pub fn of_roles<E>(
    roles: &BTreeMap<String, E>,
    of_role: impl Fn(&str, &E, Places) -> Vec<Mutation>,
) -> Vec<Mutation> {
    let roles = roles.iter().flat_map(|role| Places::BOTH.map(|places| (role, places)));
    roles.flat_map(|((role, example), places)| of_role(role, example, places)).collect()
}

pub fn runs(evidence: &mut Evidence) -> [&mut Run; 2] {
    [&mut evidence.calm, &mut evidence.errors]
}

/// The first step that notices the mutation: by a failure, or by advice that the answer does not get.
fn noticed_by(mutation: &Mutation) -> Option<&'static str> {
    let mut evidence = recording::right().clone();
    (mutation.change)(&mut evidence);
    // The step that is most likely to notice it is tried first, which keeps the test below a minute.
    let first = STEPS_BY_SUBJECT.iter().filter(|(subject, _)| mutation.description.starts_with(subject));
    let first = first.map(|(_, step)| *step);
    first.chain(STEPS).find(|step| {
        let expectations = checks::judge(step, &evidence).unwrap_or_default();
        expectations.iter().any(|expectation| !expectation.is_met())
            || advice_of(&expectations) != advice_to_the_answer(step)
    })
}

/// The advice of `step` to the answer itself.
fn advice_to_the_answer(step: &'static str) -> String {
    static ADVICE: Mutex<BTreeMap<&str, String>> = Mutex::new(BTreeMap::new());
    ADVICE.lock().unwrap().entry(step).or_insert_with(|| advice(step, recording::right())).clone()
}

fn reason_to_pass(description: &str) -> Option<&'static str> {
    let is_meant = |words: &&[&str]| words.iter().all(|word| description.contains(word));
    MAY_PASS.iter().find(|(words, _)| is_meant(words)).map(|(_, reason)| *reason)
}

#[test]
#[ignore = "takes a minute"]
fn every_mutation_is_noticed_or_listed_with_its_reason() {
    let right = recording::right();
    let mutations: Vec<Mutation> = [
        spans::mutations(right),
        log_lines::mutations(right),
        log_records::mutations(right),
        metrics::mutations(right),
    ]
    .into_iter()
    .flatten()
    .collect();
    let next = AtomicUsize::new(0);
    let results = Mutex::new(BTreeMap::new());
    let threads = std::thread::available_parallelism().map_or(2, |threads| threads.get());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(mutation) = mutations.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let noticed = noticed_by(mutation);
                    results.lock().unwrap().insert(mutation.description.clone(), noticed);
                }
            });
        }
    });
    let results = results.into_inner().unwrap();
    let passed: Vec<&String> =
        results.iter().filter(|(_, noticed)| noticed.is_none()).map(|(description, _)| description).collect();
    let unlisted: Vec<&&String> =
        passed.iter().filter(|description| reason_to_pass(description).is_none()).collect();
    let noticed = results.len() - passed.len();
    eprintln!(
        "{noticed} of {} mutations are noticed, {} are on the list",
        results.len(),
        passed.len() - unlisted.len()
    );
    let mut by_step: BTreeMap<&str, usize> = BTreeMap::new();
    for step in results.values().flatten() {
        *by_step.entry(step).or_default() += 1;
    }
    eprintln!("noticed by step: {by_step:?}");
    assert!(unlisted.is_empty(), "{} mutations pass every step:\n{unlisted:#?}", unlisted.len());
    assert!(noticed * 100 >= results.len() * MIN_NOTICED, "only {noticed} of {} are noticed", results.len());
    let is_used =
        |words: &&[&str]| passed.iter().any(|passed| words.iter().all(|word| passed.contains(word)));
    let unused: Vec<_> = MAY_PASS.iter().filter(|(words, _)| !is_used(words)).collect();
    assert!(unused.is_empty(), "no mutation needs these: {unused:#?}");
}
