//! `up`: the service or a backend, the stand-in for httpbin, the load generator and the console, with one command.

mod group;
mod output;
mod program;

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::place::Place;
use super::saves::{STROKES, Saves};
use super::{check, console};
use crate::console::Attendee;
use crate::run::{self, Trouble};
use crate::steps::Step;
use group::Group;
use program::{Board, Program, Running};

pub(super) use group::guard;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The backend: of backend-sakura it is sakura [default: the finished service]
    name: Option<String>,
    /// The share of requests that fails at random, from 0 to 1
    #[arg(long, value_name = "R", value_parser = share)]
    error_rate: Option<f64>,
    /// Requests a second that the load generator sends; 0 for none
    #[arg(long, default_value_t = 5)]
    rate: u32,
    /// Port of the service; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Port of the stand-in for httpbin; 0 takes a free one
    #[arg(long, default_value_t = 8081)]
    httpbin_port: u16,
    #[command(flatten)]
    console: console::ConsoleOptions,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "allowed is a number from 0 to 1".to_owned())
}

pub(super) fn up(place: Place, options: &Options) -> Result<u8, String> {
    let runtime = Runtime::new().map_err(|error| format!("no threads can be started: {error}"))?;
    let ended = runtime.block_on(run(Arc::new(place), options));
    runtime.shutdown_background();
    ended.map(|()| 0)
}

async fn run(place: Arc<Place>, options: &Options) -> Result<(), String> {
    let name = options.name.as_deref().map(|name| place.backend(Some(name))).transpose()?;
    // Ports first, for a build takes minutes.
    let port = free(options.port, "the service", "--port")?;
    let httpbin_port = free(options.httpbin_port, "httpbin's stand-in", "--httpbin-port")?;
    let curl = format!("curl -i localhost:{port}/handson");
    let attendee = name.as_ref().map(|name| attendee(&place, name));
    let monitors = monitors(&place, options, name.as_deref());
    let listening = options.console.listen(monitors, attendee, Some(curl.clone())).await?;
    let all = All {
        place,
        backend: name.as_ref().map_or("handson".to_owned(), |name| format!("backend-{name}")),
        name,
        port,
        httpbin_port,
        curl,
        url: listening.url.clone(),
        endpoint: listening.endpoint.clone(),
        board: Board::new(Arc::clone(&listening.console)),
        rate: options.rate,
        error_rate: options.error_rate,
    };
    let serving = tokio::spawn(listening.serve());
    tokio::select! {
        ended = all.run() => ended,
        ended = serving => match ended {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("the console cannot go on: {error}")),
            Err(panicked) => Err(format!("the console cannot go on: {panicked}")),
        },
    }
}

/// What is started.
struct All {
    place: Arc<Place>,
    /// NAME of a backend; `None`: the finished service.
    name: Option<String>,
    /// Its package.
    backend: String,
    port: u16,
    httpbin_port: u16,
    curl: String,
    url: String,
    endpoint: String,
    board: Arc<Board>,
    rate: u32,
    error_rate: Option<f64>,
}

impl All {
    async fn run(&self) -> Result<(), String> {
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

        self.until_interrupted(&backend).await?;

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
    async fn until_interrupted(&self, backend: &Running) -> Result<(), String> {
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
                    Ok(executable) => backend.replace(executable).await,
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

    fn service(&self, executable: PathBuf) -> Program {
        let mut program = self.program(&self.backend, executable);
        program.environment.push(("PORT", self.port.to_string()));
        program.environment.push(("HTTPBIN_URL", format!("http://127.0.0.1:{}", self.httpbin_port)));
        if let Some(rate) = self.error_rate {
            program.environment.push(("RANDOM_ERROR_RATE", rate.to_string()));
        }
        program
    }

    fn httpbin(&self, executable: PathBuf) -> Program {
        let mut program = self.program("httpbin", executable);
        let port = self.httpbin_port.to_string();
        program.arguments = ["httpbin", "--port", &port, "--delay", "20ms..80ms"].map(str::to_owned).to_vec();
        program
    }

    fn load(&self, executable: PathBuf) -> Program {
        let mut program = self.program("loadtest", executable);
        let url = format!("http://127.0.0.1:{}/handson", self.port);
        let rate = self.rate.to_string();
        program.arguments = ["--rate", &rate, "--duration", "0", "--url", &url].map(str::to_owned).to_vec();
        program
    }

    /// What all of them are told: where telemetry goes, and often, so that it shows within seconds.
    fn program(&self, name: &str, executable: PathBuf) -> Program {
        Program {
            name: name.to_owned(),
            executable,
            arguments: Vec::new(),
            environment: vec![
                ("HOST", "127.0.0.1".to_owned()),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", self.endpoint.replace("localhost", "127.0.0.1")),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf".to_owned()),
                ("OTEL_BSP_SCHEDULE_DELAY", "1000".to_owned()),
                ("OTEL_BLRP_SCHEDULE_DELAY", "1000".to_owned()),
                ("OTEL_METRIC_EXPORT_INTERVAL", "5000".to_owned()),
            ],
            log: self.log(name),
        }
    }

    fn log(&self, name: &str) -> PathBuf {
        self.place.root.join(".workshop/logs").join(format!("{name}.log"))
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
            its header traceresponse has the trace: {url}/traces/<the 32 digits>
  load      {load}
  log       tail -f {log}
{steps}
Ctrl-C stops all of it.",
            url = self.url,
            curl = self.curl,
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

/// The port, or one that is free where it is 0.
fn free(port: u16, whose: &str, option: &str) -> Result<u16, String> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| listener.local_addr());
    bound.map(|address| address.port()).map_err(|error| console::taken(port, whose, option, &error))
}

/// Those that were named, else that of the backend, else that of the finished service.
fn monitors(place: &Place, options: &Options, name: Option<&str>) -> Vec<PathBuf> {
    let named = options.console.monitors();
    if !named.is_empty() {
        return named;
    }
    let folder = name.map_or(place.root.clone(), |name| place.folder(name));
    vec![folder.join("monitor.toml")]
}

fn attendee(place: &Arc<Place>, name: &str) -> Attendee {
    let (place_of_check, name_of_check) = (Arc::clone(place), name.to_owned());
    let lang = place.language(name);
    Attendee {
        backend: format!("backend-{name}"),
        lang,
        steps: place.steps.all().to_vec(),
        report: place.report(name),
        check: Box::new(move || {
            let (place, name) = (Arc::clone(&place_of_check), name_of_check.clone());
            Box::pin(async move {
                let steps: Vec<&Step> = place.steps.all().iter().collect();
                check::judge(&place, &name, lang, true, &steps).await.map(drop)
            })
        }),
        progress: Default::default(),
    }
}
