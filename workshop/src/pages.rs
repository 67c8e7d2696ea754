//! The steps and the guide, as pages of the console.

mod attendee;
pub mod gameday;
mod guide;
mod lang;
mod steps;

use std::path::PathBuf;
use std::sync::Arc;

use axum::routing::{get, post};
use axum::{Extension, Router};
use console::extension::Link;

use crate::gameday::GameDay;
pub use attendee::Attendee;
use lang::tr;

/// What the pages show.
struct Workshop {
    /// The attendee whose steps are shown, if there is one.
    attendee: Option<Arc<Attendee>>,
    /// The folder of the guide, `workshop/guide`, if there is one.
    guide: Option<PathBuf>,
}

/// The pages, the row of steps on the overview, commands for a service on `port`, and the judge of a game
/// day, if there is one.
pub fn extension(
    attendee: Option<Arc<Attendee>>,
    guide: Option<PathBuf>,
    port: u16,
    game: Option<Arc<GameDay>>,
) -> console::Extension {
    let judge = game.map(|game| Router::new().route("/gameday", post(gameday::judge)).layer(Extension(game)));
    let on_the_overview = attendee.clone();
    let workshop = Arc::new(Workshop { attendee, guide });
    console::Extension {
        links: vec![
            Link { path: "/steps", name: |lang| tr(lang, "Steps") },
            Link { path: "/guide", name: |lang| tr(lang, "Guide") },
        ],
        routes: Router::new()
            .route("/steps", get(steps::page))
            .route("/steps/check", post(steps::check))
            .route("/guide", get(guide::start))
            .route("/guide/{*path}", get(guide::page))
            .layer(Extension(workshop))
            .merge(judge.unwrap_or_default()),
        trace_command: Some(format!("curl -i localhost:{port}/handson")),
        failure_command: Some("cargo workshop up --error-rate 0.5".to_owned()),
        overview: on_the_overview.map(|attendee| Arc::new(move |lang| steps::strip(lang, &attendee)) as _),
    }
}
