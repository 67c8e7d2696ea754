//! Assembles the program: options, target, load, summary.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use loadtest::console::Console;
use loadtest::metrics::Metrics;
use loadtest::options::Options;
use loadtest::spans::{Delivery, Spans};
use loadtest::summary::{self, format};
use loadtest::target::Target;
use loadtest::vu::Scenario;
use loadtest::{executor, health};
use tokio::runtime;

/// k6's exit status if a threshold was crossed.
const THRESHOLDS_CROSSED: u8 = 99;

fn main() -> ExitCode {
    let options = match Options::read() {
        Ok(options) => options,
        Err(error) => {
            // If standard error is closed, the exit status still reports the error.
            let _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    match run(&options) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("loadtest: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<ExitCode> {
    // Needed for HTTPS to the target and the collector. This fails if a provider is already installed, which
    // is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    if let Some(file) = &options.summary_export {
        // Checks at the start that the file can be written, not after two hours. Its content is kept until
        // there is a new summary.
        OpenOptions::new().create(true).append(true).open(file).with_context(|| cannot_write(file))?;
    }

    let spans = options.otlp.then(Spans::otlp).transpose()?;
    let delivery = spans.as_ref().map(Spans::delivery);
    let mut console = Console::new(options.plan(), delivery.clone());
    // One thread, because the main cost of a small request is passing it between threads.
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let metrics = runtime.block_on(load(options, spans.clone(), &mut console))?;
    if let Some(spans) = spans {
        spans.flush();
        console.report_lost_spans();
    }

    let holds = options.threshold.iter().all(|threshold| threshold.holds(&metrics));
    // If standard output is closed, the exit status and the file still report the result.
    let _ = print(options, &metrics, delivery.as_deref());
    if let Some(file) = &options.summary_export {
        export(file, options, &metrics)?;
    }
    if !holds {
        console.print_message("thresholds have been crossed");
    }
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::from(THRESHOLDS_CROSSED) })
}

async fn load(options: &Options, spans: Option<Spans>, console: &mut Console) -> Result<Metrics> {
    let stop = shutdown::stop_signal()?;
    tokio::pin!(stop);
    if let Some(url) = options.health() {
        let health = Target::new(url, options.timeout)?;
        tokio::select! {
            healthy = health::wait(health, options.wait_timeout, |message| console.print_message(message)) => healthy?,
            () = &mut stop => bail!("stopped before the target was healthy"),
        }
    }
    let target = Target::new(options.url.clone(), options.timeout)?
        .with_method(options.method.clone())
        .with_headers(&options.header)
        .with_body(options.body.clone().unwrap_or_default());
    let scenario = Scenario { target, checks: options.check.clone(), spans };
    console.announce(&scenario.target);
    let metrics = executor::run(options.plan(), scenario, stop, console).await;
    console.clear_line();
    Ok(metrics)
}

fn print(options: &Options, metrics: &Metrics, spans: Option<&Delivery>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    summary::write(&mut out, metrics, &options.threshold)?;
    if let Some(delivery) = spans {
        let (spans, exported) = (delivery.spans(), delivery.exported());
        writeln!(out, "    OTLP\n    spans: {spans}, {} of them lost\n", spans.saturating_sub(exported))?;
    }
    writeln!(out, "{}", format::running(metrics, options.plan().schedule.duration))
}

fn export(file: &Path, options: &Options, metrics: &Metrics) -> Result<()> {
    let json = serde_json::to_string_pretty(&summary::json::summary(metrics, &options.threshold))?;
    std::fs::write(file, json + "\n").with_context(|| cannot_write(file))
}

fn cannot_write(file: &Path) -> String {
    format!("--summary-export: cannot write {}", file.display())
}
