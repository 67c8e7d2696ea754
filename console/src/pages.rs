//! The pages. Each has a view, which is the data of the page: a browser gets it as HTML, `curl -H 'accept:
//! application/json'` as JSON. Only the requested format is rendered.

mod chart;
mod complete;
mod errors;
pub(crate) mod format;
mod logs;
mod metrics;
mod overview;
pub(crate) mod parameter;
mod save;
mod services;
mod status;
#[cfg(test)]
mod tests;
mod trace;
mod traces;
mod window;
mod without_spans;

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

use crate::{Console, live, page};

pub(crate) fn router(console: Arc<Console>) -> Router {
    let router = Router::new()
        .route("/", get(overview::page))
        .route("/traces", get(traces::page))
        .route("/traces/without-spans", get(without_spans::page))
        .route("/traces/{id}", get(trace::page))
        .route("/logs", get(logs::page))
        .route("/errors", get(errors::page))
        .route("/errors/{id}", get(errors::group))
        .route("/metrics", get(metrics::page))
        .route("/metrics/{service}/{name}", get(metrics::instrument))
        .route("/services", get(services::page))
        .route("/self", get(status::page))
        .route("/save", get(save::file))
        .route("/complete", get(complete::keys))
        .route("/events", get(live::events))
        .route("/style.css", get(asset("text/css; charset=utf-8", include_str!("pages/style.css"))))
        .route("/console.js", get(asset("text/javascript; charset=utf-8", include_str!("pages/console.js"))))
        .route("/search.js", get(asset("text/javascript; charset=utf-8", include_str!("pages/search.js"))))
        .route("/icon.svg", get(asset("image/svg+xml", include_str!("pages/icon.svg"))))
        .fallback(page::not_found);
    router.merge(console.options.extension.routes.clone()).with_state(console)
}

/// A file that does not change while the console runs.
fn asset(
    content_type: &'static str,
    text: &'static str,
) -> impl IntoResponse + Clone + Send + Sync + 'static {
    ([(header::CONTENT_TYPE, content_type)], text)
}
