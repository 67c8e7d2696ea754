//! The layers of this crate, through their public interface: real servers, clients and subscribers, and an
//! SDK whose exporters keep everything in memory.

mod client;
mod delivery;
mod exception;
mod http;
mod json_lines;
mod log_records;
mod server;
mod settings;
mod spans;
mod support;
