//! An attendee's answer: what, where and since when.

use std::ops::RangeInclusive;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::fault::Fault;

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 24 * 60 * 60;

/// An answer, as `cargo workshop gameday` sends it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    /// What is broken.
    pub what: Fault,
    /// A service, the name of a span, or the value of an attribute.
    #[serde(rename = "where")]
    pub place: String,
    /// Since when.
    pub since: Since,
    /// The language of the judgement: `en` or `ja`.
    pub lang: String,
}

/// A time of day or a date with time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// As it was typed.
    pub text: String,
    /// What it can mean, in nanoseconds since 1970, the most likely first: a time of day is local or UTC.
    pub times: Vec<u64>,
}

/// Why a text is no time.
#[derive(Debug, thiserror::Error)]
#[error("expected a time such as 10:42:10, 10:42:10Z for UTC, or 2026-01-02T10:42:10Z")]
pub struct SinceError;

impl Since {
    /// Parses a time; `now` is in nanoseconds since 1970, and `offset` is what a local time is ahead of UTC,
    /// in seconds.
    ///
    /// # Errors
    ///
    /// The text is no time.
    pub fn parse(text: &str, now: u64, offset: i64) -> Result<Self, SinceError> {
        let text = text.trim();
        if let Ok(date) = humantime::parse_rfc3339_weak(text) {
            let since_1970 = date.duration_since(UNIX_EPOCH).unwrap_or_default();
            let times = vec![u64::try_from(since_1970.as_nanos()).map_err(|_| SinceError)?];
            return Ok(Self { text: text.to_owned(), times });
        }
        let (time, offsets): (&str, &[i64]) = match text.strip_suffix('Z') {
            Some(time) => (time, &[0]),
            None => (text, &[offset, 0]),
        };
        let of_day = time_of_day(time).ok_or(SinceError)?;
        let mut times: Vec<u64> = offsets.iter().map(|offset| latest(of_day, now, *offset)).collect();
        times.dedup();
        Ok(Self { text: text.to_owned(), times })
    }

    /// The meaning within `range`, otherwise the most likely one.
    pub fn within(&self, range: &RangeInclusive<u64>) -> u64 {
        let fitting = self.times.iter().find(|time| range.contains(time));
        fitting.or(self.times.first()).copied().unwrap_or_default()
    }
}

/// Seconds since midnight; parts of a second are left out.
fn time_of_day(text: &str) -> Option<u64> {
    let text = text.split_once(['.', ',']).map_or(text, |(whole, _)| whole);
    let mut parts = text.split(':').map(|part| {
        let is_number = !part.is_empty() && part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { part.parse::<u64>().ok() } else { None }
    });
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = parts.next().unwrap_or(Some(0))?;
    let is_time = hours < 24 && minutes < 60 && seconds < 60 && parts.next().is_none();
    is_time.then_some(hours * 3600 + minutes * 60 + seconds)
}

/// The latest moment up to a minute from now with this time of day.
fn latest(of_day: u64, now: u64, offset: i64) -> u64 {
    let local = (now / SECOND + 60).saturating_add_signed(offset);
    let back = (local % DAY + DAY - of_day) % DAY;
    (local - back).saturating_add_signed(-offset) * SECOND
}

/// What the local time is ahead of UTC, in seconds. The standard library does not know it; `date` does, on
/// every Unix. If it does not answer, local times are UTC.
pub fn local_offset() -> i64 {
    let output = std::process::Command::new("date").arg("+%z").output();
    let text = output.ok().and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    parse_offset(text.trim()).unwrap_or_default()
}

/// `+0900` in seconds.
fn parse_offset(text: &str) -> Option<i64> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let number: i64 = digits.parse().ok()?;
    (digits.len() == 4).then_some(sign * (number / 100 * 3600 + number % 100 * 60))
}

/// RFC 3339 in UTC, to the second.
pub(super) fn utc(nanoseconds: u64) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_nanos(nanoseconds)).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::{SECOND, Since, parse_offset, utc};

    /// 2026-01-02T03:04:05Z.
    const NOW: u64 = 1_767_323_045 * SECOND;
    const TOKYO: i64 = 9 * 3600;

    fn times(text: &str) -> Vec<String> {
        Since::parse(text, NOW, TOKYO).unwrap().times.into_iter().map(utc).collect()
    }

    #[test]
    fn a_time_of_day_is_the_last_one_local_or_utc() {
        assert_eq!(times("12:04:00"), ["2026-01-02T03:04:00Z", "2026-01-01T12:04:00Z"]);
        assert_eq!(times("03:04:00.123Z"), ["2026-01-02T03:04:00Z"]);
        assert_eq!(times("23:59"), ["2026-01-01T14:59:00Z", "2026-01-01T23:59:00Z"]);
        assert_eq!(times("2026-01-02T03:00:00Z"), ["2026-01-02T03:00:00Z"]);
    }

    #[test]
    fn what_is_no_time_is_refused_with_an_example() {
        for text in ["", "yesterday", "10", "24:00:00", "10:61:00", "10:42:10:00", "10:4x:10", "+1:00:00"] {
            let error = Since::parse(text, NOW, 0).unwrap_err().to_string();
            assert!(error.contains("expected a time such as 10:42:10"), "{text}: {error}");
        }
    }

    #[test]
    fn the_meaning_is_the_one_that_fits() {
        let since = Since::parse("03:03:00", NOW, TOKYO).unwrap();
        assert_eq!(utc(since.within(&(NOW - 300 * SECOND..=NOW))), "2026-01-02T03:03:00Z");
        assert_eq!(utc(since.within(&(NOW..=NOW))), "2026-01-01T18:03:00Z");
    }

    #[test]
    fn an_offset_is_hours_and_minutes() {
        assert_eq!(parse_offset("+0900"), Some(TOKYO));
        assert_eq!(parse_offset("-0330"), Some(-12_600));
        assert_eq!(parse_offset("UTC"), None);
    }
}
