//! What is started, in which order, and how it ends.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::group::Group;
use super::program::{Board, Program, Running};
use crate::commands::place::Place;
use crate::commands::saves::{STROKES, Saves};
use crate::run::{self, Trouble};

/// What is started.
pub(super) struct All {
    pub(super) place: Arc<Place>,
    /// NAME of a backend; `None`: the finished service.
    pub(super) name: Option<String>,
    /// Its package.
    pub(super) backend: String,
    pub(super) port: u16,
    pub(super) httpbin_port: u16,
    pub(super) curl: String,
    pub(super) url: String,
    pub(super) endpoint: String,
    pub(super) board: Arc<Board>,
    pub(super) rate: u32,
    pub(super) error_rate: Option<f64>,
}

impl All {
    /// Builds and starts all of it, and ends it when it is told to.
    pub(super) async fn run(&self) -> Result<(), String> {
        anstream::println!("The console is at {}. {} is being built …", self.url, self.backend);
        self.board.set(&self.backend, "is being built", true);
        let built = match run::unless_interrupted(self.build()).await {
            Err(Trouble::Interrupted) => return Ok(()),
            Err(trouble) => Err(trouble),
            Ok(built) => built,
        };
        let (service, loadtest) =
            built.map_err(|trouble| format!("{} cannot be started: {}", self.backend, trouble.seen()))?;
        let group = Group::start().map_err(|error| format!("no process can be started: {error}"))?;
        let start = |program: Program| {
            let log = self.place.shown(&program.log);
            let started = Running::start(program, group.id(), Arc::clone(&self.board));
            started.map_err(|error| format!("{log} cannot be written: {error}"))
        };
        let httpbin = start(self.httpbin(service.clone()))?;
        let backend = start(self.service(service))?;
        let load = if self.rate > 0 { Some(start(self.load(loadtest))?) } else { None };
        self.tell();

        self.until_interrupted(&backend, &httpbin).await?;

        anstream::println!("Stopping …");
        let stop = async {
            for running in load.into_iter().chain([backend, httpbin]) {
                running.stop().await;
            }
        };
        // A second Ctrl-C does not wait: what is left of the group is killed when it is dropped.
        let _ = run::unless_interrupted(stop).await;
        Ok(())
    }

    /// Builds the backend anew at every save.
    async fn until_interrupted(&self, backend: &Running, httpbin: &Running) -> Result<(), String> {
        let (sender, mut saves) = mpsc::unbounded_channel();
        let followed = self.name.as_ref().map(|name| {
            Saves::watch(&self.place.folder(name), move || {
                // Nobody listens any more when we end.
                let _ = sender.send(());
            })
        });
        let Some(mut followed) = followed.transpose()? else {
            let _ = run::interrupted().await;
            return Ok(());
        };
        let renewing = async {
            while saves.recv().await.is_some() {
                while let Ok(Some(())) = tokio::time::timeout(STROKES, saves.recv()).await {}
                followed.renew();
                anstream::println!("{} was saved, and is being built …", self.backend);
                match self.build_backend().await {
                    Ok(executable) => {
                        // Both are programs of the backend.
                        httpbin.replace(executable.clone()).await;
                        backend.replace(executable).await;
                    }
                    Err(trouble) => {
                        self.board.set(&self.backend, "does not build; what was built before goes on", false);
                        anstream::println!("{}: {}", self.backend, trouble.seen());
                    }
                }
            }
        };
        match run::unless_interrupted(renewing).await {
            Ok(()) | Err(Trouble::Interrupted) => Ok(()),
            Err(trouble) => Err(trouble.seen()),
        }
    }

    /// The programs of the backend and of the load generator.
    async fn build(&self) -> Result<(PathBuf, PathBuf), Trouble> {
        let backend = self.build_backend().await?;
        let loadtest = run::build_package(&self.place.root, &["--package", "loadtest"]).await?;
        Ok((backend, loadtest.executable))
    }

    async fn build_backend(&self) -> Result<PathBuf, Trouble> {
        let built = match &self.name {
            Some(name) => run::build(&self.place.folder(name)).await?,
            None => run::build_package(&self.place.root, &["--package", "handson"]).await?,
        };
        Ok(built.executable)
    }

    fn tell(&self) {
        let load = match self.rate {
            0 => "none: --rate has it".to_owned(),
            rate => format!("{rate} requests a second"),
        };
        anstream::println!(
            "
  open      {url}
  call      {curl}
            its header traceresponse{since} has the trace: {url}/traces/<the 32 digits>
  load      {load}
  log       tail -f {log}
{steps}
Ctrl-C stops all of it.",
            url = self.url,
            curl = self.curl,
            since = if self.name.is_some() { ", from step 3 on," } else { "" },
            log = self.place.shown(&self.log(&self.backend)),
            steps = match &self.name {
                Some(name) => format!(
                    "  steps     {}/steps; a save of backend-{name} builds and starts it anew\n",
                    self.url
                ),
                None => String::new(),
            },
        );
    }
}
