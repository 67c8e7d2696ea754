//! A game day: its options, and what it changes around the service.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use ::console::Console;
use anyhow::{Context, Result};
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use super::gate::Gate;
use crate::commands::fail;
use crate::gameday::environment::{Environment, VARIABLES};
use crate::gameday::{Fault, GameDay, Plan};
use crate::text;

/// What surrounds the service on a game day.
pub(super) struct Surroundings {
    pub(super) game: Arc<GameDay>,
    pub(super) environment: Environment,
    /// The time until something breaks, in seconds: `45` or `30..90`.
    pub(super) after: String,
}

impl Surroundings {
    /// Starts everything that is not a program. `url` is the address of the console, and the proxy takes
    /// `proxy_port`.
    pub(super) async fn start(
        game: Arc<GameDay>,
        url: &str,
        proxy_port: u16,
        console: Arc<Console>,
        after: String,
    ) -> Result<Self> {
        game.set_console_url(url);
        let environment = Environment::start(&game, proxy_port, console).await;
        let environment = environment.context("cannot start what surrounds the service")?;
        Ok(Self { game, environment, after })
    }

    /// Lets the fault begin at its time, once the service is ready.
    pub(super) fn begin(&self, service: Arc<Gate>) {
        let game = Arc::clone(&self.game);
        tokio::spawn(async move {
            service.wait_until(true).await;
            game.begin().await;
        });
    }
}

/// The largest seed that is drawn, so that it is easy to type.
const MAX_DRAWN_SEED: u64 = 9_999;

#[derive(Debug, Args)]
pub(super) struct GameDayOptions {
    /// Break one thing around the service after a while; `random` does not say which
    ///
    /// `cargo workshop gameday` judges what you find.
    #[arg(long, value_name = "NAME", conflicts_with = "error_rate")]
    fault: Option<Choice>,
    /// Makes the fault, its place and its start repeatable [default: drawn at random]
    #[arg(long, value_name = "N", requires = "fault")]
    seed: Option<u64>,
    /// Time from the start of the service to the start of the fault: a duration, or a range from which it is
    /// drawn
    #[arg(long, value_name = "DURATION", default_value = "30s..90s", value_parser = range, requires = "fault")]
    fault_after: RangeInclusive<Duration>,
}

/// A fault, or one of all.
#[derive(Debug, Clone, Copy)]
enum Choice {
    Random,
    Named(Fault),
}

impl ValueEnum for Choice {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Random,
            Self::Named(Fault::SlowQuery),
            Self::Named(Fault::SlowUpstream),
            Self::Named(Fault::Pool),
            Self::Named(Fault::RetryStorm),
            Self::Named(Fault::LostContext),
            Self::Named(Fault::ClockSkew),
            Self::Named(Fault::FlakyUpstream),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Random => Some(PossibleValue::new("random").help("One of the others, which is not shown")),
            Self::Named(fault) => fault.to_possible_value(),
        }
    }
}

fn range(text: &str) -> Result<RangeInclusive<Duration>> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let bounds = (humantime::parse_duration(from).ok(), humantime::parse_duration(to).ok());
    let (Some(from), Some(to)) = bounds else { return Err(not_a_range()) };
    (from <= to).then_some(from..=to).ok_or_else(not_a_range)
}

fn not_a_range() -> anyhow::Error {
    anyhow::anyhow!("expected a duration such as 45s, or a range such as 30s..90s")
}

impl GameDayOptions {
    /// The game day, if there is one. `environment` has the variables of `--env`.
    pub(super) fn game_day(&self, environment: &[(String, String)]) -> Result<Option<Arc<GameDay>>> {
        let Some(choice) = self.fault else { return Ok(None) };
        if let Some((name, value)) = environment.iter().find(|(name, _)| VARIABLES.contains(&name.as_str())) {
            return Err(fail(text!(
                "invalid value '{name}={value}' for '--env <NAME=VALUE>': with --fault, `up` sets {name} itself",
                name,
                value
            )));
        }
        let seed = self.seed.unwrap_or_else(|| rand::random_range(0..=MAX_DRAWN_SEED));
        let fault = match choice {
            Choice::Random => None,
            Choice::Named(fault) => Some(fault),
        };
        Ok(Some(Arc::new(GameDay::new(Plan::draw(fault, seed, self.fault_after.clone())))))
    }

    /// The time until something breaks, in seconds: `45` or `30..90`.
    pub(super) fn after(&self) -> String {
        let (from, to) = (self.fault_after.start().as_secs(), self.fault_after.end().as_secs());
        if from == to { from.to_string() } else { format!("{from}..{to}") }
    }
}
