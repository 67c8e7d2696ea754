//! Output while the load runs: one line that is updated in place, or plain lines if the output is not a
//! terminal. Messages go to standard error.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::executor::{Observer, Plan};
use crate::iteration::Iteration;
use crate::metrics::Metrics;
use crate::reachability::Reachability;
use crate::spans::Delivery;
use crate::summary::format;
use crate::target::Target;

/// Time between two plain lines.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Prints the progress of a run.
#[derive(Debug)]
pub struct Console {
    plan: Plan,
    spans: Option<Arc<Delivery>>,
    has_reported_lost_spans: bool,
    is_terminal: bool,
    reachability: Reachability,
    /// Time and number of iterations when the last line was printed.
    shown: (Duration, u64),
}

impl Console {
    /// A console for a run of `plan`.
    pub fn new(plan: Plan, spans: Option<Arc<Delivery>>) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let shown = (Duration::ZERO, 0);
        Self {
            plan,
            spans,
            has_reported_lost_spans: false,
            is_terminal,
            reachability: Reachability::default(),
            shown,
        }
    }

    /// Prints a message on a line of its own.
    pub fn print_message(&self, message: &str) {
        self.clear_line();
        // If standard error is closed, the message cannot be printed.
        let _ = writeln!(io::stderr(), "loadtest: {message}");
    }

    /// Prints what will be run, as k6 does.
    pub fn announce(&self, target: &Target) {
        let Plan { schedule, pre_allocated_vus, max_vus, graceful_stop } = self.plan;
        let vus = match pre_allocated_vus {
            all if all == max_vus => max_vus.to_string(),
            some => format!("{some}-{max_vus}"),
        };
        let duration = match schedule.duration {
            Some(duration) => format!("for {}", humantime::format_duration(duration)),
            None => "until stopped".to_owned(),
        };
        let _ = writeln!(
            io::stdout(),
            "{} {}: {:.2} iterations/s {duration} (maxVUs: {vus}, gracefulStop: {})\n",
            target.method(),
            target.public_url(),
            schedule.per_second(),
            humantime::format_duration(graceful_stop),
        );
    }

    /// Prints the progress.
    pub fn show(&mut self, metrics: &Metrics) {
        let (time, iterations) = self.shown;
        let rate = match metrics.elapsed.saturating_sub(time) {
            Duration::ZERO => 0.0,
            period => (metrics.iterations - iterations) as f64 / period.as_secs_f64(),
        };
        self.shown = (metrics.elapsed, metrics.iterations);
        let line = format!(
            "{}, {rate:.2} iters/s, {} failed",
            format::running(metrics, self.plan.schedule.duration),
            metrics.http_req_failed,
        );
        let mut stdout = io::stdout();
        let _ = match self.progress(metrics.elapsed) {
            Some(bar) if self.is_terminal => write!(stdout, "\r\x1b[K{bar} {line}"),
            _ if self.is_terminal => write!(stdout, "\r\x1b[K{line}"),
            _ => writeln!(stdout, "{line}"),
        };
        let _ = stdout.flush();
    }

    /// Reports once why spans cannot be exported, if they cannot.
    pub fn report_lost_spans(&mut self) {
        let failure = self.spans.as_ref().and_then(|spans| spans.first_failure());
        if let Some(failure) = failure.filter(|_| !self.has_reported_lost_spans) {
            self.print_message(&format!(
                "exporting spans failed: {failure}; the summary shows how many are lost"
            ));
            self.has_reported_lost_spans = true;
        }
    }

    /// Clears the line that is updated in place.
    pub fn clear_line(&self) {
        if self.is_terminal {
            let _ = write!(io::stdout(), "\r\x1b[K");
            let _ = io::stdout().flush();
        }
    }

    fn progress(&self, elapsed: Duration) -> Option<String> {
        const WIDTH: usize = 20;
        let part = (elapsed.as_secs_f64() / self.plan.schedule.duration?.as_secs_f64()).min(1.0);
        let full = (part * WIDTH as f64) as usize;
        Some(format!("[{:-<WIDTH$}] {:3.0}%", "=".repeat(full), part * 100.0))
    }
}

impl Observer for Console {
    fn finished(&mut self, iteration: &Iteration) {
        if let Some(message) = self.reachability.record(iteration, Instant::now()) {
            self.print_message(&message);
        }
    }

    fn out_of_vus(&mut self, vus: u32) {
        self.print_message(&format!(
            "Insufficient VUs, reached {vus} active VUs and cannot initialize more; iterations are dropped (--max-vus)"
        ));
    }

    fn second(&mut self, metrics: &Metrics) {
        self.report_lost_spans();
        let due = if self.is_terminal { Duration::ZERO } else { LINE_INTERVAL };
        // The tolerance of half a second is needed because a tick may be a little early.
        if metrics.elapsed + Duration::from_millis(500) >= self.shown.0 + due {
            self.show(metrics);
        }
    }
}
