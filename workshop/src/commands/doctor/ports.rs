//! Checks whether the ports of the workshop are free.

use std::net::{Ipv4Addr, TcpListener};

use console::ports;

use super::Finding::{self, Passed, Warning};
use crate::messages::Message;
use crate::text;

pub(super) fn check(port: u16, user: &Message, option: &str) -> Finding {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Passed(text!("port {port} is free, for {user}", port, user)),
        Err(error) => Warning(
            text!("port {port}, for {user}, is {reason}", port, user, reason = ports::reason(port, &error)),
            text!("`check` and `watch` do not need it; `up` uses another one with {option}.", option),
        ),
    }
}
