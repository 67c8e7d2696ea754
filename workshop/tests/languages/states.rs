//! Each state of each example: the checks of its steps pass, and that of the next step fails.

use workshop::source::derive_example;
use workshop::steps::Steps;

use super::{evidence, failures, report, root};

/// The last step whose answer is in the examples.
const LAST: &str = "alert";

#[test]
#[ignore = "needs Go; run with --ignored"]
fn every_state_in_go_is_judged_right() {
    every_state_is_judged_right("go", "go run .");
}

#[test]
#[ignore = "needs Python and its packages; run with --ignored"]
fn every_state_in_python_is_judged_right() {
    every_state_is_judged_right("python", "python handson.py");
}

fn every_state_is_judged_right(language: &str, command: &str) {
    let steps = Steps::load(&root()).unwrap();
    let last = steps.find(LAST).unwrap().number;
    for at in 0..=last {
        let folder = tempfile::tempdir().unwrap();
        derive_example(&root(), &steps, at, language).unwrap().write_to(folder.path()).unwrap();
        let evidence = evidence(command, folder.path());
        for step in &steps.all()[..=at] {
            let failures = failures(&step.id, &evidence);
            let report = report(&failures);
            assert!(failures.is_empty(), "{language} after step {at}, {}:\n{report}", step.id);
        }
        if let Some(next) = steps.all()[..=last].get(at + 1) {
            assert!(
                !failures(&next.id, &evidence).is_empty(),
                "{language} after step {at}: {} passes",
                next.id
            );
        }
    }
}
