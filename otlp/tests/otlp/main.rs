//! Tests of the receiver over the network, and of the model.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod behaviour;
mod model;
mod receiver;
