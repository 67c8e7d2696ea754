//! `watch`: judges at every save.

mod keys;

use std::collections::VecDeque;
use std::io::IsTerminal;

use anyhow::{Context, Result, bail};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::check::{self, Asked};
use super::difference;
use super::place::Place;
use super::saves::{STROKES, Saves};
use crate::report::{self, Report, State};
use crate::run::{self, Trouble};
use crate::steps::Lang;

/// Cells of the bar of progress.
const BAR: usize = 36;

/// What happens while we watch.
enum Happening {
    Saved,
    Key(char),
}

pub(super) fn watch(place: &Place, name: Option<&str>, lang: Option<Lang>) -> Result<u8> {
    let name = place.backend(name)?;
    let lang = lang.unwrap_or_else(|| place.language(&name));
    let runtime = Runtime::new().context("cannot start threads")?;
    let (sender, receiver) = unbounded_channel();
    let on_save = sender.clone();
    // Nobody listens any more when we end.
    let saves = Saves::watch(&place.folder(&name), move || {
        let _ = on_save.send(Happening::Saved);
    })?;
    let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let keys = if is_terminal { keys::SingleKeys::set().ok() } else { None };
    let has_keys = keys.is_some();
    if has_keys {
        std::thread::spawn(move || keys::read(&sender));
    }
    let watching =
        Watching { place, name, lang, has_keys, saves, happenings: receiver, waiting: VecDeque::new() };
    match runtime.block_on(run::unless_interrupted(watching.run())) {
        Ok(()) => {}
        Err(Trouble::Interrupted) => anstream::println!(),
        Err(trouble) => bail!(trouble.seen()),
    }
    // The thread that waits for a key would hold the process up.
    runtime.shutdown_background();
    Ok(0)
}

struct Watching<'a> {
    place: &'a Place,
    name: String,
    lang: Lang,
    has_keys: bool,
    saves: Saves,
    happenings: UnboundedReceiver<Happening>,
    waiting: VecDeque<char>,
}

impl Watching<'_> {
    async fn run(mut self) {
        let asked = Asked::required(self.place);
        loop {
            let Some(judged) = self.judge(&asked).await else { return };
            let current = self.show(&judged, asked.count());
            if !self.wait_for_a_save(current).await {
                return;
            }
        }
    }

    /// Judges; a save while it runs begins anew. `None`: quit.
    async fn judge(&mut self, asked: &Asked<'_>) -> Option<Result<Report, Trouble>> {
        anstream::println!("\nbackend-{}: building and running …", self.name);
        loop {
            let judging = check::judge(self.place, &self.name, self.lang, false, asked);
            tokio::select! {
                judged = judging => return Some(judged),
                happening = self.happenings.recv() => match happening {
                    Some(Happening::Key('q')) => return None,
                    Some(Happening::Key(key)) => self.waiting.push_back(key),
                    Some(Happening::Saved) => self.let_it_settle().await,
                    None => return None,
                },
            }
        }
    }

    /// Prints the report; gives the step that is to be worked on.
    fn show(&self, judged: &Result<Report, Trouble>, count: usize) -> Option<usize> {
        let current = match judged {
            Ok(report) => {
                anstream::print!("\n{}", report::text(report));
                let passed = report.verdicts.iter().filter(|verdict| verdict.state == State::Passed).count();
                let done = BAR * passed / count.max(1);
                anstream::println!("\n[{}{}] {passed}/{}", "#".repeat(done), "-".repeat(BAR - done), count);
                report.first_failed().map(|verdict| verdict.step.number)
            }
            Err(trouble) => {
                anstream::println!("\n{}\n{}", trouble.seen(), trouble.cause());
                None
            }
        };
        if self.has_keys {
            anstream::println!(
                "h hint · a answer · n the next step · r run again · q quit; a save checks again"
            );
        }
        current
    }

    /// Answers keys until something is saved; `false`: quit.
    async fn wait_for_a_save(&mut self, current: Option<usize>) -> bool {
        loop {
            let key = match self.waiting.pop_front() {
                Some(key) => key,
                None => match self.happenings.recv().await {
                    Some(Happening::Key(key)) => key,
                    Some(Happening::Saved) => {
                        self.let_it_settle().await;
                        return true;
                    }
                    None => return false,
                },
            };
            match key {
                'q' => return false,
                'r' => return true,
                'h' => self.tell_of(current),
                // A step that passes gives way to the next by itself; this is a look ahead.
                'n' => self.tell_of(current.map(|number| number + 1)),
                'a' => match current.map(|number| difference::answer_to(self.place, number)) {
                    Some(Ok(answer)) => anstream::print!("\n{answer}"),
                    Some(Err(error)) => anstream::println!("\n{error:#}"),
                    None => anstream::println!("\nNo step failed."),
                },
                _ => {}
            }
        }
    }

    /// What a step is about, and what to try.
    fn tell_of(&self, number: Option<usize>) {
        match number.and_then(|number| self.place.steps.all().get(number)) {
            Some(step) => anstream::println!(
                "\n{} {}: {}\n{}",
                step.number,
                step.id,
                step.title.in_(self.lang),
                report::with_code(step.hint.in_(self.lang))
            ),
            None => anstream::println!("\nNo step failed."),
        }
    }

    /// Takes in what an editor does in one save.
    async fn let_it_settle(&mut self) {
        while let Ok(Some(happening)) = tokio::time::timeout(STROKES, self.happenings.recv()).await {
            if let Happening::Key(key) = happening {
                self.waiting.push_back(key);
            }
        }
        self.saves.renew();
    }
}
