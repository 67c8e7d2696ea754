//! Checks whether the ports of the workshop are free.

use std::net::{Ipv4Addr, TcpListener};

use console::ports;

use super::Finding::{self, Passed, Warning};

pub(super) fn check(port: u16, user: &str, option: &str) -> Finding {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Passed(format!("port {port} is free, for {user}")),
        Err(error) => Warning(
            format!("port {port}, for {user}, is {}", ports::reason(port, &error)),
            format!("`check` and `watch` do not need it; `up` takes another one with {option}."),
        ),
    }
}
