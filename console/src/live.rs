//! Server-sent events: at most one per second while something changes. The page itself then requests what has
//! changed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt};

use super::Console;

/// Minimum time between two events.
const PAUSE: Duration = Duration::from_secs(1);

/// `GET /events`: `event: change`, whose data is the number of changes so far.
pub(super) async fn events(
    State(console): State<Arc<Console>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = WatchStream::new(console.changes.subscribe()).throttle(PAUSE);
    let events = changes.map(|change| Ok(Event::default().event("change").data(change.to_string())));
    Sse::new(events).keep_alive(KeepAlive::default())
}
