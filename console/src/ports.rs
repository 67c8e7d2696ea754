//! Finds out which process uses a port.

use std::process::Command;

/// A port cannot be bound.
#[derive(Debug, thiserror::Error)]
#[error("port {port}, for {whose}, is {reason}; end that, or choose another port with {option}")]
pub struct PortError {
    port: u16,
    whose: &'static str,
    option: &'static str,
    reason: String,
}

impl PortError {
    /// `whose` is the user of the port, and `option` the option that chooses another port.
    pub fn new(port: u16, whose: &'static str, option: &'static str, error: &std::io::Error) -> Self {
        Self { port, whose, option, reason: reason(port, error) }
    }
}

/// The reason why a port cannot be bound: `taken by nginx (process 42)`.
pub fn reason(port: u16, error: &std::io::Error) -> String {
    if error.kind() != std::io::ErrorKind::AddrInUse {
        return format!("not available: {error}");
    }
    let holder = holder(port).map(|holder| format!(" by {holder}"));
    format!("taken{}", holder.unwrap_or_default())
}

/// The process that listens on `port`, from `ss`, otherwise from `lsof`.
fn holder(port: u16) -> Option<String> {
    let by_ss = || {
        let sockets = output("ss", &["-Hltnp", &format!("sport = :{port}")])?;
        let (_, users) = sockets.split_once("users:((\"")?;
        let (name, rest) = users.split_once('"')?;
        let pid = rest.split_once("pid=")?.1.split(',').next()?;
        Some(format!("{name} (process {pid})"))
    };
    let by_lsof = || {
        let sockets = output("lsof", &["-nP", &format!("-iTCP:{port}"), "-sTCP:LISTEN"])?;
        let mut fields = sockets.lines().nth(1)?.split_whitespace();
        Some(format!("{} (process {})", fields.next()?, fields.next()?))
    };
    by_proc(port).or_else(by_ss).or_else(by_lsof)
}

/// On Linux: the inode of the socket from /proc/net/tcp, and its process from /proc/*/fd.
fn by_proc(port: u16) -> Option<String> {
    let sockets = std::fs::read_to_string("/proc/net/tcp").ok()?;
    let listens = |line: &&str| {
        let mut fields = line.split_whitespace();
        fields.nth(1).is_some_and(|local| local.ends_with(&format!(":{port:04X}")))
            && fields.nth(1) == Some("0A")
    };
    let inode = sockets.lines().find(listens)?.split_whitespace().nth(9)?;
    let socket = format!("socket:[{inode}]");
    std::fs::read_dir("/proc").ok()?.flatten().find_map(|process| {
        let pid: u32 = process.file_name().to_str()?.parse().ok()?;
        let mut files = std::fs::read_dir(process.path().join("fd")).ok()?.flatten();
        files.find(|file| std::fs::read_link(file.path()).is_ok_and(|to| to.to_str() == Some(&socket)))?;
        let name = std::fs::read_to_string(process.path().join("comm")).ok()?;
        Some(format!("{} (process {pid})", name.trim()))
    })
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
