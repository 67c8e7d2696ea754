//! All states of the service, derived from one source.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod examples;
mod lines;
mod markers;
mod missing;
mod trees;
