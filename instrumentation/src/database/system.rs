//! The database systems of sqlx, and their differences that matter here.

use std::future::poll_fn;
use std::pin::pin;

use opentelemetry::StringValue;
use tracing::Dispatch;

/// A database system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    Mysql,
    Postgresql,
    Sqlite,
    /// Any other, with sqlx's name for it.
    Other(&'static str),
}

impl System {
    /// The system of a database type of sqlx.
    pub(super) fn for_database<DB: sqlx::Database>() -> Self {
        match DB::NAME {
            "MySQL" => Self::Mysql,
            "PostgreSQL" => Self::Postgresql,
            "SQLite" => Self::Sqlite,
            other => Self::Other(other),
        }
    }

    /// The value of `db.system.name`.
    pub(super) fn name(self) -> StringValue {
        match self {
            Self::Mysql => "mysql".into(),
            Self::Postgresql => "postgresql".into(),
            Self::Sqlite => "sqlite".into(),
            Self::Other(name) => name.to_ascii_lowercase().into(),
        }
    }

    /// Calls `f` so that sqlx does not see the current span of `tracing`, if it might pass that span to
    /// another thread.
    ///
    /// SQLite has a thread for each connection. sqlx sends each command there together with a clone of the
    /// span, and a span ends when its last clone is dropped: often after the caller has its result, so that
    /// the caller's span would seem to last longer than it did. `Any` may use SQLite internally. The other
    /// drivers poll in the caller's task, so sqlx's events keep their span. OpenTelemetry's context is the
    /// same in either case.
    pub(super) fn hide_tracing_span<T>(self, f: impl FnOnce() -> T) -> T {
        match self {
            Self::Sqlite | Self::Other(_) => tracing::dispatcher::with_default(&Dispatch::none(), f),
            Self::Mysql | Self::Postgresql => f(),
        }
    }

    /// Polls `future` in the same way as [`hide_tracing_span`](Self::hide_tracing_span).
    pub(super) async fn without_tracing_span<F: Future>(self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| self.hide_tracing_span(|| future.as_mut().poll(context))).await
    }
}
