//! `gameday`: sends an answer to the judge of a running `up --fault`.

use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use otlp::model::now;
use reqwest::StatusCode;
use tokio::runtime::Runtime;

use super::repository::environment_language;
use super::{Repository, fail};
use crate::gameday::Fault;
use crate::gameday::answer::{Answer, Since, SinceError, local_offset};
use crate::pages::gameday::Reply;
use crate::run;
use crate::steps::Lang;
use crate::text;

/// Time for the judge to read all telemetry.
const TIMEOUT: Duration = Duration::from_secs(120);

#[derive(Debug, Args)]
pub(super) struct Options {
    /// What is broken
    #[arg(long, value_name = "NAME")]
    what: Fault,
    /// Where: the smallest place that contains it; a service, the name of a span, or the value of an
    /// attribute
    #[arg(long = "where", value_name = "PLACE")]
    place: String,
    /// Since when, to 10 s: 10:42:10 (local or UTC), 10:42:10Z, or 2026-01-02T10:42:10Z
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Since,
    /// The address of the console that `up --fault` has printed
    #[arg(long, value_name = "URL", default_value = "http://localhost:4000")]
    console: String,
}

fn since(text: &str) -> Result<Since, SinceError> {
    Since::parse(text, now(), local_offset())
}

/// Returns 0 if all of the answer is right, otherwise 1.
pub(super) fn gameday(options: &Options, lang: Option<Lang>) -> Result<u8> {
    let lang = match Repository::here() {
        Ok(repository) => repository.output_language(lang),
        Err(_) => lang.unwrap_or_else(environment_language),
    };
    let answer = Answer {
        what: options.what,
        place: options.place.clone(),
        since: options.since.clone(),
        lang: lang.code().to_owned(),
    };
    let runtime = Runtime::new().context("cannot start threads")?;
    let reply = runtime.block_on(ask(options.console.trim_end_matches('/'), &answer))?;
    print(&reply, &answer);
    Ok(u8::from(!reply.right))
}

async fn ask(url: &str, answer: &Answer) -> Result<Reply> {
    let sent = run::client()?.post(format!("{url}/gameday")).json(answer).timeout(TIMEOUT).send().await;
    let response = sent.map_err(|error| {
        let error = format!("{:#}", anyhow::Error::from(error));
        fail(text!(
            "no console answers at {url}: start `cargo workshop up --fault random`, or name its console by --console ({error})",
            url,
            error
        ))
    })?;
    match response.status() {
        StatusCode::OK => Ok(response.json().await?),
        StatusCode::NOT_FOUND => Err(fail(text!(
            "no game day runs at {url}: start `cargo workshop up --fault random`, or name its console by --console",
            url
        ))),
        status => {
            let error = response.text().await.unwrap_or_default();
            Err(fail(text!(
                "the judge at {url} answers with {status}: {error}",
                url,
                status = status.as_u16(),
                error
            )))
        }
    }
}

fn print(reply: &Reply, answer: &Answer) {
    if let Some(note) = &reply.note {
        anstream::println!("{note}");
    }
    let (good, bad) = (anstyle::AnsiColor::Green.on_default(), anstyle::AnsiColor::Red.on_default());
    let what = answer.what.name();
    let answers = [("what", &what), ("where", &answer.place), ("since", &answer.since.text)];
    for finding in &reply.findings {
        let (style, mark) = if finding.right { (good, '✓') } else { (bad, '✗') };
        let answered = answers.iter().find(|(part, _)| *part == finding.part).map_or("", |(_, text)| text);
        anstream::println!("{style}{mark}{style:#} {:6} {answered}\n         {}", finding.part, finding.text);
        if let Some(trace) = &finding.trace {
            anstream::println!("         {trace}");
        }
    }
    for paragraph in &reply.reveal {
        anstream::println!("\n{paragraph}");
    }
}
