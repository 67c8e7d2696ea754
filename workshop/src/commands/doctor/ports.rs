//! Whether the ports of the workshop are free.

use std::net::{Ipv4Addr, TcpListener};

use console::ports;

use super::Finding::{self, Passed, Warning};

pub(super) fn free(port: u16, whose: &str) -> Finding {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Passed(format!("port {port} is free, for {whose}")),
        Err(error) => Warning(
            format!("port {port}, for {whose}, is {}", ports::reason(port, &error)),
            "`check` and `watch` take free ports, and do without it; `up` takes others where it is told to."
                .to_owned(),
        ),
    }
}
