//! httpbin's clock: its telemetry passes through here on the way to the console, and gets other times if the
//! clock is wrong.

use std::sync::Arc;

use console::Console;
use otlp::model::{Data, Telemetry};
use otlp::{Rejected, Signal, Sink};

use crate::gameday::{Fault, GameDay};

/// Passes telemetry on to the console.
pub(super) struct HttpbinClock {
    game: Arc<GameDay>,
    console: Arc<Console>,
}

impl HttpbinClock {
    pub(super) fn new(game: Arc<GameDay>, console: Arc<Console>) -> Self {
        Self { game, console }
    }
}

impl Sink for HttpbinClock {
    fn add(&self, mut telemetry: Telemetry) -> Rejected {
        if let Some(began) = self.game.began()
            && self.game.plan.fault == Fault::ClockSkew
        {
            shift(&mut telemetry, began, self.game.plan.skew);
        }
        self.console.add(telemetry)
    }

    fn refuse(&self, signal: Option<Signal>, reason: String) {
        self.console.refuse(signal, reason);
    }
}

/// Moves what happened after `began` by `skew` nanoseconds.
fn shift(telemetry: &mut Telemetry, began: u64, skew: i64) {
    let shift = |time: &mut u64| {
        if *time >= began {
            *time = time.saturating_add_signed(skew);
        }
    };
    for span in &mut telemetry.spans {
        // SDKs measure durations by another clock, so a span keeps its duration.
        if span.end >= began {
            span.start = span.start.saturating_add_signed(skew);
            span.end = span.end.saturating_add_signed(skew);
        }
        span.events.iter_mut().for_each(|event| shift(&mut event.time));
    }
    for record in &mut telemetry.log_records {
        shift(&mut record.time);
        shift(&mut record.observed);
    }
    for metric in &mut telemetry.metrics {
        metric.gaps.iter_mut().for_each(|gap| shift(&mut gap.time));
        match &mut metric.data {
            Data::None => {}
            Data::Gauge(points) | Data::Sum { points, .. } => {
                points.iter_mut().for_each(|point| shift(&mut point.time));
            }
            Data::Histogram { points, .. } | Data::ExponentialHistogram { points, .. } => {
                points.iter_mut().for_each(|point| shift(&mut point.time));
            }
            Data::Summary(points) => points.iter_mut().for_each(|point| shift(&mut point.time)),
        }
    }
}
