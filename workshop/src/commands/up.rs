//! `up`: starts the service or a backend, a local httpbin, the load generator and the console.

mod compile_error;
mod gameday;
mod gate;
mod group;
mod line;
mod lines;
mod output;
mod process;
mod program;
mod programs;
mod stack;
mod status_board;
mod supervised;
mod supervisor;

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use ::console::options::ConsoleOptions;
use ::console::ports::PortError;
use anyhow::{Context, Result};
use clap::Args;
use tokio::runtime::Runtime;

use super::check::{self, SelectedSteps};
use super::repository::{Repository, environment_language};
use super::subject::{CommandOptions, Subject};
use crate::pages::{self, Attendee};
use crate::run::RunError;
use crate::steps::Lang;
use crate::text;
use gameday::{GameDayOptions, Surroundings};
use stack::Stack;
use status_board::StatusBoard;

pub(super) use group::guard;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The backend, or `handson` for the finished service [default: the current backend or the only one; if
    /// there is none, the finished service]
    name: Option<String>,
    #[command(flatten)]
    command: CommandOptions,
    /// Share of requests that fail at random, from 0 to 1
    #[arg(long, value_name = "R", value_parser = share)]
    error_rate: Option<f64>,
    /// Requests per second from the load generator; 0 sends none
    #[arg(long, default_value_t = 5, value_parser = rate)]
    rate: u32,
    /// Port of the service; 0 uses a free one
    #[arg(long, default_value_t = 8080, value_parser = port)]
    port: u16,
    /// Port of the local httpbin; 0 uses a free one
    #[arg(long, default_value_t = 8081, value_parser = port)]
    httpbin_port: u16,
    /// Environment variable for the service; may be repeated. Only a program of --command gets the variables
    /// of this shell, too
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<(String, String)>,
    #[command(flatten)]
    game_day: GameDayOptions,
    #[command(flatten)]
    console: ConsoleOptions,
}

fn rate(text: &str) -> Result<u32> {
    text.parse().ok().context("expected a whole number from 0 to 4294967295")
}

fn port(text: &str) -> Result<u16> {
    text.parse().ok().context("expected a port from 0 to 65535")
}

fn share(text: &str) -> Result<f64> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.context("expected a number from 0 to 1")
}

fn variable(text: &str) -> Result<(String, String)> {
    let variable = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = variable.context("expected NAME=VALUE, such as LOG_LEVEL=debug")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn up(repository: Repository, options: &Options, lang: Option<Lang>) -> Result<u8> {
    let runtime = Runtime::new().context("cannot start threads")?;
    let ended = runtime.block_on(run(Arc::new(repository), options, lang));
    runtime.shutdown_background();
    ended.map(|()| 0)
}

async fn run(repository: Arc<Repository>, options: &Options, lang: Option<Lang>) -> Result<()> {
    let game = options.game_day.game_day(&options.env)?;
    let subject = subject(&repository, options)?;
    // Ports first, because a build takes minutes.
    let port = free(options.port, "the service", "--port")?;
    let httpbin_port = free(options.httpbin_port, "the local httpbin", "--httpbin-port")?;
    let curl = format!("curl -i localhost:{port}/handson");
    let attendee = subject.as_ref().map(|subject| Arc::new(attendee(&repository, subject)));
    let extension = pages::extension(
        attendee.clone(),
        Some(repository.root.join(crate::guide::FOLDER)),
        port,
        game.clone(),
    );
    let monitors = monitors(&repository, options, subject.as_ref());
    let listening = options.console.listen(monitors, extension).await?;
    let surroundings = match game {
        Some(game) => {
            let console = Arc::clone(&listening.console);
            Some(
                Surroundings::start(game, &listening.url, httpbin_port, console, options.game_day.after())
                    .await?,
            )
        }
        None => None,
    };
    let lang = lang.unwrap_or_else(|| match &subject {
        Some(subject) => subject.language(&repository),
        None => environment_language(),
    });
    let stack = Stack {
        repository,
        lang,
        label: subject.as_ref().map_or("handson".to_owned(), Subject::label),
        subject,
        port,
        httpbin_port,
        surroundings,
        curl,
        url: listening.url.clone(),
        endpoint: listening.endpoint.clone(),
        console: Arc::clone(&listening.console),
        board: StatusBoard::new(Arc::clone(&listening.console), attendee),
        rate: options.rate,
        error_rate: options.error_rate,
        environment: options.env.clone(),
    };
    let serving = tokio::spawn(listening.serve());
    options.console.open(&stack.url);
    tokio::select! {
        ended = stack.run() => ended,
        ended = serving => ended.context("the console has panicked")?.context("the console has stopped"),
    }
}

/// The port, or a free one if it is 0.
fn free(port: u16, whose: &'static str, option: &'static str) -> Result<u16, PortError> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| listener.local_addr());
    bound.map(|address| address.port()).map_err(|error| PortError::new(port, whose, option, &error))
}

/// What is started by the options; `None` is the finished service.
fn subject(repository: &Repository, options: &Options) -> Result<Option<Subject>> {
    if options.command.is_given() {
        return Subject::choose(repository, &options.command, options.name.as_deref()).map(Some);
    }
    Ok(repository.backend_or_finished(options.name.as_deref())?.map(Subject::Backend))
}

/// The monitor files of the options, otherwise the one of the subject, otherwise the one of the finished
/// service.
fn monitors(repository: &Repository, options: &Options, subject: Option<&Subject>) -> Vec<PathBuf> {
    let named = options.console.monitors();
    if !named.is_empty() {
        return named;
    }
    let folder = subject.map_or(repository.root.clone(), |subject| subject.folder(repository));
    vec![folder.join("monitor.toml")]
}

fn attendee(repository: &Arc<Repository>, subject: &Subject) -> Attendee {
    let (repository_of_check, subject_of_check) = (Arc::clone(repository), subject.clone());
    let lang = subject.language(repository);
    Attendee {
        backend: subject.label(),
        arguments: subject.arguments(repository),
        lang,
        steps: subject.steps(repository),
        report: subject.report(repository),
        check: Box::new(move || {
            let (repository, subject) = (Arc::clone(&repository_of_check), subject_of_check.clone());
            Box::pin(async move {
                let selected = SelectedSteps::required(&repository, &subject);
                match check::check_steps(&repository, &subject, lang, true, &selected).await {
                    Ok(_) => Ok(()),
                    Err(RunError::BuildFailed) => {
                        let folder = subject.folder(&repository);
                        let error = compile_error::first_error(&folder, RunError::BuildFailed).await;
                        Err(text!(
                            "{subject} does not build, so it was not checked.\n\n{error}",
                            subject = subject.label(),
                            error
                        ))
                    }
                    Err(error) => Err(error.text()),
                }
            })
        }),
        progress: Default::default(),
        build_error: Default::default(),
    }
}
