//! The load generators, and how each of them is started with the same load.

use std::{
    env, fmt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use clap::ValueEnum;

use crate::Result;

/// The workshop's k6 script.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/k6/handson.js");

/// Which generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Name {
    /// Ours
    Loadtest,
    K6,
    Oha,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Loadtest => "loadtest",
            Self::K6 => "k6",
            Self::Oha => "oha",
        })
    }
}

/// An installed generator.
pub struct Generator {
    pub name: Name,
    program: PathBuf,
}

impl Generator {
    /// Finds our generator, and the peers that the variables `K6` and `OHA` name or that are on the PATH.
    /// Prints which ones it did not find.
    pub fn find(only: &[Name]) -> Result<Vec<Self>> {
        let wanted = |name: &Name| only.is_empty() || only.contains(name);
        let mut found = Vec::new();
        for name in Name::value_variants().iter().copied().filter(wanted) {
            match find(name)? {
                Some(program) => found.push(Self { name, program }),
                None => eprintln!("peers: {name} is not on the PATH, so it is not measured"),
            }
        }
        if found.is_empty() { Err("nothing to measure".into()) } else { Ok(found) }
    }

    /// The output of its version option.
    pub fn version(&self) -> Result<String> {
        let argument = if self.name == Name::K6 { "version" } else { "--version" };
        let output = self.command().arg(argument).stdout(Stdio::piped()).output()?;
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(lines.lines().next().unwrap_or_default().to_owned())
    }

    /// Starts `rate` requests per second to `url`, over `vus` connections.
    pub fn run(&self, url: &str, rate: u32, seconds: u64, vus: u32) -> Command {
        let (rate, duration, vus) = (rate.to_string(), format!("{seconds}s"), vus.to_string());
        let mut command = self.command();
        match self.name {
            Name::Loadtest => command
                .args(["--url", url, "--rate", &rate, "--duration", &duration, "--pre-allocated-vus", &vus])
                // Without this, it would first send a request that is not part of the load.
                .args(["--wait-timeout", "0s"]),
            Name::K6 => command
                .args(["run", SCRIPT, "--address", "", "--no-usage-report"])
                .args(["-e", &format!("URL={url}"), "-e", &format!("RATE={rate}")])
                .args(["-e", &format!("DURATION={duration}"), "-e", &format!("PRE_ALLOCATED_VUS={vus}")]),
            Name::Oha => command
                .args(["--no-tui", "--latency-correction", "-q", &rate, "-z", &duration, "-c", &vus])
                .arg(url),
        };
        command
    }

    /// A command whose environment contains no option of any generator.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().env("HOME", env!("CARGO_TARGET_TMPDIR"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

fn find(name: Name) -> Result<Option<PathBuf>> {
    let variable = match name {
        Name::Loadtest => return Ok(Some(env!("CARGO_BIN_EXE_loadtest").into())),
        Name::K6 => "K6",
        Name::Oha => "OHA",
    };
    if let Some(given) = env::var_os(variable).filter(|given| !given.is_empty()) {
        let program = PathBuf::from(given);
        return match program.is_file() {
            true => Ok(Some(program)),
            false => Err(format!("{variable}={}: no such file", program.display()).into()),
        };
    }
    let path = env::var_os("PATH").unwrap_or_default();
    Ok(env::split_paths(&path)
        .map(|folder: PathBuf| folder.join(name.to_string()))
        .find(|p: &PathBuf| Path::is_file(p)))
}
