//! Formats numbers and times for people.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use maud::{Markup, html};

use crate::Lang;

/// `1.24 ms`, `380 µs`, `2.10 s`, of nanoseconds.
pub(crate) fn duration(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds {
        n if n < 1e3 => (n, "ns"),
        n if n < 1e6 => (n / 1e3, "µs"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    format!("{} {unit}", number(value))
}

/// `04:17:03.123`, of nanoseconds since 1970. It is in UTC; the script of the pages can show it in local
/// time.
pub(crate) fn time(nanoseconds: u64) -> Markup {
    element(nanoseconds, 11..23)
}

/// `04:17:03`, otherwise like [`time`].
pub(crate) fn clock(nanoseconds: u64) -> Markup {
    element(nanoseconds, 11..19)
}

/// `2026-01-02T04:17:03.123Z`, otherwise like [`time`].
pub(crate) fn date(nanoseconds: u64) -> Markup {
    element(nanoseconds, 0..24)
}

fn element(nanoseconds: u64, part: Range<usize>) -> Markup {
    let text = date_and_time(nanoseconds);
    html! { time datetime=(text) { (text.get(part).unwrap_or(&text)) } }
}

/// RFC 3339 to the millisecond, of nanoseconds since 1970.
pub(crate) fn date_and_time(nanoseconds: u64) -> String {
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(nanoseconds));
    humantime::format_rfc3339_millis(time.unwrap_or(SystemTime::UNIX_EPOCH)).to_string()
}

/// `3 s ago`, `5 min ago`.
pub(crate) fn ago(lang: Lang, then: u64, now: u64) -> String {
    match now.saturating_sub(then) / 1_000_000_000 {
        seconds @ 0..=99 => lang.trf("{n} s ago", &[("n", &seconds)]),
        seconds @ 100..=5_999 => lang.trf("{n} min ago", &[("n", &(seconds / 60))]),
        seconds => lang.trf("{n} h ago", &[("n", &(seconds / 3600))]),
    }
}

/// For serde: RFC 3339 to the millisecond, of nanoseconds since 1970.
pub(crate) fn rfc_3339<S: serde::Serializer>(nanoseconds: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&date_and_time(*nanoseconds))
}

/// `12.3 %`, of a share.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// `4.20`, `37`, `12,300`: three significant digits are enough.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return value.to_string();
    }
    if size >= 1e4 {
        return thousands(value);
    }
    if value == value.trunc() || size >= 100.0 {
        return format!("{value:.0}");
    }
    let decimals = if size >= 10.0 {
        1
    } else if size >= 1.0 {
        2
    } else {
        (2 - size.log10().floor() as i32).clamp(2, 9) as usize
    };
    format!("{value:.decimals$}")
}

fn thousands(value: f64) -> String {
    if value.abs() >= 1e15 {
        return format!("{value:.2e}");
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = if value < 0.0 { "-".to_owned() } else { String::new() };
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with its UCUM unit: `1.24 ms`, `37 request`.
pub(crate) fn with_unit(value: f64, unit: &str) -> String {
    match unit {
        "s" if value != 0.0 => duration(value * 1e9),
        "ms" if value != 0.0 => duration(value * 1e6),
        "By" => bytes(value),
        "" | "1" => number(value),
        unit => format!("{} {}", number(value), unit.trim_matches(['{', '}'])),
    }
}

/// `1.5 MiB`.
pub(crate) fn bytes(bytes: f64) -> String {
    match bytes.abs() {
        b if b < 1024.0 => format!("{bytes:.0} B"),
        b if b < 1024.0 * 1024.0 => format!("{:.1} KiB", bytes / 1024.0),
        b if b < 1024.0 * 1024.0 * 1024.0 => format!("{:.1} MiB", bytes / 1024.0 / 1024.0),
        _ => format!("{:.2} GiB", bytes / 1024.0 / 1024.0 / 1024.0),
    }
}

/// The first characters, for a table, followed by `…` if the text is longer.
pub(crate) fn short(text: &str, characters: usize) -> String {
    let mut short: String = text.chars().take(characters).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Escapes a text for a query or a path.
pub(crate) fn urlencoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// A path with a query of the fields that are not empty.
pub(crate) fn address(path: &str, fields: &[(&str, &str)]) -> String {
    format!("{path}?{}", query(fields))
}

/// A query of the fields that are not empty.
pub(crate) fn query(fields: &[(&str, &str)]) -> String {
    let filled = fields.iter().filter(|(_, value)| !value.is_empty());
    let query: Vec<String> = filled.map(|(name, value)| format!("{name}={}", urlencoded(value))).collect();
    query.join("&")
}

#[cfg(test)]
mod tests {
    use super::{duration, number, time, with_unit};

    #[test]
    fn numbers_are_formatted_for_people() {
        assert_eq!(duration(1_240_000.0), "1.24 ms");
        assert_eq!(
            [0.0012, 4.2, 37.0, 12_345.6, 0.5].map(number),
            ["0.00120", "4.20", "37", "12,346", "0.500"]
        );
        assert_eq!(with_unit(3.0, "{request}"), "3 request");
        let element = r#"<time datetime="2001-09-09T01:46:40.123Z">01:46:40.123</time>"#;
        assert_eq!(time(1_000_000_000_123_000_000).into_string(), element);
    }
}
