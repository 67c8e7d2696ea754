//! The target of an observability workshop: a small web service, instrumented with OpenTelemetry in every
//! layer.
//!
//! A request arrives at [`server`], passes through the middleware of [`app`], and is handled by [`handson`],
//! which calls [`httpbin`] and queries the database ([`db`]). Every failure on the way is an [`error`], and
//! becomes a response by [`problem`]. [`telemetry`] builds the pipelines of OpenTelemetry; the layers around
//! axum, reqwest and sqlx come from the crate `instrumentation`, one line each.
//!
//! | module | concern |
//! | --- | --- |
//! | [`config`], [`identity`] | options and environment variables; who this process is |
//! | [`server`], [`shutdown`] | listening, draining; the signals that end the process |
//! | [`app`] | routes, middleware, and the reason for its order |
//! | [`handson`] | `GET /handson`: five pieces of work |
//! | [`httpbin`], [`db`], [`fault_injector`] | what the five pieces need |
//! | [`error`], [`problem`], [`panics`] | what can fail, and how it is answered |
//! | [`stand_in`], [`healthcheck`] | a local httpbin; the subcommand for containers |
//! | [`telemetry`], [`logs`] | traces, metrics and log records; lines on stdout |

pub mod app;
pub mod config;
pub mod db;
pub mod error;
pub mod fault_injector;
pub mod handson;
pub mod healthcheck;
pub mod httpbin;
pub mod identity;
pub mod logs;
pub mod panics;
pub mod problem;
pub mod server;
pub mod shutdown;
pub mod stand_in;
pub mod telemetry;
