//! Measures the time from an edit of one line to the verdict, including the build.
//!
//! `cargo bench -p workshop --bench verdict` creates a backend, and removes it at the end.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const NAME: &str = "bench-verdict";
const ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the package is not in a repository")?;
    let workshop = |arguments: &[&str]| -> Result<(), Box<dyn Error>> {
        let done = Command::new(env!("CARGO_BIN_EXE_workshop")).args(arguments).current_dir(root).output()?;
        if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into()) }
    };
    workshop(&["new", NAME, "--at", "alert"])?;
    let folder = root.join(format!("backend-{NAME}"));
    let measured = measure(&folder.join("src/handson.rs"), &workshop);
    fs::remove_dir_all(&folder)?;
    let mut times = measured?;
    times.sort_unstable();
    writeln(&format!(
        "from an edit to the verdict of all steps: median {:.1?}, {:.1?} to {:.1?}, {ROUNDS} rounds",
        times[ROUNDS / 2],
        times[0],
        times[ROUNDS - 1],
    ))?;
    Ok(())
}

fn measure(
    file: &Path,
    workshop: &impl Fn(&[&str]) -> Result<(), Box<dyn Error>>,
) -> Result<Vec<Duration>, Box<dyn Error>> {
    let check = ["check", NAME, "0", "1", "2", "3", "4", "5", "6", "7", "8"];
    // The first build compiles the dependencies, which is not measured.
    workshop(&check)?;
    let text = fs::read_to_string(file)?;
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        fs::write(file, text.replace("from_micros(50)", &format!("from_micros({})", 51 + round)))?;
        let started = Instant::now();
        workshop(&check)?;
        times.push(started.elapsed());
    }
    Ok(times)
}

fn writeln(line: &str) -> std::io::Result<()> {
    use std::io::Write;
    writeln!(std::io::stdout(), "{line}")
}
