//! The report as text: passed steps take one line each, the first failed one is shown in full, the others
//! take one line.

use anstyle::{AnsiColor, Style};

use super::{Report, State, Verdict, parts};
use crate::messages::Message;
use crate::steps::{Lang, Step};
use crate::verdict::Expectation;

const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default().bold();
const CODE: Style = AnsiColor::Cyan.on_default();
const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
const INDENT: &str = "        ";

/// The texts around the verdicts.
struct Labels {
    expected: &'static str,
    seen: &'static str,
    cause: &'static str,
    advice: &'static str,
    hint: &'static str,
    chapter: &'static str,
    later: &'static str,
    not_started: &'static str,
    all_passed: &'static str,
    also_failed: &'static str,
    optional: &'static str,
}

fn labels(lang: Lang) -> Labels {
    match lang {
        Lang::En => Labels {
            expected: "Expected",
            seen: "Seen",
            cause: "Likely",
            advice: "Advice",
            hint: "Hint",
            chapter: "Chapter",
            later: "comes after that",
            not_started: "not started; its chapter explains how",
            all_passed: "All steps that were checked passed.",
            also_failed: "fails too; --keep-going shows it",
            optional: "optional; to check it:",
        },
        Lang::Ja => Labels {
            expected: "期待",
            seen: "実際",
            cause: "原因",
            advice: "助言",
            hint: "ヒント",
            chapter: "章",
            later: "後のステップです",
            not_started: "まだ始めていません（始め方は章にあります）",
            all_passed: "判定したステップはすべて合格です。",
            also_failed: "これも不合格です（--keep-going で表示）",
            optional: "任意のステップです。判定するコマンド:",
        },
    }
}

/// The report, with colours as ANSI escapes.
pub fn text(report: &Report) -> String {
    let labels = labels(report.lang);
    let first = report.first_failed().map(|verdict| verdict.step.number);
    let mut text = String::new();
    for verdict in &report.verdicts {
        let name = line(&verdict.step, report.lang);
        let is_shown = report.keep_going || first == Some(verdict.step.number);
        match verdict.state {
            State::Passed => {
                text.push_str(&format!("{GREEN}✓{GREEN:#} {name}\n"));
                for expectation in &verdict.expectations {
                    push_advice(expectation, &labels, report.lang, &mut text);
                }
            }
            State::Failed if is_shown => {
                text.push_str(&format!("{RED}✗{RED:#} {BOLD}{name}{BOLD:#}\n"));
                push_in_full(verdict, &labels, report, &mut text);
            }
            State::Failed => {
                // It failed after another step. Without any met expectation, it has most likely not been
                // started.
                let is_started = verdict.expectations.iter().any(Expectation::is_met);
                let state = if is_started { labels.also_failed } else { labels.later };
                text.push_str(&format!("{DIM}· {name}: {state}{DIM:#}\n"));
            }
            State::NotJudged => {
                let is_later = first.is_some_and(|first| first < verdict.step.number);
                let state = if is_later { labels.later } else { labels.not_started };
                text.push_str(&format!("{DIM}· {name}: {state}{DIM:#}\n"));
            }
        }
    }
    for step in &report.left_out {
        let name = line(step, report.lang);
        let command = format!("cargo workshop check {}", step.id);
        text.push_str(&format!("{DIM}· {name}: {} {command}{DIM:#}\n", labels.optional));
    }
    if report.verdicts.iter().any(|verdict| verdict.state == State::Passed) && first.is_none() {
        text.push_str(&format!("\n{GREEN}{}{GREEN:#}\n", labels.all_passed));
    }
    text
}

fn line(step: &Step, lang: Lang) -> String {
    format!("{:>2} {:<16} {}", step.number, step.id, step.title.in_(lang))
}

/// Expectations that belong to no step.
pub fn expectations(expectations: &[Expectation], lang: Lang) -> String {
    let mut text = String::new();
    push_expectations(expectations, &labels(lang), lang, &mut text);
    text
}

fn push_expectations(expectations: &[Expectation], labels: &Labels, lang: Lang, text: &mut String) {
    let in_lang = |message: &Message| message.in_lang(lang);
    for expectation in expectations {
        let expected = in_lang(&expectation.expected);
        let Some(failure) = &expectation.failure else {
            text.push_str(&format!("    {GREEN}✓{GREEN:#} {DIM}{}{DIM:#}\n", without_marks(&expected)));
            push_advice(expectation, labels, lang, text);
            continue;
        };
        text.push_str(&format!("    {RED}✗ {}{RED:#}\n", labels.expected));
        text.push_str(&indented(&expected));
        text.push_str(&format!("      {BOLD}{}{BOLD:#}\n", labels.seen));
        // What was seen may be output of the program, in which backticks do not mark code.
        text.extend(in_lang(&failure.seen).lines().map(|line| format!("{INDENT}{line}\n")));
        text.push_str(&format!("      {BOLD}{}{BOLD:#}\n", labels.cause));
        text.push_str(&indented(&in_lang(&failure.cause)));
    }
}

fn push_in_full(verdict: &Verdict, labels: &Labels, report: &Report, text: &mut String) {
    push_expectations(&verdict.expectations, labels, report.lang, text);
    text.push_str(&format!("    {BOLD}{}{BOLD:#}\n", labels.hint));
    text.push_str(&indented(verdict.step.hint.in_(report.lang)));
    let chapter = report.guide.join(report.lang.code()).join(&verdict.step.chapter);
    if chapter.is_file() {
        text.push_str(&format!("    {BOLD}{}{BOLD:#} {}\n", labels.chapter, chapter.display()));
    }
}

/// The advice of an expectation that is met, if there is any.
fn push_advice(expectation: &Expectation, labels: &Labels, lang: Lang, text: &mut String) {
    if let Some(advice) = &expectation.advice {
        text.push_str(&format!("      {BOLD}{}{BOLD:#}\n", labels.advice));
        text.push_str(&indented(&advice.in_lang(lang)));
    }
}

/// Lines of our own text, indented, with code in colour.
fn indented(text: &str) -> String {
    text.lines().map(|line| format!("{INDENT}{}\n", with_code(line))).collect()
}

/// A line with its code in colour instead of backticks.
pub(crate) fn with_code(line: &str) -> String {
    let styled = |(is_code, part): (bool, &str)| match is_code {
        true => format!("{CODE}{part}{CODE:#}"),
        false => part.to_owned(),
    };
    parts(line).into_iter().map(styled).collect()
}

/// A line without backticks, for text that has its own style.
fn without_marks(line: &str) -> String {
    parts(line).into_iter().map(|(_, part)| part).collect()
}
