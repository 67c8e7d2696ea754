//! The notice of a monitor, and its delivery to a webhook in Slack's format.
//!
//! <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/>

use std::time::Duration;

use anstyle::{AnsiColor, Style};
use serde_json::json;

const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();

/// Time for the webhook to respond.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// A monitor has fired, or its service has recovered.
#[derive(Debug, Clone)]
pub struct Notice {
    /// `service.name`.
    pub service: String,
    /// Whether it fires or has recovered.
    pub firing: bool,
    /// The share of failures, from 0 to 1.
    pub error_rate: f64,
    /// Number of requests in the window.
    pub requests: u64,
    /// The length of the window.
    pub window: Duration,
    /// The share above which it fires, from 0 to 1.
    pub threshold: f64,
    /// A request that failed.
    pub trace_id: Option<String>,
    /// The address to which it is posted.
    pub webhook: Option<reqwest::Url>,
}

impl Notice {
    /// The message for Slack, in one line. `console` is the address of the console, for a link to the trace.
    pub fn text(&self, console: &str) -> String {
        let emoji = if self.firing { ":red_circle:" } else { ":large_green_circle:" };
        format!("{emoji} {}", self.message(console))
    }

    /// The message for a terminal, in one line, with colours as ANSI escapes.
    pub fn terminal(&self, console: &str) -> String {
        let style = if self.firing { RED } else { GREEN };
        format!("{style}●{style:#} {}", self.message(console))
    }

    fn message(&self, console: &str) -> String {
        let Self { service, requests, .. } = self;
        let (rate, threshold) = (100.0 * self.error_rate, 100.0 * self.threshold);
        let window = humantime::format_duration(self.window);
        let measured = format!("{rate:.1} % of {requests} requests in the last {window} failed");
        if !self.firing {
            return format!("{service} has recovered: {measured}");
        }
        let trace = self.trace_id.as_ref().map(|id| format!("; one of them: {console}/traces/{id}"));
        format!("{service} fails: {measured}, the threshold is {threshold} %{}", trace.unwrap_or_default())
    }

    /// Posts it to the webhook, if there is one, and logs it in any case.
    pub async fn send(self, console: &str) {
        anstream::println!("monitor: {}", self.terminal(console));
        let text = self.text(console);
        let Some(webhook) = self.webhook else { return };
        // The address may contain a secret, so only its host is logged.
        let host = webhook.host_str().unwrap_or_default().to_owned();
        let sent = match client(&webhook) {
            Ok(client) => {
                let body = json!({ "text": text }).to_string();
                let post = client.post(webhook).header("content-type", "application/json").body(body);
                post.send().await.and_then(reqwest::Response::error_for_status).map(drop)
            }
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            let why = error.without_url();
            anstream::eprintln!("monitor: the webhook at {host} was not reached: {why}");
        }
    }
}

/// The client for `webhook`. A proxy cannot reach this machine's loopback address, so none is used for it.
fn client(webhook: &reqwest::Url) -> reqwest::Result<reqwest::Client> {
    // This fails if a provider is already installed, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().timeout(WEBHOOK_TIMEOUT).user_agent("workshop");
    if is_loopback(webhook) { builder.no_proxy().build() } else { builder.build() }
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
