//! The service through its public interface: the real program with its own environment, between an httpbin
//! and an OTLP receiver that the tests control. Each module has one topic; `support` contains what they
//! share.

#![allow(clippy::unwrap_used)] // A test that cannot continue should panic.

mod collector;
mod configuration;
mod conventions;
mod delivery;
mod errors;
mod logs;
mod panics;
mod randomness;
mod shutdown;
mod stand_in;
mod support;
mod traces;
