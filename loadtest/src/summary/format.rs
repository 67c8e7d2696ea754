//! Times, shares and rates in k6's format.

use std::time::Duration;

use crate::metrics::Metrics;

/// A time in the summary: at most two decimal places, in a suitable unit.
pub fn milliseconds(time: f64) -> String {
    let (value, unit) = match time {
        0.0 => (0.0, "s"),
        _ if time < 0.001 => (time * 1e6, "ns"),
        _ if time < 1.0 => (time * 1e3, "µs"),
        _ if time < 1e3 => (time, "ms"),
        _ if time < 60e3 => (time / 1e3, "s"),
        _ => return clock(Duration::from_secs_f64(time / 1e3)),
    };
    let digits = format!("{value:.2}");
    format!("{}{unit}", digits.trim_end_matches('0').trim_end_matches('.'))
}

/// A share from 0 to 1, in percent. As in k6 it is truncated, not rounded, so that 100.00 % means that there
/// was no exception.
pub fn percent(share: f64) -> String {
    // A small number is added, because 0.29 is stored as 0.28999….
    format!("{:.2}%", (share * 10_000.0 + 1e-6).floor() / 100.0)
}

/// A rate.
pub fn per_second(count: u64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    let rate = if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
    let digits = format!("{rate:.6}");
    format!("{}/s", digits.trim_end_matches('0').trim_end_matches('.'))
}

/// The first half of a progress line: `running (0h01m00.0s), 00/50 VUs, 300 complete and 0 interrupted
/// iterations`.
pub fn running(metrics: &Metrics, duration: Option<Duration>) -> String {
    let (vus, vus_max) = metrics.vus();
    let width = vus_max.to_string().len();
    format!(
        "running ({}), {vus:0width$}/{vus_max} VUs, {} complete and {} interrupted iterations",
        padded(metrics.elapsed, duration),
        metrics.iterations,
        metrics.interrupted_iterations,
    )
}

/// The elapsed time, as wide as the time of the whole run.
fn padded(elapsed: Duration, duration: Option<Duration>) -> String {
    let tenths = elapsed.as_millis() / 100;
    let (hours, minutes) = (tenths / 36_000, tenths / 600 % 60);
    let seconds = format!("{:02}.{}s", tenths / 10 % 60, tenths % 10);
    match duration.map(|duration| duration.max(elapsed).as_secs()) {
        Some(..60) => seconds,
        Some(60..3600) => format!("{minutes:02}m{seconds}"),
        _ => format!("{hours}h{minutes:02}m{seconds}"),
    }
}

fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        ..3600 => format!("{}m{}s", seconds / 60, seconds % 60),
        _ => format!("{}h{}m{}s", seconds / 3600, seconds / 60 % 60, seconds % 60),
    }
}
