//! `doctor`: what the workshop needs of this machine, and how to mend what is missing.

pub(super) mod ports;

use std::process::Command;

use anstyle::{AnsiColor, Style};

use super::repository::Repository;

/// The service, the console, and OTLP by gRPC and by HTTP.
const PORTS: [(u16, &str); 4] =
    [(8080, "the service"), (4000, "the console"), (4317, "OTLP by gRPC"), (4318, "OTLP by HTTP")];
/// What the target folder needs.
const DISK_GIB: u64 = 5;
/// What the linker and two rustc at a time need.
const MEMORY_GIB: u64 = 2;

/// What was found of one thing.
enum Finding {
    Passed(String),
    /// It can do without; how to mend it.
    Warning(String, String),
    /// It cannot; how to mend it.
    Failed(String, String),
}
use Finding::{Failed, Passed, Warning};

/// Looks at all of it. Exit status 1 where something is wrong.
pub(super) fn doctor() -> u8 {
    let repository = Repository::here();
    let mut findings = vec![platform()];
    match &repository {
        Ok(repository) => {
            findings.push(toolchain(repository));
            findings.push(crates(repository));
        }
        Err(error) => {
            findings.push(Failed(format!("{error:#}"), "Change to the folder of the repository.".to_owned()))
        }
    }
    findings.push(compiler());
    findings.push(git());
    findings.extend(PORTS.map(|(port, whose)| ports::free(port, whose)));
    findings.push(disk());
    findings.push(memory());
    findings.push(docker());
    for finding in &findings {
        let style = |color: AnsiColor| color.on_default();
        let (green, yellow, red) = (style(AnsiColor::Green), style(AnsiColor::Yellow), style(AnsiColor::Red));
        match finding {
            Passed(what) => anstream::println!("{green}✓{green:#} {what}"),
            Warning(what, fix) => anstream::println!("{yellow}!{yellow:#} {what}\n    {fix}"),
            Failed(what, fix) => anstream::println!(
                "{red}✗{red:#} {what}\n    {}{fix}{:#}",
                Style::new().bold(),
                Style::new().bold()
            ),
        }
    }
    u8::from(findings.iter().any(|finding| matches!(finding, Failed(..))))
}

/// What a program prints, where it can be started and succeeds.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn platform() -> Finding {
    // Elsewhere than on Unix the workshop does not compile, and says why.
    Passed(format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH))
}

fn toolchain(repository: &Repository) -> Finding {
    let manifest = std::fs::read_to_string(repository.root.join("Cargo.toml")).unwrap_or_default();
    let manifest: toml::Table = manifest.parse().unwrap_or_default();
    let oldest = manifest.get("workspace").and_then(|w| w.get("package")?.get("rust-version")?.as_str());
    let (Some(oldest), Some(here)) = (oldest, output("rustc", &["--version"])) else {
        return Failed("rustc is not found".to_owned(), "Install Rust from rustup.rs.".to_owned());
    };
    let version = |text: &str| -> Vec<u32> { text.split('.').map_while(|part| part.parse().ok()).collect() };
    let number = here.split_whitespace().nth(1).unwrap_or_default();
    let number = number.split('-').next().unwrap_or_default();
    if version(number) >= version(oldest) {
        return Passed(format!("{here} (at least {oldest} is needed)"));
    }
    Failed(format!("{here}, and at least {oldest} is needed"), "rustup update stable".to_owned())
}

fn crates(repository: &Repository) -> Finding {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Only for this machine: the lock file also has crates that only other systems need.
    let verbose = output("rustc", &["--version", "--verbose"]).unwrap_or_default();
    let host = verbose.lines().find_map(|line| line.strip_prefix("host: "));
    let fetched = |folder: &std::path::Path| {
        let mut command = Command::new(&cargo);
        command
            .args(["fetch", "--locked", "--offline"])
            .args(host.into_iter().flat_map(|host| ["--target", host]))
            .current_dir(folder)
            .output()
            .is_ok_and(|o| o.status.success())
    };
    if fetched(&repository.root) && fetched(&repository.folder("base")) {
        return Passed("all crates are here: no network is needed".to_owned());
    }
    Warning(
        "some crates are still to be fetched".to_owned(),
        "While there is a network: cargo fetch --locked".to_owned(),
    )
}

fn compiler() -> Finding {
    let version = ["cc", "gcc", "clang"].iter().find_map(|name| output(name, &["--version"]));
    match version {
        Some(version) => Passed(format!("C compiler: {}", version.lines().next().unwrap_or_default())),
        None => Failed(
            "no C compiler, which SQLite and TLS are built by".to_owned(),
            "Debian, Ubuntu, WSL2: apt install build-essential. macOS: xcode-select --install".to_owned(),
        ),
    }
}

fn git() -> Finding {
    match output("git", &["--version"]) {
        Some(version) => Passed(version),
        None => Warning(
            "git is not found".to_owned(),
            "Without it, telemetry does not name the commit.".to_owned(),
        ),
    }
}

fn disk() -> Finding {
    // POSIX: the fourth column of the second line is free KiB.
    let free = output("df", &["-Pk", "."])
        .and_then(|t| t.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok());
    match free.map(|kib| kib / 1024 / 1024) {
        Some(gib) if gib >= DISK_GIB => Passed(format!("{gib} GiB of disk are free")),
        Some(gib) => {
            Failed(format!("{gib} GiB of disk are free"), format!("Make room: {DISK_GIB} GiB are needed."))
        }
        None => Warning("free disk space is not known".to_owned(), format!("{DISK_GIB} GiB are needed.")),
    }
}

fn memory() -> Finding {
    let linux = || {
        let text = std::fs::read_to_string("/proc/meminfo").ok()?;
        text.lines()
            .find(|line| line.starts_with("MemTotal:"))?
            .split_whitespace()
            .nth(1)?
            .parse::<u64>()
            .ok()
    };
    let macos = || Some(output("sysctl", &["-n", "hw.memsize"])?.parse::<u64>().ok()? / 1024);
    // What is installed is reported a little smaller than it is called.
    match linux().or_else(macos).map(|kib| (kib + 512 * 1024) / 1024 / 1024) {
        Some(gib) if gib >= MEMORY_GIB => Passed(format!("{gib} GiB of memory")),
        Some(gib) => {
            Failed(format!("{gib} GiB of memory"), format!("{MEMORY_GIB} GiB are needed to compile."))
        }
        None => Warning("memory is not known".to_owned(), format!("{MEMORY_GIB} GiB are needed to compile.")),
    }
}

fn docker() -> Finding {
    match (output("docker", &["--version"]), output("docker", &["compose", "version"])) {
        (Some(docker), Some(compose)) => Passed(format!("{docker}; {compose}")),
        (Some(docker), None) => {
            Warning(format!("{docker}, without Compose"), "Only `docker compose up` needs it.".to_owned())
        }
        (None, _) => Passed("no Docker; only `docker compose up` needs it".to_owned()),
    }
}
