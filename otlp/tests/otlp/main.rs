//! The receivers, over the wire.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod behaviour;
mod model;
mod receiver;
