//! `doctor`: checks this machine for prerequisites and suggests fixes.

pub(super) mod ports;

use std::process::Command;

use anstyle::{AnsiColor, Style};

use super::message;
use super::repository::{Repository, environment_language};
use crate::messages::Message;
use crate::steps::Lang;
use crate::text;

/// The ports of `up`, what uses each, and the option that chooses another one.
fn ports() -> [(u16, Message, &'static str); 5] {
    [
        (8080, text!("the service"), "--port"),
        (8081, text!("the local httpbin"), "--httpbin-port"),
        (4000, text!("the console"), "--console-port"),
        (4318, text!("OTLP over HTTP"), "--otlp-port"),
        (4317, text!("OTLP over gRPC"), "--otlp-grpc-port"),
    ]
}

/// Size of the target folder.
const DISK_GIB: u64 = 5;
/// Memory of the linker and of two rustc at a time.
const MEMORY_GIB: u64 = 2;

/// The result of one check.
enum Finding {
    Passed(Message),
    /// What is missing but not required, and how to fix it.
    Warning(Message, Message),
    /// What is missing and required, and how to fix it.
    Failed(Message, Message),
}
use Finding::{Failed, Passed, Warning};

/// Runs all checks. Exit status 1 if one failed.
pub(super) fn doctor(lang: Option<Lang>) -> u8 {
    let repository = Repository::here();
    let lang = match &repository {
        Ok(repository) => repository.output_language(lang),
        Err(_) => lang.unwrap_or_else(environment_language),
    };
    let mut findings = vec![platform()];
    match &repository {
        Ok(repository) => {
            findings.push(toolchain(repository));
            findings.push(crates(repository));
        }
        Err(error) => findings.push(Failed(message(error), text!("Change to the folder of the repository."))),
    }
    findings.push(compiler());
    findings.push(git());
    findings.extend(ports().map(|(port, user, option)| ports::check(port, &user, option)));
    findings.push(disk());
    findings.push(memory());
    findings.push(docker());
    for finding in &findings {
        let style = |color: AnsiColor| color.on_default();
        let (green, yellow, red) = (style(AnsiColor::Green), style(AnsiColor::Yellow), style(AnsiColor::Red));
        let in_lang = |message: &Message| message.in_lang(lang);
        match finding {
            Passed(what) => anstream::println!("{green}✓{green:#} {}", in_lang(what)),
            Warning(what, fix) => {
                anstream::println!("{yellow}!{yellow:#} {}\n    {}", in_lang(what), in_lang(fix));
            }
            Failed(what, fix) => {
                let bold = Style::new().bold();
                anstream::println!("{red}✗{red:#} {}\n    {bold}{}{bold:#}", in_lang(what), in_lang(fix));
            }
        }
    }
    u8::from(findings.iter().any(|finding| matches!(finding, Failed(..))))
}

/// What a program prints; `None` if it cannot be started or fails.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn platform() -> Finding {
    // The workshop does not compile on systems other than Unix, so this check cannot fail.
    Passed(Message::verbatim(format!("{} ({})", std::env::consts::OS, std::env::consts::ARCH)))
}

fn toolchain(repository: &Repository) -> Finding {
    let manifest = std::fs::read_to_string(repository.root.join("Cargo.toml")).unwrap_or_default();
    let manifest: toml::Table = manifest.parse().unwrap_or_default();
    let oldest = manifest.get("workspace").and_then(|w| w.get("package")?.get("rust-version")?.as_str());
    let (Some(oldest), Some(here)) = (oldest, output("rustc", &["--version"])) else {
        return Failed(text!("rustc was not found"), text!("Install Rust: https://rustup.rs"));
    };
    let version = |text: &str| -> Vec<u32> { text.split('.').map_while(|part| part.parse().ok()).collect() };
    let number = here.split_whitespace().nth(1).unwrap_or_default();
    let number = number.split('-').next().unwrap_or_default();
    if version(number) >= version(oldest) {
        return Passed(text!("{here} ({oldest} or newer is required)", here, oldest));
    }
    Failed(
        text!("{here} is too old: {oldest} or newer is required", here, oldest),
        text!("Run: rustup update stable"),
    )
}

fn crates(repository: &Repository) -> Finding {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // `cargo tree` reads the crates of this system only, as a build does. The lock file also has those of
    // others.
    let can_build = |folder: &std::path::Path, features: &[&str]| {
        let mut command = Command::new(&cargo);
        command.args(["tree", "--locked", "--offline", "--quiet", "--workspace"]).args(features);
        command.current_dir(folder).output().is_ok_and(|output| output.status.success())
    };
    let base = repository.folder("base");
    if !can_build(&repository.root, &[]) || !can_build(&base, &[]) {
        return Warning(
            text!("some crates are not downloaded yet"),
            text!("Run, while you have a network: cargo fetch --locked"),
        );
    }
    if !can_build(&base, &["--all-features"]) {
        return Passed(text!(
            "the crates of all steps except 12 are downloaded: no network is needed until then"
        ));
    }
    Passed(text!("all crates are downloaded: no network is needed"))
}

fn compiler() -> Finding {
    let version = ["cc", "gcc", "clang"].iter().find_map(|name| output(name, &["--version"]));
    match version {
        Some(version) => {
            Passed(text!("C compiler: {version}", version = version.lines().next().unwrap_or_default()))
        }
        None => Failed(
            text!("no C compiler was found; it builds SQLite and TLS"),
            Message::verbatim(
                "Debian, Ubuntu, WSL2: apt install build-essential; macOS: xcode-select --install",
            ),
        ),
    }
}

fn git() -> Finding {
    match output("git", &["--version"]) {
        Some(version) => Passed(Message::verbatim(version)),
        None => {
            Warning(text!("git was not found"), text!("Without it, telemetry does not contain the commit."))
        }
    }
}

fn disk() -> Finding {
    // POSIX: the fourth column of the second line is free KiB.
    let free = output("df", &["-Pk", "."])
        .and_then(|t| t.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok());
    match free.map(|kib| kib / 1024 / 1024) {
        Some(gib) if gib >= DISK_GIB => Passed(text!("{gib} GiB of free disk space", gib)),
        Some(gib) => Failed(
            text!("only {gib} GiB of free disk space", gib),
            text!("{gib} GiB are required.", gib = DISK_GIB),
        ),
        None => {
            Warning(text!("free disk space is unknown"), text!("{gib} GiB are required.", gib = DISK_GIB))
        }
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
    // Systems report a little less than the installed memory.
    match linux().or_else(macos).map(|kib| (kib + 512 * 1024) / 1024 / 1024) {
        Some(gib) if gib >= MEMORY_GIB => Passed(text!("{gib} GiB of memory", gib)),
        Some(gib) => Failed(
            text!("only {gib} GiB of memory", gib),
            text!("Compiling requires {gib} GiB.", gib = MEMORY_GIB),
        ),
        None => Warning(text!("memory is unknown"), text!("Compiling requires {gib} GiB.", gib = MEMORY_GIB)),
    }
}

fn docker() -> Finding {
    match (output("docker", &["--version"]), output("docker", &["compose", "version"])) {
        (Some(docker), Some(compose)) => Passed(Message::verbatim(format!("{docker}; {compose}"))),
        (Some(docker), None) => {
            Warning(text!("{docker}, without Compose", docker), text!("Only `docker compose up` needs it."))
        }
        (None, _) => Passed(text!("Docker was not found; only `docker compose up` needs it")),
    }
}
