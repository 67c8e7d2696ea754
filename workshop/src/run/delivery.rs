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

/// Time for all runs together.
const RUNS_TIMEOUT: Duration = Duration::from_secs(45);
/// The minimum time that a fault lasts after the service has reported it.
const MIN_FAULT: Duration = Duration::from_millis(500);
/// Time to wait for the line that reports the beginning of a fault.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(4);
/// Time to wait for the line that reports the end of a fault.
const END_TIMEOUT: Duration = Duration::from_secs(6);
/// Number of concurrent requests: few enough not to fill the small queues at once.
const BURST: usize = 4;
/// The check searches the log for this password, which must not be there.
const PASSWORD: &str = "not-for-the-log-4318";

/// Runs `program` once for each of [`Fault::ALL`].
///
/// # Errors
///
/// A program does not start, writes too much output, or the runs take too long.
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
        // During the fault, the requests create 324 spans and 36 log records, and most of them find the queue
        // full. The exporter's timeout is longer than the collector's delay, so that nothing is lost in any
        // other way.
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
    // Only in one run, because some exporters may not support it.
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
    service.stdout().wait_for_line(0, BEGIN_TIMEOUT, |line| LossReport::parse(line).is_some()).await;
    let mut after = Vec::new();
    let mut fault_ended = None;
    if fault != Fault::HangsToTheEnd {
        // An exporter may retry for seconds before an export counts as failed. The fault must last until that
        // has happened for each signal: a signal that fails for the first time later would be reported as
        // another beginning.
        tokio::time::sleep(began.elapsed() / 2 + MIN_FAULT).await;
        let first = service.stdout().count();
        fault_ended = Some(now());
        collector.set(Behaviour::Accept);
        collector.listen()?;
        // Without anything to export, no exporter can notice that the fault is over.
        after = bursts(1, &service, &httpbin).await;
        let is_end = |line: &str| {
            LossReport::parse(line).is_some_and(|it| it.field("handson.dropped.spans").is_some())
        };
        service.stdout().wait_for_line(first, END_TIMEOUT, is_end).await;
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
        // If one request is not answered, the others would not be either, and would each take the whole
        // timeout.
        if exchanges.iter().any(|exchange| exchange.answer.is_err()) {
            break;
        }
        exchanges.extend(requests::burst(BURST, service.client(), service.port(), httpbin).await);
    }
    exchanges
}
