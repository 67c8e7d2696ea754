//! The target of an observability workshop: a small web service, instrumented with OpenTelemetry in every layer.
//!
//! A request comes in through [`server`], passes the middleware that [`app`] puts in order, and is answered by
//! [`handson`], which calls [`httpbin`] and asks the database ([`db`]). Whatever fails on the way becomes an [`error`],
//! and an answer by [`problem`]. All that has to do with OpenTelemetry lives under [`telemetry`].
//!
//! | module | concern |
//! | --- | --- |
//! | [`config`], [`identity`] | options and environment variables; who this process is |
//! | [`server`], [`shutdown`] | listening, draining; the signals that end the process |
//! | [`app`] | routes, middleware and the reason for its order |
//! | [`handson`] | `GET /handson`: five pieces of work |
//! | [`httpbin`], [`db`], [`random_error`] | what the five pieces need |
//! | [`error`], [`problem`], [`panics`] | what can fail, how it is answered |
//! | [`stand_in`], [`healthcheck`] | the embedded httpbin; the subcommand for containers |
//! | [`telemetry`] | traces, metrics and logs |

pub mod app;
pub mod config;
pub mod db;
pub mod error;
pub mod handson;
pub mod healthcheck;
pub mod httpbin;
pub mod identity;
pub mod panics;
pub mod problem;
pub mod random_error;
pub mod server;
pub mod shutdown;
pub mod stand_in;
pub mod telemetry;
