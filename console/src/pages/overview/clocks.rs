//! Services whose clocks differ from this computer's.

use std::time::Duration;

use serde::Serialize;

use crate::Lang;
use crate::store::Store;

/// The clock of a service, if it is wrong.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ClockView {
    service: String,
    /// Negative if the clock is ahead.
    behind_seconds: f64,
}

impl ClockView {
    pub(super) fn all(store: &Store, now: u64) -> Vec<Self> {
        let wrong = store.rates.iter().filter_map(|(service, rates)| {
            let behind_seconds = rates.clock.behind(now)? as f64 / 1e9;
            Some(Self { service: service.clone(), behind_seconds })
        });
        wrong.collect()
    }

    pub(super) fn text(&self, lang: Lang) -> String {
        let seconds = self.behind_seconds.abs().round();
        // The seconds of a long time would change with each export.
        let seconds = if seconds < 100.0 { seconds } else { (seconds / 60.0).round() * 60.0 };
        let time = humantime::format_duration(Duration::from_secs(seconds as u64));
        let arguments: [(&str, &dyn std::fmt::Display); 2] = [("service", &self.service), ("time", &time)];
        if self.behind_seconds < 0.0 {
            lang.trf("The clock of {service} is {time} ahead of this computer's: its requests are counted when they arrive.", &arguments)
        } else {
            lang.trf("The clock of {service} is {time} behind this computer's, or it exports late: its requests are counted with this difference.", &arguments)
        }
    }
}
