//! Runs a backend with a faulty collector, once for each fault, all at the same time.

use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::Instant;

use super::httpbin::Httpbin;
use super::service::Service;
use super::{Program, RunError, requests};
use crate::evidence::{Backend, DeliveryRun, Exchange, Fault, LossReport};
use otlp::model::now;
use otlp::{Behaviour, Receiver};

/// For all runs together.
const RUNS_TIMEOUT: Duration = Duration::from_secs(45);
/// A fault lasts at least so long after its beginning was reported.
const MIN_FAULT: Duration = Duration::from_millis(500);
/// For the line that reports the beginning of a fault.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(4);
/// For the line that reports its end.
const END_TIMEOUT: Duration = Duration::from_secs(6);
/// Requests at a time. Fewer than fill the small queues at once.
const BURST: usize = 4;
/// Never to be seen in a log.
const PASSWORD: &str = "not-for-the-log-4318";

/// Runs `program` once for each of [`Fault::ALL`].
///
/// # Errors
///
/// If there is nothing to judge: it does not start, floods what takes its output, or takes too long.
pub async fn gather_delivery(backend: &Backend, program: &Program) -> Result<Vec<DeliveryRun>, RunError> {
    let runs = try_join_all(Fault::ALL.map(|fault| run(backend, program, fault)));
    let runs = tokio::time::timeout(RUNS_TIMEOUT, runs).await;
    runs.unwrap_or(Err(RunError::TakesTooLong(RUNS_TIMEOUT)))
}

/// Variables that let an exporter try often and give up early, so that a run takes seconds.
fn settings(fault: Fault) -> Vec<(&'static str, &'static str)> {
    let mut settings = vec![
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "100"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "300"),
    ];
    if fault == Fault::Slow {
        // Of 324 spans and 36 records that the requests make during the fault, most find the queue full. An export waits as
        // long as the collector does, so that nothing is lost in any other way.
        settings.extend([
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "30000"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "128"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "16"),
            ("OTEL_BLRP_MAX_QUEUE_SIZE", "16"),
            ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "4"),
        ]);
    } else {
        settings.push(("OTEL_EXPORTER_OTLP_TIMEOUT", "250"));
    }
    settings
}

async fn run(backend: &Backend, program: &Program, fault: Fault) -> Result<DeliveryRun, RunError> {
    let httpbin = Httpbin::start()?;
    let mut collector = Receiver::reserve()?;
    let authority = collector.authority().to_owned();
    // Only in one run, in case that an exporter cannot deal with it.
    let password = (fault == Fault::Down).then(|| PASSWORD.to_owned());
    let endpoint = match &password {
        Some(password) => format!("http://workshop:{password}@{authority}"),
        None => format!("http://{authority}"),
    };
    let mut fault_began = now();
    if fault != Fault::Down {
        collector.listen()?;
    }
    let mut service =
        Service::start(backend, program, 0.0, &httpbin.url(), &endpoint, &settings(fault)).await?;

    let mut before = Vec::new();
    if fault != Fault::Down {
        before = bursts(1, &service, &httpbin).await;
        fault_began = now();
    }
    collector.set(match fault {
        Fault::Down => Behaviour::Accept,
        Fault::Hangs | Fault::HangsToTheEnd => Behaviour::Hang,
        Fault::Slow => Behaviour::Stall,
        Fault::Answers(status) => Behaviour::Refuse(status),
    });
    let began = Instant::now();
    let during = bursts(if fault == Fault::Slow { 9 } else { 3 }, &service, &httpbin).await;
    service.stdout().until(0, BEGIN_TIMEOUT, |line| LossReport::parse(line).is_some()).await;
    let mut after = Vec::new();
    let mut fault_ended = None;
    if fault != Fault::HangsToTheEnd {
        // An exporter may try for seconds before an export has failed. The fault must last until this was so for each signal: if
        // one failed for the first time afterwards, that would be another beginning.
        tokio::time::sleep(began.elapsed() / 2 + MIN_FAULT).await;
        let first = service.stdout().count();
        fault_ended = Some(now());
        collector.set(Behaviour::Accept);
        collector.listen()?;
        // There must be something to export, or no exporter can know that the fault is over.
        after = bursts(1, &service, &httpbin).await;
        let is_end = |line: &str| {
            LossReport::parse(line).is_some_and(|it| it.field("handson.dropped.spans").is_some())
        };
        service.stdout().until(first, END_TIMEOUT, is_end).await;
    }
    let end = service.end().await;
    if end.flooded {
        return Err(RunError::FloodsLog);
    }
    let received = collector.take();
    Ok(DeliveryRun {
        fault,
        collector: authority,
        password,
        before,
        during,
        after,
        fault_began,
        fault_ended,
        stdout: end.stdout,
        stderr: end.stderr,
        accepted: received.accepted,
        refused: received.refused,
        ending: end.ending,
    })
}

/// Sends requests in `count` bursts, one after the other.
async fn bursts(count: usize, service: &Service, httpbin: &Httpbin) -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    for _ in 0..count {
        // If one is not answered, the others would not be either, and the wait is long.
        if exchanges.iter().any(|exchange| exchange.answer.is_err()) {
            break;
        }
        exchanges.extend(requests::burst(BURST, service.client(), service.port(), httpbin).await);
    }
    exchanges
}
