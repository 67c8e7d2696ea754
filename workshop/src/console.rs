//! The console: takes OTLP, keeps it in memory, and shows it in a browser.
//!
//! It is for one person's laptop: no account, no disk, no cluster.

mod attendee;
mod guard;
mod live;
pub(crate) mod monitor;
mod pages;
mod search;
pub(crate) mod store;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::otlp::{self, Rejected, Sink};
use crate::telemetry::{Telemetry, now};

pub use attendee::Attendee;
pub use guard::Hosts;
pub use monitor::Monitor;
use store::SLOT;
pub use store::Store;

/// How a console is made.
pub struct Options {
    /// Bytes of telemetry that it keeps.
    pub memory: usize,
    /// Files that define monitors.
    pub monitors: Vec<PathBuf>,
    /// Whose steps it shows; `None`: nobody's.
    pub attendee: Option<Attendee>,
    /// The folder of the guide, `workshop/guide`; `None`: there is none here.
    pub guide: Option<PathBuf>,
    /// Under which names it may be called.
    pub hosts: Hosts,
    /// Its address for a browser: `http://localhost:4000`.
    pub url: String,
    /// The address to be put into `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub endpoint: String,
    /// What to call for a trace.
    pub curl: String,
}

/// A process beside the console, as the page tells of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Process {
    /// What it is: `backend-sakura`.
    pub name: String,
    /// How it fares, in words.
    pub state: String,
    /// Whether that is as it should be.
    pub good: bool,
}

/// All that the pages show.
pub struct Console {
    options: Options,
    store: RwLock<Store>,
    monitors: Mutex<Vec<Monitor>>,
    processes: Mutex<Vec<Process>>,
    build_error: Mutex<Option<String>>,
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
            build_error: Mutex::default(),
            changes: watch::Sender::new(0),
            options,
        })
    }

    /// Serves OTLP and pages until one of them fails.
    ///
    /// # Errors
    ///
    /// Where a listener does.
    pub async fn serve(self: Arc<Self>, otlp: Vec<TcpListener>, page: TcpListener) -> io::Result<()> {
        let hosts = self.options.hosts.clone();
        let guarded = |router: axum::Router| guard::guarded(router, hosts.clone());
        let mut servers = JoinSet::new();
        for listener in otlp {
            let router = guarded(otlp::router(Arc::<Self>::clone(&self)));
            servers.spawn(async move { axum::serve(listener, router).await });
        }
        let router = guarded(pages::router(Arc::clone(&self)));
        servers.spawn(async move { axum::serve(page, router).await });
        servers.spawn(async move {
            let mut seconds = tokio::time::interval(Duration::from_secs(1));
            for second in 1.. {
                seconds.tick().await;
                self.tick();
                // Where nothing comes, time goes on all the same: charts move, monitors forget.
                if second % SLOT.as_secs() == 0 {
                    self.changed();
                }
            }
            Ok(())
        });
        match servers.join_next().await {
            Some(Ok(ended)) => ended,
            Some(Err(panicked)) => Err(io::Error::other(panicked)),
            None => Ok(()),
        }
    }

    /// Says how the processes beside the console fare.
    pub fn set_processes(&self, processes: Vec<Process>) {
        let mut known = lock(&self.processes);
        if *known != processes {
            *known = processes;
            self.changed();
        }
    }

    /// Sets the compiler's first error if the attendee's last build failed, or `None` if it succeeded.
    pub fn set_build_error(&self, error: Option<String>) {
        let mut known = lock(&self.build_error);
        if *known != error {
            *known = error;
            self.changed();
        }
    }

    fn tick(self: &Arc<Self>) {
        let now = now();
        self.write(|store| store.tick(now));
        let store = self.store();
        let notices: Vec<_> =
            lock(&self.monitors).iter_mut().filter_map(|monitor| monitor.judge(&store, now)).collect();
        drop(store);
        for notice in notices {
            self.changed();
            let console = Arc::clone(self);
            tokio::spawn(async move { notice.send(&console.options.url).await });
        }
    }

    fn store(&self) -> RwLockReadGuard<'_, Store> {
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        change(&mut self.store.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn changed(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }
}

impl Sink for Console {
    fn add(&self, telemetry: Telemetry) -> Rejected {
        let rejected = self.write(|store| store.add(telemetry, now()));
        self.changed();
        rejected
    }

    fn refuse(&self, why: String) {
        self.write(|store| store.refuse(why));
        self.changed();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
