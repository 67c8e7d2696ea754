//! What is started, in which order, and how it is stopped.

use std::path::PathBuf;
use std::sync::Arc;

use ::console::Console;
use anyhow::{Context, Result};
use tokio::sync::mpsc;

use super::compile_error;
use super::gameday::Surroundings;
use super::gate::Needs;
use super::group::Group;
use super::program::Program;
use super::status_board::StatusBoard;
use super::supervised::Supervised;
use crate::commands::repository::{FINISHED, Repository};
use crate::commands::subject::Subject;
use crate::commands::watcher::SAVE_DEBOUNCE;
use crate::commands::{fail, first_build, print};
use crate::messages::Message;
use crate::run::{self, RunError};
use crate::steps::Lang;
use crate::text;

/// What is started.
pub(super) struct Stack {
    pub(super) repository: Arc<Repository>,
    pub(super) lang: Lang,
    /// What runs as the service; `None` is the finished service.
    pub(super) subject: Option<Subject>,
    /// The name of its package, or the command.
    pub(super) label: String,
    pub(super) port: u16,
    pub(super) httpbin_port: u16,
    /// What surrounds the service on a game day: httpbin is behind a proxy then.
    pub(super) surroundings: Option<Surroundings>,
    pub(super) curl: String,
    pub(super) url: String,
    pub(super) endpoint: String,
    pub(super) console: Arc<Console>,
    pub(super) board: Arc<StatusBoard>,
    pub(super) rate: u32,
    pub(super) error_rate: Option<f64>,
    /// More variables for the service.
    pub(super) environment: Vec<(String, String)>,
}

impl Stack {
    /// Builds and starts everything, and stops it at Ctrl-C.
    pub(super) async fn run(&self) -> Result<()> {
        self.print(text!(
            "The console is at {url}. Building {backend} …",
            url = &self.url,
            backend = self.package()
        ));
        first_build::announce(self.package(), self.lang);
        self.set_build_state(text!("is running"), true);
        let built = match run::unless_interrupted(self.build()).await {
            Err(RunError::Interrupted) => return Ok(()),
            Err(error) => Err(error),
            Ok(built) => built,
        };
        let (service, loadtest) = built.map_err(|error| {
            fail(text!("cannot start {backend}: {error}", backend = &self.label, error = error.seen()))
        })?;
        self.set_build_state(text!("has succeeded"), true);
        let group = Group::start().context("cannot start processes")?;
        let start = |program: Program, needs: Needs| {
            let log = self.repository.shown(&program.log);
            let started = Supervised::start(program, needs, group.id(), Arc::clone(&self.board), self.lang);
            started.with_context(|| format!("cannot write {log}"))
        };
        // No program gets a request before it is ready, so that the pages show no failures that only the
        // start caused.
        let httpbin = start(self.httpbin(service.clone()), Needs::default())?;
        let after = Needs { after: Some(httpbin.gate()), only_while: None };
        let backend = start(self.service(self.program_of(service)), after)?;
        let only_while = Needs { after: None, only_while: Some(backend.gate()) };
        let load = loadtest.map(|loadtest| start(self.load(loadtest), only_while)).transpose()?;
        self.print_addresses();
        if let Some(surroundings) = &self.surroundings {
            surroundings.begin(backend.gate());
        }

        self.until_interrupted(&backend, &httpbin).await?;

        self.print(text!("Stopping …"));
        let stop = async {
            for running in load.into_iter().chain([backend, httpbin]) {
                running.stop().await;
            }
        };
        // A second Ctrl-C does not wait: the processes that are left are killed when the group is dropped.
        let _ = run::unless_interrupted(stop).await;
        Ok(())
    }

    /// Builds the backend at every save.
    async fn until_interrupted(&self, backend: &Supervised, httpbin: &Supervised) -> Result<()> {
        let (sender, mut saves) = mpsc::unbounded_channel();
        let watcher = self.subject.as_ref().map(|subject| {
            subject.watch(&self.repository, move || {
                // Sending fails when this command has ended.
                let _ = sender.send(());
            })
        });
        let Some(mut watcher) = watcher.transpose()? else {
            let _ = shutdown::interrupted().await;
            return Ok(());
        };
        let rebuild_on_save = async {
            while saves.recv().await.is_some() {
                while let Ok(Some(())) = tokio::time::timeout(SAVE_DEBOUNCE, saves.recv()).await {}
                watcher.renew();
                if let Some(Subject::Command(command)) = &self.subject {
                    backend.replace(run::Program::Command(command.clone())).await;
                    continue;
                }
                self.print(text!("{backend} was saved; building …", backend = &self.label));
                match self.build_backend().await {
                    Ok(executable) => {
                        self.set_build_state(text!("has succeeded"), true);
                        self.board.set_build_error(None);
                        self.replace(backend, httpbin, executable).await;
                    }
                    Err(error) => {
                        self.set_build_state(text!("has failed; the previous program keeps running"), false);
                        anstream::println!("{}: {}", self.label, error.seen().in_lang(self.lang));
                        let error = match &self.subject {
                            Some(subject) => {
                                compile_error::first_error(&subject.folder(&self.repository), error).await
                            }
                            None => error.seen().to_string(),
                        };
                        self.board.set_build_error(Some(error));
                    }
                }
            }
        };
        match run::unless_interrupted(rebuild_on_save).await {
            Ok(()) | Err(RunError::Interrupted) => Ok(()),
            Err(error) => Err(fail(error.seen())),
        }
    }

    fn set_build_state(&self, state: Message, good: bool) {
        let name = text!("build of {backend}", backend = self.package());
        self.board.set(&name.in_lang(self.lang), &state.in_lang(self.lang), good);
    }

    fn print(&self, message: Message) {
        print(self.lang, &message);
    }

    /// Restarts the backend if its program has changed.
    async fn replace(&self, backend: &Supervised, httpbin: &Supervised, executable: PathBuf) {
        if backend.is_same_as(&executable) {
            self.print(text!("{backend}: the program has not changed", backend = &self.label));
            return;
        }
        // Both run the same program. While httpbin is replaced, the backend must not call it.
        backend.hold().await;
        httpbin.replace(run::Program::Executable(executable.clone())).await;
        backend.replace(run::Program::Executable(executable)).await;
    }

    /// The package that is built. With a command, the finished service is built as the local httpbin.
    fn package(&self) -> &str {
        match &self.subject {
            Some(Subject::Command(_)) => FINISHED,
            Some(Subject::Backend(_)) | None => &self.label,
        }
    }

    /// The program of the service. `executable` is what was built; a command builds its program itself.
    fn program_of(&self, executable: PathBuf) -> run::Program {
        match &self.subject {
            Some(Subject::Command(command)) => run::Program::Command(command.clone()),
            Some(Subject::Backend(_)) | None => run::Program::Executable(executable),
        }
    }

    /// Builds the program of the backend or the finished service, which is the local httpbin too, and the
    /// load generator unless its rate is 0.
    async fn build(&self) -> Result<(PathBuf, Option<PathBuf>), RunError> {
        let backend = self.build_backend().await?;
        if self.rate == 0 {
            return Ok((backend, None));
        }
        Ok((backend, Some(self.build_own("loadtest").await?)))
    }

    async fn build_backend(&self) -> Result<PathBuf, RunError> {
        match &self.subject {
            Some(Subject::Backend(name)) => Ok(run::build(&self.repository.folder(name)).await?.executable),
            // With a command, the finished service is only the local httpbin.
            Some(Subject::Command(_)) | None => self.build_own("handson").await,
        }
    }

    /// Builds a program of the repository. It selects the same packages as the launcher, because Cargo unites
    /// the features of dependencies over them: a package alone would compile its dependencies again. Only
    /// this program is built, because the workshop's own is running.
    async fn build_own(&self, program: &str) -> Result<PathBuf, RunError> {
        let packages = ["--package", "workshop", "--package", "loadtest", "--package", "handson"];
        let arguments = [&packages[..], &["--bin", program]].concat();
        Ok(run::build_package(&self.repository.root, &arguments).await?.executable)
    }

    fn print_addresses(&self) {
        let url = &self.url;
        self.print(text!("\n  open      {url}", url));
        self.print(text!("  call      {curl}", curl = &self.curl));
        self.print(match self.subject {
            Some(_) => text!(
                "            from step 3 on, its response header traceresponse contains the trace id: {url}/traces/<the 32 digits>",
                url
            ),
            None => text!(
                "            its response header traceresponse contains the trace id: {url}/traces/<the 32 digits>",
                url
            ),
        });
        self.print(match self.rate {
            0 => text!("  load      none, because of --rate 0"),
            rate => text!("  load      {rate} requests/s", rate),
        });
        self.print(text!(
            "  log       tail -f {log}",
            log = self.repository.shown(&self.log(&self.log_name()))
        ));
        match &self.subject {
            Some(Subject::Backend(name)) => self.print(text!(
                "  steps     {url}/steps; every save rebuilds and restarts backend-{name}",
                url,
                name
            )),
            Some(Subject::Command(_)) => {
                self.print(text!("  steps     {url}/steps; every save restarts the command", url));
            }
            None => {}
        }
        if let Some(Surroundings { after, .. }) = &self.surroundings {
            self.print(text!(
                "\n  game day  something breaks {after} s after the start. Find out what, where and since when with the console, then:\n            cargo workshop gameday --console {url} --what NAME --where PLACE --since TIME",
                after,
                url
            ));
        }
        self.print(text!("\nCtrl-C stops everything."));
    }
}
