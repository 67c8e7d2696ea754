//! Monitors: the share of a service's requests that fail, over a window of time, against a threshold.
//!
//! A monitor is a file, `monitor.toml`:
//!
//! ```toml
//! service = "handson"      # service.name
//! window = "1m"            # 10s to 15m
//! threshold = 0.05         # fires above: more than 0, at most 1
//! min_requests = 20        # judges nothing on fewer in the window; 1 or more
//! webhook = "https://…"    # Slack's shape; may be left out
//! ```

mod definition;
mod notice;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;

use super::store::{Rates, Store};
pub use definition::{Definition, DefinitionError};
pub use notice::Notice;

/// How long the rate must stay at or below the threshold before a firing monitor is ok again, in nanoseconds.
/// Without it, a rate that moves around the threshold would cause many alerts.
const CALM: u64 = 10_000_000_000;
/// Maximum number of state changes to keep.
const MAX_CHANGES: usize = 50;

/// The state of a monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Too few requests in the window.
    NoData,
    /// The share of failures is at or below the threshold.
    Ok,
    /// The share of failures is above the threshold.
    Firing,
}

/// A change of state.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// Nanoseconds since 1970.
    #[serde(serialize_with = "crate::pages::format::rfc_3339")]
    pub at: u64,
    /// The new state.
    pub state: State,
    /// The share of failures at that time, from 0 to 1.
    pub error_rate: f64,
    /// A request that failed.
    pub trace_id: Option<String>,
}

/// A monitor with its current state.
#[derive(Debug)]
pub struct Monitor {
    file: PathBuf,
    modified: Option<SystemTime>,
    /// The content of the file, or what is wrong with it.
    pub definition: Result<Definition, DefinitionError>,
    /// The state since the last change.
    pub state: State,
    /// The share of failures in the current window, from 0 to 1.
    pub error_rate: f64,
    /// SERVER spans in the current window.
    pub requests: u64,
    /// The time since which the rate has been at or below the threshold.
    calm_since: Option<u64>,
    /// Newest first.
    pub history: VecDeque<Change>,
}

impl Monitor {
    /// The monitor that `file` defines. The file may be created, changed and deleted while the console runs.
    pub fn new(file: PathBuf) -> Self {
        let read = read(Watched { file: file.clone(), modified: None });
        let mut monitor = Self { file, ..Self::from_definition(Err(DefinitionError::Missing)) };
        monitor.update(read);
        monitor
    }

    /// A monitor without a file. Its user calls [`Monitor::evaluate`].
    pub fn from_definition(definition: Result<Definition, DefinitionError>) -> Self {
        Self {
            file: PathBuf::new(),
            modified: None,
            definition,
            state: State::NoData,
            error_rate: 0.0,
            requests: 0,
            calm_since: None,
            history: VecDeque::new(),
        }
    }

    /// The path of the file, as shown on the page.
    pub fn file(&self) -> String {
        let here = std::env::current_dir().unwrap_or_default();
        self.file.strip_prefix(here).unwrap_or(&self.file).display().to_string()
    }

    /// The input for [`read`].
    pub(crate) fn watched(&self) -> Watched {
        Watched { file: self.file.clone(), modified: self.modified }
    }

    /// Takes the result of [`read`].
    pub(crate) fn update(&mut self, read: Option<Read>) {
        let Some(Read { modified, definition }) = read else { return };
        let service = |definition: &Result<Definition, _>| Some(definition.as_ref().ok()?.service.clone());
        if service(&self.definition) != service(&definition) {
            self.state = State::NoData;
        }
        (self.modified, self.definition) = (modified, definition);
    }

    /// Evaluates the monitor, once per second. Returns a notice if its state has changed.
    pub fn judge(&mut self, store: &Store, now: u64) -> Option<Notice> {
        let service = &self.definition.as_ref().ok()?.service;
        self.evaluate(store.rates.get(service), now)
    }

    /// Evaluates the monitor with the rates of its service. Returns a notice if its state has changed.
    pub fn evaluate(&mut self, rates: Option<&Rates>, now: u64) -> Option<Notice> {
        let definition = self.definition.as_ref().ok()?;
        let window = rates.map(|rates| rates.over(definition.window, now)).unwrap_or_default();
        (self.error_rate, self.requests) = (window.error_rate(), window.requests);
        let is_above = self.error_rate > definition.threshold;
        let calm_since = if is_above { None } else { Some(self.calm_since.unwrap_or(now)) };
        let is_calm = calm_since.is_some_and(|since| now >= since + CALM);
        self.calm_since = calm_since;
        let state = match self.requests {
            0 => State::NoData,
            // With too few requests, the state stays as it is.
            few if few < definition.min_requests => self.state,
            _ if is_above => State::Firing,
            _ if self.state == State::Firing && !is_calm => State::Firing,
            _ => State::Ok,
        };
        if state == self.state {
            return None;
        }
        let was_firing = self.state == State::Firing;
        self.state = state;
        let trace_id = rates.and_then(|rates| rates.last_failed.clone());
        self.history.push_front(Change {
            at: now,
            state,
            error_rate: self.error_rate,
            trace_id: trace_id.clone(),
        });
        self.history.truncate(MAX_CHANGES);
        let is_told = state == State::Firing || was_firing && state == State::Ok;
        is_told.then(|| Notice {
            service: definition.service.clone(),
            firing: state == State::Firing,
            error_rate: self.error_rate,
            requests: self.requests,
            window: definition.window,
            threshold: definition.threshold,
            trace_id,
            webhook: definition.webhook.clone(),
        })
    }
}

/// A file, and its modification time when it was read.
pub(crate) struct Watched {
    file: PathBuf,
    modified: Option<SystemTime>,
}

/// The result of checking a file for changes.
pub(crate) struct Read {
    modified: Option<SystemTime>,
    definition: Result<Definition, DefinitionError>,
}

/// Reads a file if it has changed or does not exist. It may block as long as the file system does.
pub(crate) fn read(Watched { file, modified: known }: Watched) -> Option<Read> {
    let modified = modified(&file);
    let is_unchanged = modified.is_some() && modified == known;
    (!is_unchanged).then(|| Read { modified, definition: Definition::read(&file) })
}

fn modified(file: &Path) -> Option<SystemTime> {
    file.metadata().and_then(|file| file.modified()).ok()
}
