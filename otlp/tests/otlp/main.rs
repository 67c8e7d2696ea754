//! The receivers, over the wire.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod faulty;
mod receiver;
