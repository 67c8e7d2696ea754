//! CPU time per request of every variant, loaded in turn.

mod tables;

use std::time::Duration;

use rand::seq::SliceRandom;
use tokio::time::sleep;

use crate::{
    Result,
    client::{Client, Load},
    options::Options,
    report::{self, row},
    sink::Sink,
    variant::{SIGNALS, Service, Upstream, Variant},
};

const WARM_UP: Duration = Duration::from_secs(1);
/// Longer than the export intervals of batch processors and metrics.
const EXPORT_DELAY: Duration = Duration::from_secs(7);

/// A variant under load.
struct Contestant {
    variant: Variant,
    service: Service,
    client: Client,
    samples: Vec<Sample>,
}

/// The measurement of one variant in one cycle.
struct Sample {
    /// CPU time per request, in microseconds.
    cpu: f64,
    load: Load,
}

/// Prints the cost of a request for each mix of signals.
pub async fn measure(options: &Options, sink: &Sink, upstream: &Upstream) -> Result<()> {
    let mut contestants = Vec::new();
    for variant in Variant::list(options) {
        let service = variant.start(sink, upstream).await?;
        let client = Client::connect(&service.url, options.connections).await?;
        contestants.push(Contestant { variant, service, client, samples: Vec::new() });
    }
    warm_up_and_check(&mut contestants, sink).await?;
    for cycle in 1..=options.cycles {
        eprintln!("overhead: cycle {cycle} of {}", options.cycles);
        one_cycle(&mut contestants, options.slice).await?;
    }
    tables::totals(options, &contestants, sink)?;
    tables::shares(&contestants)
}

/// Loads every variant for the first time, and checks the received telemetry: the figures mean nothing unless
/// each variant exports exactly its signals. Telemetry is decoded only here.
async fn warm_up_and_check(contestants: &mut [Contestant], sink: &Sink) -> Result<()> {
    eprintln!("overhead: warm-up");
    sink.decode(true);
    let mut requests = Vec::new();
    for contestant in contestants.iter_mut() {
        requests.push(contestant.load(WARM_UP).await?.requests);
    }
    sleep(EXPORT_DELAY).await;
    report::heading("What a request carries");
    let mut rows = vec![row(["", "spans", "log records", "metrics in all"])];
    for (contestant, requests) in contestants.iter_mut().zip(requests) {
        contestant.service.process.cpu_time()?;
        let name = contestant.variant.name();
        let [spans, metrics, logs] = SIGNALS.map(|signal| sink.count(&name, signal).items);
        for (signal, items) in SIGNALS.into_iter().zip([spans, metrics, logs]) {
            if contestant.variant.exports(signal).is_some_and(|exports| exports != (items > 0)) {
                return Err(format!(
                    "`{name}` has sent {items} {signal} to the sink: that is not what it is for"
                )
                .into());
            }
        }
        let per_request = |items: u64| format!("{:.2}", items as f64 / requests as f64);
        rows.push(vec![name, per_request(spans), per_request(logs), metrics.to_string()]);
    }
    report::table(&rows);
    sink.decode(false);
    sink.reset();
    Ok(())
}

/// Loads every variant for one slice, in random order. CPU time is measured over the whole cycle, because a
/// batch of spans is often exported after the slice in which they were recorded; a service without load uses
/// almost none.
async fn one_cycle(contestants: &mut [Contestant], slice: Duration) -> Result<()> {
    let mut order: Vec<usize> = (0..contestants.len()).collect();
    order.shuffle(&mut rand::rng());
    let mut loads = Vec::new();
    for index in order {
        loads.push((index, contestants[index].load(slice).await?));
    }
    for (index, load) in loads {
        let contestant = &mut contestants[index];
        let cpu = contestant.service.process.cpu_time()?;
        contestant.samples.push(Sample { cpu: cpu.as_secs_f64() * 1e6 / load.requests as f64, load });
    }
    Ok(())
}

impl Contestant {
    async fn load(&mut self, duration: Duration) -> Result<Load> {
        let outcome = self.client.closed_loop(duration).await;
        self.service.process.explain(outcome)
    }

    fn cpu(&self) -> impl Iterator<Item = f64> {
        self.samples.iter().map(|sample| sample.cpu)
    }

    /// The CPU time per request of this variant and of `other`, cycle by cycle.
    fn paired_with<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (f64, f64)> + 'a {
        self.cpu().zip(other.cpu())
    }
}
