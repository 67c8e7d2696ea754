//! `watch`: checks at every save.

mod keys;

use std::collections::VecDeque;
use std::io::IsTerminal;

use anyhow::{Context, Result};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::check::{self, SelectedSteps};
use super::repository::Repository;
use super::subject::{CommandOptions, Subject};
use super::watcher::{SAVE_DEBOUNCE, SaveWatcher};
use super::{diff, fail, message, print};
use crate::report::{self, Report, State};
use crate::run::{self, RunError};
use crate::steps::Lang;
use crate::text;

/// Width of the progress bar in characters.
const BAR_WIDTH: usize = 36;

/// What can happen while the command waits.
enum Event {
    Saved,
    Key(char),
}

pub(super) fn watch(
    repository: &Repository,
    name: Option<&str>,
    command: &CommandOptions,
    lang: Option<Lang>,
) -> Result<u8> {
    let subject = Subject::choose(repository, command, name)?;
    let lang = lang.unwrap_or_else(|| subject.language(repository));
    let runtime = Runtime::new().context("cannot start threads")?;
    let (sender, receiver) = unbounded_channel();
    let on_save = sender.clone();
    // Sending fails when this command has ended.
    let watcher = subject.watch(repository, move || {
        let _ = on_save.send(Event::Saved);
    })?;
    let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let keys = if is_terminal { keys::SingleKeys::set().ok() } else { None };
    let has_keys = keys.is_some();
    if has_keys {
        std::thread::spawn(move || keys::read(&sender));
    }
    let watching = Watching {
        repository,
        subject,
        lang,
        has_keys,
        watcher,
        events: receiver,
        pending_keys: VecDeque::new(),
    };
    match runtime.block_on(run::unless_interrupted(watching.run())) {
        Ok(()) => {}
        Err(RunError::Interrupted) => anstream::println!(),
        Err(error) => return Err(fail(error.seen())),
    }
    // Otherwise the thread that waits for a key would keep the process from ending.
    runtime.shutdown_background();
    Ok(0)
}

struct Watching<'a> {
    repository: &'a Repository,
    subject: Subject,
    lang: Lang,
    has_keys: bool,
    watcher: SaveWatcher,
    events: UnboundedReceiver<Event>,
    pending_keys: VecDeque<char>,
}

impl Watching<'_> {
    async fn run(mut self) {
        let selected = SelectedSteps::required(self.repository, &self.subject);
        loop {
            let Some(outcome) = self.check_steps(&selected).await else { return };
            let current = self.show(&outcome, selected.count());
            if !self.wait_for_save(current).await {
                return;
            }
        }
    }

    /// Runs the check; a save starts it again. `None`: quit.
    async fn check_steps(&mut self, selected: &SelectedSteps<'_>) -> Option<Result<Report, RunError>> {
        print(self.lang, &text!("\n{subject}: building and running …", subject = self.subject.label()));
        loop {
            let judging = check::check_steps(self.repository, &self.subject, self.lang, false, selected);
            tokio::select! {
                outcome = judging => return Some(outcome),
                event = self.events.recv() => match event {
                    Some(Event::Key('q')) => return None,
                    Some(Event::Key(key)) => self.pending_keys.push_back(key),
                    Some(Event::Saved) => self.settle().await,
                    None => return None,
                },
            }
        }
    }

    /// Prints the report; returns the number of the step to work on.
    fn show(&self, outcome: &Result<Report, RunError>, count: usize) -> Option<usize> {
        let current = match outcome {
            Ok(report) => {
                anstream::print!("\n{}", report::text(report));
                let passed = report.verdicts.iter().filter(|verdict| verdict.state == State::Passed).count();
                let done = BAR_WIDTH * passed / count.max(1);
                anstream::println!(
                    "\n[{}{}] {passed}/{}",
                    "#".repeat(done),
                    "-".repeat(BAR_WIDTH - done),
                    count
                );
                report.first_failed().map(|verdict| verdict.step.number)
            }
            Err(error) => {
                let (seen, cause) = (error.seen().in_lang(self.lang), error.cause().in_lang(self.lang));
                anstream::println!("\n{seen}\n{cause}");
                None
            }
        };
        if self.has_keys {
            print(
                self.lang,
                &match self.subject {
                    Subject::Backend(_) => text!(
                        "h hint · a answer · n next step · r run again · q quit; every save runs the check again"
                    ),
                    // The answers are in Rust.
                    Subject::Command(_) => {
                        text!("h hint · n next step · r run again · q quit; every save runs the check again")
                    }
                },
            );
        }
        current
    }

    /// Handles keys until a file is saved; `false`: quit.
    async fn wait_for_save(&mut self, current: Option<usize>) -> bool {
        loop {
            let key = match self.pending_keys.pop_front() {
                Some(key) => key,
                None => match self.events.recv().await {
                    Some(Event::Key(key)) => key,
                    Some(Event::Saved) => {
                        self.settle().await;
                        return true;
                    }
                    None => return false,
                },
            };
            match key {
                'q' => return false,
                'r' => return true,
                'h' => self.print_step(current),
                // Shows the step after the failed one. A step that passes is followed by the next one anyway.
                'n' => self.print_step(current.map(|number| number + 1)),
                'a' if matches!(self.subject, Subject::Backend(_)) => {
                    match current.map(|number| diff::answer_to(self.repository, number, self.lang)) {
                        Some(Ok(answer)) => anstream::print!("\n{answer}"),
                        Some(Err(error)) => anstream::println!("\n{}", message(&error).in_lang(self.lang)),
                        None => print(self.lang, &text!("\nNo step failed.")),
                    }
                }
                _ => {}
            }
        }
    }

    /// Prints the title and the hint of a step.
    fn print_step(&self, number: Option<usize>) {
        match number.and_then(|number| self.repository.steps.all().get(number)) {
            Some(step) => anstream::println!(
                "\n{} {}: {}\n{}",
                step.number,
                step.id,
                step.title.in_(self.lang),
                report::with_code(self.subject.hint(step).in_(self.lang))
            ),
            None => print(self.lang, &text!("\nNo step failed.")),
        }
    }

    /// Waits until the editor has written all files of one save.
    async fn settle(&mut self) {
        while let Ok(Some(event)) = tokio::time::timeout(SAVE_DEBOUNCE, self.events.recv()).await {
            if let Event::Key(key) = event {
                self.pending_keys.push_back(key);
            }
        }
        self.watcher.renew();
    }
}
