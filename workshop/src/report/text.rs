//! The report for people: passed steps a line each, the first that failed in full, the rest folded.

use anstyle::{AnsiColor, Style};

use super::{Report, State, Verdict};
use crate::steps::Lang;

const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default().bold();
const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

/// The words around the verdicts.
struct Labels {
    expected: &'static str,
    seen: &'static str,
    cause: &'static str,
    hint: &'static str,
    chapter: &'static str,
    later: &'static str,
    not_begun: &'static str,
    all_passed: &'static str,
    also_failed: &'static str,
}

fn labels(lang: Lang) -> Labels {
    match lang {
        Lang::En => Labels {
            expected: "Expected",
            seen: "Seen",
            cause: "Likely",
            hint: "Hint",
            chapter: "Chapter",
            later: "comes after that",
            not_begun: "not begun; its chapter says how",
            all_passed: "All steps that were checked passed.",
            also_failed: "fails too; --keep-going shows it",
        },
        Lang::Ja => Labels {
            expected: "期待",
            seen: "実際",
            cause: "原因",
            hint: "ヒント",
            chapter: "章",
            later: "このあとのステップです",
            not_begun: "まだ始めていません（始め方は章にあります）",
            all_passed: "判定したステップはすべて合格です。",
            also_failed: "これも不合格です（--keep-going で表示）",
        },
    }
}

/// The report, with colours as ANSI escapes.
pub fn text(report: &Report) -> String {
    let labels = labels(report.lang);
    let first = report.first_failed().map(|verdict| verdict.step.number);
    let mut text = String::new();
    for verdict in &report.verdicts {
        let title = verdict.step.title.in_(report.lang);
        let name = format!("{:>2} {:<16} {title}", verdict.step.number, verdict.step.id);
        let is_shown = report.keep_going || first == Some(verdict.step.number);
        match verdict.state {
            State::Passed => text.push_str(&format!("{GREEN}✓{GREEN:#} {name}\n")),
            State::Failed if is_shown => {
                text.push_str(&format!("{RED}✗{RED:#} {BOLD}{name}{BOLD:#}\n"));
                in_full(verdict, &labels, report, &mut text);
            }
            State::Failed => {
                // It failed after another: most likely it is not done yet.
                let told = if verdict.expectations.iter().any(super::Expectation::is_met) {
                    labels.also_failed
                } else {
                    labels.later
                };
                text.push_str(&format!("{DIM}· {name}: {told}{DIM:#}\n"));
            }
            State::NotJudged => {
                let is_later = first.is_some_and(|first| first < verdict.step.number);
                let told = if is_later { labels.later } else { labels.not_begun };
                text.push_str(&format!("{DIM}· {name}: {told}{DIM:#}\n"));
            }
        }
    }
    if report.verdicts.iter().any(|verdict| verdict.state == State::Passed) && first.is_none() {
        text.push_str(&format!("\n{GREEN}{}{GREEN:#}\n", labels.all_passed));
    }
    text
}

fn in_full(verdict: &Verdict, labels: &Labels, report: &Report, text: &mut String) {
    for expectation in &verdict.expectations {
        let Some(failure) = &expectation.failure else {
            text.push_str(&format!("    {GREEN}✓{GREEN:#} {DIM}{}{DIM:#}\n", expectation.expected));
            continue;
        };
        text.push_str(&format!("    {RED}✗ {}{RED:#}\n", labels.expected));
        text.push_str(&indented(&expectation.expected));
        text.push_str(&format!("      {BOLD}{}{BOLD:#}\n", labels.seen));
        text.push_str(&indented(&failure.seen));
        text.push_str(&format!("      {BOLD}{}{BOLD:#}\n", labels.cause));
        text.push_str(&indented(&failure.cause));
    }
    text.push_str(&format!("    {BOLD}{}{BOLD:#}\n", labels.hint));
    text.push_str(&indented(verdict.step.hint.in_(report.lang)));
    let chapter = report.guide.join(report.lang.code()).join(&verdict.step.chapter);
    if chapter.is_file() {
        text.push_str(&format!("    {BOLD}{}{BOLD:#} {}\n", labels.chapter, chapter.display()));
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("        {line}\n")).collect()
}
