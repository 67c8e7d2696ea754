//! k6's `constant-arrival-rate`: starts an iteration whenever one is due, on a free VU.
//!
//! All requests run in one thread; a second thread only keeps the time.

use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc as thread_channel;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::arrivals::{Schedule, SystemClock, pace};
use crate::iteration::Iteration;
use crate::metrics::Metrics;
use crate::vu::{Scenario, Vu};

/// How a load is run; the names are k6's.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// When iterations start.
    pub schedule: Schedule,
    /// Number of VUs at the start.
    pub pre_allocated_vus: u32,
    /// Maximum number of VUs.
    pub max_vus: u32,
    /// Time for running iterations after the last start.
    pub graceful_stop: Duration,
}

/// Gets the events of a run, to show them.
pub trait Observer {
    /// An iteration ended.
    fn finished(&mut self, _iteration: &Iteration) {}
    /// All VUs are busy for the first time, and no more may be created: iterations are dropped.
    fn out_of_vus(&mut self, _vus: u32) {}
    /// Another second has passed.
    fn second(&mut self, _metrics: &Metrics) {}
}

/// Runs the load to its end, or until `stop` completes.
pub async fn run(
    plan: Plan,
    scenario: Scenario,
    stop: impl Future<Output = ()>,
    observer: &mut impl Observer,
) -> Metrics {
    let start = Instant::now();
    let (mut arrivals, _paced) = arrivals(plan.schedule, start);
    let mut pool = VuPool::new(plan, scenario, start);
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    seconds.tick().await;
    tokio::pin!(stop);

    loop {
        tokio::select! {
            Some(finished) = pool.busy.join_next() => pool.back(finished, observer),
            arrival = arrivals.recv() => match arrival {
                Some(due) => pool.begin(due, observer),
                None => break,
            },
            _ = seconds.tick() => observer.second(pool.measured()),
            () = &mut stop => break,
        }
    }
    // No more iterations are started. The running ones may end.
    let all_back = async {
        while let Some(finished) = pool.busy.join_next().await {
            pool.back(finished, observer);
        }
    };
    // An iteration that does not end in time is interrupted and counted.
    drop(timeout(plan.graceful_stop, all_back).await);
    pool.metrics.interrupted_iterations = pool.busy.len() as u64;
    pool.busy.shutdown().await;
    pool.measured();
    pool.metrics
}

/// The times at which iterations are due, each sent when it is reached. The thread stops when the second
/// value is dropped.
fn arrivals(schedule: Schedule, start: Instant) -> (UnboundedReceiver<Instant>, thread_channel::Sender<()>) {
    let (arrive, arrivals) = mpsc::unbounded_channel();
    let (running, stopped) = thread_channel::channel();
    thread::spawn(move || {
        pace(&schedule, start, &SystemClock(stopped), |due| arrive.send(due).is_ok());
    });
    (arrivals, running)
}

/// The VUs, and their measurements.
struct VuPool {
    plan: Plan,
    scenario: Arc<Scenario>,
    /// The last VU that was freed is used first, so that few connections are open and in use.
    free: Vec<Vu>,
    busy: JoinSet<(Vu, Iteration)>,
    total: u32,
    start: Instant,
    metrics: Metrics,
}

impl VuPool {
    fn new(plan: Plan, scenario: Scenario, start: Instant) -> Self {
        let total = plan.pre_allocated_vus;
        Self {
            metrics: Metrics::new(&scenario.checks, total.into()),
            free: (0..total).map(|_| Vu::default()).collect(),
            busy: JoinSet::new(),
            scenario: Arc::new(scenario),
            total,
            start,
            plan,
        }
    }

    /// Starts the iteration on a free VU; drops it if there is none.
    fn begin(&mut self, due: Instant, observer: &mut impl Observer) {
        let vu = self.free.pop().or_else(|| {
            (self.total < self.plan.max_vus).then(|| {
                self.total += 1;
                Vu::default()
            })
        });
        let Some(mut vu) = vu else {
            if self.metrics.dropped_iterations == 0 {
                observer.out_of_vus(self.total);
            }
            self.metrics.dropped_iterations += 1;
            return;
        };
        let scenario = Arc::clone(&self.scenario);
        self.busy.spawn(async move {
            let iteration = vu.iterate(&scenario, due).await;
            (vu, iteration)
        });
        self.metrics.set_vus(self.busy.len() as u64, self.total.into());
    }

    /// Records the iteration, and frees its VU.
    fn back(
        &mut self,
        finished: Result<(Vu, Iteration), tokio::task::JoinError>,
        observer: &mut impl Observer,
    ) {
        match finished {
            Ok((vu, iteration)) => {
                self.metrics.record(&iteration);
                observer.finished(&iteration);
                self.free.push(vu);
            }
            // A bug in this program must not look like a successful run.
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }

    fn measured(&mut self) -> &Metrics {
        self.metrics.elapsed = self.start.elapsed();
        self.metrics.set_vus(self.busy.len() as u64, self.total.into());
        &self.metrics
    }
}
