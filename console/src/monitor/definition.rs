//! `monitor.toml`.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::store::HISTORY_WINDOW;

/// The shortest window; the grain of time is 5 s.
const SHORTEST: Duration = Duration::from_secs(10);

/// Bytes of a file.
const MAX_BYTES: u64 = 64 * 1024;

/// What a monitor watches, and when it fires.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// `service.name`.
    pub service: String,
    /// How far back it looks.
    pub window: Duration,
    /// The share of failures above which it fires: more than 0, at most 1.
    pub threshold: f64,
    /// Fewer requests than these in the window say nothing.
    pub min_requests: u64,
    /// Where it tells of it, in Slack's shape.
    pub webhook: Option<reqwest::Url>,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    service: String,
    window: String,
    threshold: f64,
    min_requests: u64,
    webhook: Option<String>,
}

impl Definition {
    /// Reads `file`.
    ///
    /// # Errors
    ///
    /// In words for people: what is wrong, and what is allowed.
    pub fn read(file: &Path) -> Result<Self, String> {
        let unreadable = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                "The file does not exist yet. It defines when too many requests fail.".to_owned()
            }
            _ => format!("it cannot be read: {error}"),
        };
        // To open a FIFO would wait for its writer, and a device may never end.
        if !file.metadata().map_err(unreadable)?.is_file() {
            return Err("it is not a regular file".to_owned());
        }
        let mut text = String::new();
        let limited = fs::File::open(file).map_err(unreadable)?.take(MAX_BYTES + 1).read_to_string(&mut text);
        match limited {
            Ok(bytes) if bytes as u64 > MAX_BYTES => {
                Err(format!("it is too large: a monitor has at most {MAX_BYTES} bytes"))
            }
            Ok(_) => Self::parse(&text),
            Err(error) => Err(unreadable(error)),
        }
    }

    /// Parses the text of `monitor.toml`.
    ///
    /// # Errors
    ///
    /// In words for people: what is wrong, and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        if file.service.is_empty() {
            return Err("service is empty; it is the service.name, such as \"handson\"".to_owned());
        }
        let window = humantime::parse_duration(&file.window).ok();
        let window =
            window.filter(|window| (SHORTEST..=HISTORY_WINDOW).contains(window)).ok_or_else(|| {
                format!("window is {:?}; allowed is a duration from 10s to 15m, such as \"1m\"", file.window)
            })?;
        if !(file.threshold > 0.0 && file.threshold <= 1.0) {
            let told = file.threshold;
            return Err(format!("threshold is {told}; allowed is a share above 0 and up to 1, such as 0.05"));
        }
        if file.min_requests == 0 {
            return Err("min_requests is 0; allowed is 1 or more".to_owned());
        }
        let webhook = match file.webhook.as_deref() {
            None | Some("") => None,
            Some(url) => match reqwest::Url::parse(url) {
                Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Some(url),
                _ => {
                    return Err(format!("webhook is {url:?}; allowed is an http:// or https:// address"));
                }
            },
        };
        Ok(Self {
            service: file.service,
            window,
            threshold: file.threshold,
            min_requests: file.min_requests,
            webhook,
        })
    }
}
