//! What is started, in which order, and how it is stopped.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use tokio::sync::mpsc;

use super::compile_error;
use super::gate::Needs;
use super::group::Group;
use super::program::Program;
use super::status_board::StatusBoard;
use super::supervised::Supervised;
use crate::commands::first_build;
use crate::commands::repository::Repository;
use crate::commands::watcher::{SAVE_DEBOUNCE, SaveWatcher};
use crate::run::{self, RunError};

/// What is started.
pub(super) struct Stack {
    pub(super) repository: Arc<Repository>,
    /// Name of the backend; `None` for the finished service.
    pub(super) name: Option<String>,
    /// Name of its package.
    pub(super) backend: String,
    pub(super) port: u16,
    pub(super) httpbin_port: u16,
    pub(super) curl: String,
    pub(super) url: String,
    pub(super) endpoint: String,
    pub(super) board: Arc<StatusBoard>,
    pub(super) rate: u32,
    pub(super) error_rate: Option<f64>,
    /// More variables for the service.
    pub(super) environment: Vec<(String, String)>,
}

impl Stack {
    /// Builds and starts everything, and stops it at Ctrl-C.
    pub(super) async fn run(&self) -> Result<()> {
        anstream::println!("The console is at {}. Building {} …", self.url, self.backend);
        first_build::announce(&self.backend);
        self.board.set(&self.build_name(), "is running", true);
        let built = match run::unless_interrupted(self.build()).await {
            Err(RunError::Interrupted) => return Ok(()),
            Err(error) => Err(error),
            Ok(built) => built,
        };
        let (service, loadtest) =
            built.map_err(|error| anyhow!("cannot start {}: {}", self.backend, error.seen()))?;
        self.board.set(&self.build_name(), "has succeeded", true);
        let group = Group::start().context("cannot start processes")?;
        let start = |program: Program, needs: Needs| {
            let log = self.repository.shown(&program.log);
            let started = Supervised::start(program, needs, group.id(), Arc::clone(&self.board));
            started.with_context(|| format!("cannot write {log}"))
        };
        // No program gets a request before it is ready, so that the pages show no failures that only the start caused.
        let httpbin = start(self.httpbin(service.clone()), Needs::default())?;
        let after = Needs { after: Some(httpbin.gate()), only_while: None };
        let backend = start(self.service(service), after)?;
        let only_while = Needs { after: None, only_while: Some(backend.gate()) };
        let load = loadtest.map(|loadtest| start(self.load(loadtest), only_while)).transpose()?;
        self.print_addresses();

        self.until_interrupted(&backend, &httpbin).await?;

        anstream::println!("Stopping …");
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
        let watcher = self.name.as_ref().map(|name| {
            SaveWatcher::watch(&self.repository.folder(name), move || {
                // Sending fails when this command has ended.
                let _ = sender.send(());
            })
        });
        let Some(mut watcher) = watcher.transpose()? else {
            let _ = ::console::interrupted().await;
            return Ok(());
        };
        let rebuild_on_save = async {
            while saves.recv().await.is_some() {
                while let Ok(Some(())) = tokio::time::timeout(SAVE_DEBOUNCE, saves.recv()).await {}
                watcher.renew();
                anstream::println!("{} was saved; building …", self.backend);
                match self.build_backend().await {
                    Ok(executable) => {
                        self.board.set(&self.build_name(), "has succeeded", true);
                        self.board.set_build_error(None);
                        self.replace(backend, httpbin, executable).await;
                    }
                    Err(error) => {
                        self.board.set(
                            &self.build_name(),
                            "has failed; the previous program keeps running",
                            false,
                        );
                        anstream::println!("{}: {}", self.backend, error.seen());
                        let error = match &self.name {
                            Some(name) => {
                                compile_error::first_error(&self.repository.folder(name), error).await
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
            Err(error) => bail!(error.seen().to_string()),
        }
    }

    /// The name of the build on the status board.
    fn build_name(&self) -> String {
        format!("build of {}", self.backend)
    }

    /// Restarts the backend if its program has changed.
    async fn replace(&self, backend: &Supervised, httpbin: &Supervised, executable: PathBuf) {
        if backend.is_same_as(&executable) {
            anstream::println!("{}: the program has not changed", self.backend);
            return;
        }
        // Both run the same program. While httpbin is replaced, the backend must not call it.
        backend.hold().await;
        httpbin.replace(executable.clone()).await;
        backend.replace(executable).await;
    }

    /// Builds the program of the backend, and the load generator unless its rate is 0.
    async fn build(&self) -> Result<(PathBuf, Option<PathBuf>), RunError> {
        let backend = self.build_backend().await?;
        if self.rate == 0 {
            return Ok((backend, None));
        }
        // With the package `workshop`, as the launcher builds it: alone, its dependencies would be compiled again. This program itself
        // is not built, because it is running.
        let arguments = ["--package", "workshop", "--package", "loadtest", "--bin", "loadtest"];
        let loadtest = run::build_package(&self.repository.root, &arguments).await?;
        Ok((backend, Some(loadtest.executable)))
    }

    async fn build_backend(&self) -> Result<PathBuf, RunError> {
        let built = match &self.name {
            Some(name) => run::build(&self.repository.folder(name)).await?,
            None => run::build_package(&self.repository.root, &["--package", "handson"]).await?,
        };
        Ok(built.executable)
    }

    fn print_addresses(&self) {
        let load = match self.rate {
            0 => "none, because of --rate 0".to_owned(),
            rate => format!("{rate} requests/s"),
        };
        anstream::println!(
            "
  open      {url}
  call      {curl}
            its response header traceresponse{since} contains the trace id: {url}/traces/<the 32 digits>
  load      {load}
  log       tail -f {log}
{steps}
Ctrl-C stops everything.",
            url = self.url,
            curl = self.curl,
            since = if self.name.is_some() { ", from step 3 on," } else { "" },
            log = self.repository.shown(&self.log(&self.backend)),
            steps = match &self.name {
                Some(name) => format!(
                    "  steps     {}/steps; every save rebuilds and restarts backend-{name}\n",
                    self.url
                ),
                None => String::new(),
            },
        );
    }
}
