//! `up`: the service or a backend, the stand-in for httpbin, the load generator and the console, with one command.

mod all;
mod group;
mod output;
mod program;
mod programs;

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tokio::runtime::Runtime;

use super::place::Place;
use super::{check, console};
use crate::console::Attendee;
use crate::steps::Step;
use all::All;
use program::Board;

pub(super) use group::guard;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The backend: of backend-sakura it is sakura [default: the one in whose folder you are, else the finished service]
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
    let named = options.name.as_deref().or(place.within());
    let name = named.map(|name| place.backend(Some(name))).transpose()?;
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
