//! The console: it receives OTLP, keeps it in memory, and shows it in a browser.
//!
//! It is made for one person's laptop: no account, no disk, no cluster.
//!
//! | module | concern |
//! | --- | --- |
//! | [`options`] | the command line, and the ports |
//! | [`store`] | what was received: traces, logs, metrics, error groups, rates |
//! | [`monitor`] | alerts on the share of requests that fail |
//! | [`page`] | what all pages have in common: a view, as HTML or JSON |
//! | [`lang`] | the languages of the pages |
//! | [`extension`] | pages that another program adds |

#![warn(missing_docs)]

pub mod extension;
mod files;
mod guard;
mod json;
pub mod lang;
mod live;
pub mod monitor;
pub mod options;
pub mod page;
mod pages;
pub mod ports;
mod search;
mod serve;
pub mod store;
mod time_range;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use axum::http::HeaderValue;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};

use otlp::model::{LogRecord, Span, Telemetry, now};
use otlp::{Limits, Rejected, Signal, Sink};

pub use extension::Extension;
pub use guard::Hosts;
pub use lang::Lang;
pub use monitor::Monitor;
pub use store::Store;
use store::{Line, Position, SLOT, StoredTrace};
pub use time_range::TimeRange;

/// Number of traces and log records that are searched under one lock, so that a search does not delay
/// exports.
const TRACES_AT_ONCE: usize = 50;
/// Number of bytes of traces after which no more are searched under one lock.
const BYTES_AT_ONCE: usize = 2 * 1024 * 1024;
const LINES_AT_ONCE: usize = 1_000;
/// Interval of the work that no request triggers.
const TICK_INTERVAL: Duration = Duration::from_secs(1);
/// Number of items that are added under one lock, so that a large export does not delay pages and other
/// exports.
const ITEMS_AT_ONCE: usize = 512;
/// Requests that are being received may use one part in this many of the memory.
const RECEIVING_PART: usize = 4;

/// The scope of log records that are lines of a program's output.
pub const LINES_SCOPE: &str = "cargo workshop up";

/// Settings of a console.
pub struct Options {
    /// Maximum number of bytes of telemetry to keep.
    pub memory: usize,
    /// Files that define monitors.
    pub monitors: Vec<PathBuf>,
    /// Pages of the program that the console is a part of.
    pub extension: Extension,
    /// Host names under which it accepts requests.
    pub hosts: Hosts,
    /// Origins of web pages that may send OTLP, such as `https://shop.example`.
    pub origins: Vec<HeaderValue>,
    /// Its address in a browser: `http://localhost:4000`.
    pub url: String,
    /// The address for `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub endpoint: String,
}

/// A process next to the console, as the pages show it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Process {
    /// Its name, such as `backend-sakura`.
    pub name: String,
    /// Its state, as a text.
    pub state: String,
    /// Whether no action is needed.
    pub good: bool,
}

/// Everything that the pages show.
pub struct Console {
    options: Options,
    store: RwLock<Store>,
    monitors: Mutex<Vec<Monitor>>,
    processes: Mutex<Vec<Process>>,
    changes: watch::Sender<u64>,
}

impl Console {
    /// A console without telemetry.
    pub fn new(options: Options) -> Arc<Self> {
        let monitors = options.monitors.iter().cloned().map(Monitor::new).collect();
        Arc::new(Self {
            store: RwLock::new(Store::new(options.memory)),
            monitors: Mutex::new(monitors),
            processes: Mutex::default(),
            changes: watch::Sender::new(0),
            options,
        })
    }

    /// Serves OTLP and pages until one of them fails.
    ///
    /// # Errors
    ///
    /// A listener fails.
    pub async fn serve(self: Arc<Self>, listeners: Vec<TcpListener>, page: TcpListener) -> io::Result<()> {
        let hosts = self.options.hosts.clone();
        let mut servers = JoinSet::new();
        let limits = Limits { memory: self.options.memory / RECEIVING_PART };
        let otlp = otlp::router(Arc::<Self>::clone(&self), limits);
        let otlp = guard::otlp(otlp, hosts.clone(), self.options.origins.clone());
        for listener in listeners {
            servers.spawn(serve::serve(listener, otlp.clone()));
        }
        servers.spawn(serve::serve(page, guard::pages(pages::router(Arc::clone(&self)), hosts)));
        servers.spawn(Arc::clone(&self).follow_monitor_files());
        servers.spawn(async move {
            let mut ticks = tokio::time::interval(TICK_INTERVAL);
            for second in 1_u64.. {
                ticks.tick().await;
                self.tick();
                // Charts and monitors change with time, even if nothing arrives.
                if second % SLOT.as_secs() == 0 {
                    self.changed();
                }
            }
        });
        match servers.join_next().await {
            Some(Err(panicked)) => Err(io::Error::other(panicked)),
            Some(Ok(())) | None => Ok(()),
        }
    }

    /// Sets the state of the processes next to the console.
    pub fn set_processes(&self, processes: Vec<Process>) {
        let mut known = lock(&self.processes);
        if *known != processes {
            *known = processes;
            self.changed();
        }
    }

    /// Adds lines of a program's output. Their scope is [`LINES_SCOPE`].
    pub fn add_lines(&self, lines: Vec<LogRecord>) {
        let rejected = self.write(|store| store.add_lines(lines, now()));
        self.report_rejected(&rejected);
        self.changed();
    }

    /// When a log record of a service arrived over OTLP last, in nanoseconds since 1970; 0 if none has
    /// arrived.
    pub fn last_export_of_logs(&self, service: &str) -> u64 {
        self.read(|store| store.last_export_of_logs(service))
    }

    fn report_rejected(&self, rejected: &Rejected) {
        if rejected.items > 0 {
            self.write(|store| store.refuse(format!("{} items: {}", rejected.items, rejected.why), now()));
        }
    }

    /// Reads the files of the monitors again when they change. A file may be slow, so that neither a lock nor
    /// a tick waits for it.
    async fn follow_monitor_files(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(TICK_INTERVAL);
        loop {
            ticks.tick().await;
            let files: Vec<_> = lock(&self.monitors).iter().map(Monitor::watched).collect();
            let reading = spawn_blocking(|| files.into_iter().map(monitor::read).collect::<Vec<_>>());
            let read = reading.await.unwrap_or_default();
            for (monitor, read) in lock(&self.monitors).iter_mut().zip(read) {
                monitor.update(read);
            }
        }
    }

    fn tick(self: &Arc<Self>) {
        let now = now();
        self.write(|store| store.tick(now));
        let notices: Vec<_> = self.read(|store| {
            lock(&self.monitors).iter_mut().filter_map(|monitor| monitor.judge(store, now)).collect()
        });
        for notice in notices {
            self.changed();
            let console = Arc::clone(self);
            tokio::spawn(async move { notice.send(&console.options.url).await });
        }
    }

    /// Reads from the store what a view needs. The text is rendered later, without the lock.
    fn read<T>(&self, view: impl FnOnce(&Store) -> T) -> T {
        view(&self.store.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The newest traces that arrived before `before`, as many as `view` accepts. Exports can be added in
    /// between.
    fn find_traces<T>(
        &self,
        before: u64,
        limit: usize,
        mut view: impl FnMut(&StoredTrace) -> Option<T>,
    ) -> Vec<T> {
        self.find_all_traces(
            before,
            limit,
            |_, trace| {
                if trace.spans().is_empty() { None } else { view(trace) }
            },
        )
    }

    /// All spans of all traces.
    pub fn spans(&self) -> Vec<Arc<Span>> {
        let traces = self.find_traces(u64::MAX, usize::MAX, |trace| Some(trace.spans().to_vec()));
        traces.concat()
    }

    /// The same, also with traces that have only log records.
    fn find_all_traces<T>(
        &self,
        mut before: u64,
        limit: usize,
        mut view: impl FnMut(&Store, &StoredTrace) -> Option<T>,
    ) -> Vec<T> {
        let mut found = Vec::new();
        loop {
            let last = self.read(|store| {
                let (mut last, mut bytes) = (None, 0);
                for trace in store.all_traces(before).take(TRACES_AT_ONCE) {
                    last = Some(trace.arrival);
                    bytes += trace.bytes();
                    found.extend(view(store, trace));
                    if found.len() >= limit {
                        return None;
                    }
                    if bytes > BYTES_AT_ONCE {
                        break;
                    }
                }
                last
            });
            match last {
                Some(last) => before = last,
                None => return found,
            }
        }
    }

    /// The newest log records before `before` that match and are not older than `from`, in nanoseconds since
    /// 1970.
    fn find_log_records(
        &self,
        mut before: Position,
        from: u64,
        limit: usize,
        matches: impl Fn(&LogRecord) -> bool,
    ) -> Vec<Line> {
        let next = || {
            let lines: Vec<Line> = self.read(|store| store.log_records(before).take(LINES_AT_ONCE).collect());
            before = lines.last()?.position;
            Some(lines)
        };
        find(next, limit, |line| line.position.time >= from, matches)
    }

    /// The oldest log records from `from` on that match and are from before `to`, in nanoseconds since 1970.
    fn find_log_records_from(
        &self,
        mut from: Position,
        to: u64,
        limit: usize,
        matches: impl Fn(&LogRecord) -> bool,
    ) -> Vec<Line> {
        let next = || {
            let lines: Vec<Line> =
                self.read(|store| store.log_records_from(from).take(LINES_AT_ONCE).collect());
            from = lines.last()?.position.next();
            Some(lines)
        };
        find(next, limit, |line| line.position.time < to, matches)
    }

    fn write<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        change(&mut self.store.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells open pages to reload what they show.
    pub fn changed(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }
}

/// The first lines that match, of those that `next` returns: some at a time, so that exports can be added in
/// between. Records are reference-counted, so that no lock is held while they are searched.
fn find(
    mut next: impl FnMut() -> Option<Vec<Line>>,
    limit: usize,
    is_in_range: impl Fn(&Line) -> bool,
    matches: impl Fn(&LogRecord) -> bool,
) -> Vec<Line> {
    let mut found = Vec::new();
    while let Some(lines) = next() {
        for line in lines {
            if !is_in_range(&line) || found.len() >= limit {
                return found;
            }
            if matches(&line.record) {
                found.push(line);
            }
        }
    }
    found
}

impl Sink for Console {
    fn add(&self, telemetry: Telemetry) -> Rejected {
        let mut all = Rejected::default();
        for piece in telemetry.pieces(ITEMS_AT_ONCE) {
            all.extend(self.write(|store| store.add(piece, now())));
            // Gives pages and other exports a chance to take the lock.
            std::thread::yield_now();
        }
        self.report_rejected(&all);
        self.changed();
        all
    }

    fn refuse(&self, signal: Option<Signal>, reason: String) {
        self.write(|store| {
            store.count_refused_request(signal);
            store.refuse(reason, now());
        });
        self.changed();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
