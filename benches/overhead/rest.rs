//! Measures one service at a time: start to ready, resident memory, lost spans, size of the binary.
//!
//! CPU time is not measured here, because these services run one after the other.

use std::{fs, time::Duration};

use statistics::Spread;
use tokio::time::sleep;

use crate::{
    Result,
    client::Client,
    options::Options,
    report::{self, row},
    sink::Sink,
    variant::{ALL, BINARY, OFF, Upstream, Variant},
};

const STARTS: u32 = 10;
/// Time without a request before idle memory is read.
const IDLE: Duration = Duration::from_secs(2);
const RATE: u32 = 500;
const LOADED: Duration = Duration::from_secs(10);
/// Longer than the export interval of the batch processor.
const EXPORT_DELAY: Duration = Duration::from_secs(6);
/// Spans of a request that succeeds.
const SPANS_PER_REQUEST: u64 = 9;

/// Prints the figures without telemetry, with all signals, and those of a peer.
pub async fn measure(options: &Options, sink: &Sink, upstream: &Upstream) -> Result<()> {
    let mut starts = vec![row(["", "start to ready", "10th to 90th percentile"])];
    let mut loads =
        vec![row(["", "memory, idle", "peak, 500 requests/s", "peak, saturated", "spans arrived"])];
    for variant in [OFF, ALL].into_iter().chain(Variant::peer(options)) {
        eprintln!("overhead: start and memory of `{}`", variant.name());
        starts.push(start_repeatedly(&variant, sink, upstream).await?);
        loads.push(load(&variant, options, sink, upstream).await?);
    }
    report::heading(&format!("Start to ready, median of {STARTS}"));
    report::table(&starts);
    report::heading(&format!("Memory: {IDLE:?} idle, {LOADED:?} at {RATE} requests/s, {LOADED:?} saturated"));
    report::table(&loads);
    report::heading("Size of the release binary");
    report::line(&format!("{:.1} MB", fs::metadata(BINARY)?.len() as f64 / 1e6));
    Ok(())
}

async fn start_repeatedly(variant: &Variant, sink: &Sink, upstream: &Upstream) -> Result<Vec<String>> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let service = variant.start(sink, upstream).await?;
        times.push(service.process.start_to_ready.as_secs_f64() * 1e3);
    }
    let times = Spread::from_values(times);
    Ok(vec![
        variant.name(),
        format!("{:.1} ms", times.median),
        format!("{:.1} to {:.1} ms", times.p10, times.p90),
    ])
}

/// One process in all three states. Its peaks can be distinguished by their order: each state needs more
/// memory than the last.
async fn load(variant: &Variant, options: &Options, sink: &Sink, upstream: &Upstream) -> Result<Vec<String>> {
    sink.reset();
    sink.decode(true);
    let mut service = variant.start(sink, upstream).await?;
    sleep(IDLE).await;
    let idle = service.process.resident_mib()?;

    let mut client = Client::connect(&service.url, options.connections).await?;
    let outcome = client.paced(RATE, LOADED).await;
    let paced = service.process.explain(outcome)?;
    let peak_paced = service.process.peak_mib()?;

    let outcome = client.closed_loop(LOADED).await;
    let saturated = service.process.explain(outcome)?;
    let peak_saturated = service.process.peak_mib()?;

    sleep(EXPORT_DELAY).await;
    let arrived = sink.count(&variant.name(), "traces").items;
    let recorded = (paced.requests + saturated.requests) * SPANS_PER_REQUEST;
    Ok(vec![
        variant.name(),
        format!("{idle:.1} MiB"),
        format!("{peak_paced:.1} MiB"),
        format!("{peak_saturated:.1} MiB"),
        match variant.exports("traces") {
            Some(true) => format!("{arrived} of {recorded}"),
            Some(false) => "none recorded".to_owned(),
            None => arrived.to_string(),
        },
    ])
}
