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

/// How long the rate must keep at or below the threshold before a monitor that fires is ok again: a rate that wavers about
/// the threshold is one alert, and not many. Nanoseconds.
const CALM: u64 = 10_000_000_000;
/// Changes of state that are kept.
const MAX_CHANGES: usize = 50;

/// What a monitor says of its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Too few requests in the window.
    NoData,
    /// The share of failures is at or below the threshold.
    Ok,
    /// It is above.
    Firing,
}

/// A change of state.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// Nanoseconds since 1970.
    #[serde(serialize_with = "crate::pages::format::rfc_3339")]
    pub at: u64,
    /// From then on.
    pub state: State,
    /// The share of failures at that time, from 0 to 1.
    pub error_rate: f64,
    /// A request that had failed.
    pub trace_id: Option<String>,
}

/// A monitor, and what has become of it.
#[derive(Debug)]
pub struct Monitor {
    file: PathBuf,
    modified: Option<SystemTime>,
    /// What the file says, or what is wrong with it.
    pub definition: Result<Definition, DefinitionError>,
    /// Since the last change.
    pub state: State,
    /// The share of failures in the window now, from 0 to 1.
    pub error_rate: f64,
    /// SERVER spans in the window now.
    pub requests: u64,
    /// Since when the rate is at or below the threshold.
    calm_since: Option<u64>,
    /// Newest first.
    pub history: VecDeque<Change>,
}

impl Monitor {
    /// The monitor that `file` defines. The file may come, change and go while the console runs.
    pub fn new(file: PathBuf) -> Self {
        let read = read(Watched { file: file.clone(), modified: None });
        let mut monitor = Self { file, ..Self::from_definition(Err(DefinitionError::Missing)) };
        monitor.update(read);
        monitor
    }

    /// A monitor that no file stands behind: it is judged by [`Monitor::evaluate`].
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

    /// The file as it is named on the page.
    pub fn file(&self) -> String {
        let here = std::env::current_dir().unwrap_or_default();
        self.file.strip_prefix(here).unwrap_or(&self.file).display().to_string()
    }

    /// What [`read`] needs to know.
    pub(crate) fn watched(&self) -> Watched {
        Watched { file: self.file.clone(), modified: self.modified }
    }

    /// Takes what [`read`] has found.
    pub(crate) fn update(&mut self, read: Option<Read>) {
        let Some(Read { modified, definition }) = read else { return };
        let service = |definition: &Result<Definition, _>| Some(definition.as_ref().ok()?.service.clone());
        if service(&self.definition) != service(&definition) {
            self.state = State::NoData;
        }
        (self.modified, self.definition) = (modified, definition);
    }

    /// Judges, once a second. Gives what is to be told.
    pub fn judge(&mut self, store: &Store, now: u64) -> Option<Notice> {
        let service = &self.definition.as_ref().ok()?.service;
        self.evaluate(store.rates.get(service), now)
    }

    /// Judges by the rates of its service. Gives what is to be told.
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
            // Too few to say that anything has changed.
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

/// A file, and when it had been modified when it was read.
pub(crate) struct Watched {
    file: PathBuf,
    modified: Option<SystemTime>,
}

/// What has become of a file.
pub(crate) struct Read {
    modified: Option<SystemTime>,
    definition: Result<Definition, DefinitionError>,
}

/// Reads a file if it has changed, or does not exist. It may take as long as the file system does.
pub(crate) fn read(Watched { file, modified: known }: Watched) -> Option<Read> {
    let modified = modified(&file);
    let is_unchanged = modified.is_some() && modified == known;
    (!is_unchanged).then(|| Read { modified, definition: Definition::read(&file) })
}

fn modified(file: &Path) -> Option<SystemTime> {
    file.metadata().and_then(|file| file.modified()).ok()
}
