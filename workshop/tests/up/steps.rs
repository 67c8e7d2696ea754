//! How a step turns from failed to passed, and how a save restarts the backend.

use std::path::Path;
use std::process::Command;

use super::accessibility::Axe;
use super::browser::Browser;
use super::webdriver::Locator;
use super::{Up, root, target};

/// A copy of the files that git tracks.
pub fn repository() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    let files = Command::new("git")
        .args(["ls-files", "-co", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    // The backends of the developer who runs the tests are not copied.
    let is_own = |file: &&str| !file.starts_with("backend-") || file.starts_with("backend-base/");
    for file in String::from_utf8(files.stdout).unwrap().lines().filter(is_own) {
        let (from, to) = (root().join(file), copy.path().join(file));
        if from.is_file() {
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(from, to).unwrap();
        }
    }
    copy
}

pub fn workshop(folder: &Path, arguments: &[&str]) {
    let ran = Command::new(env!("CARGO_BIN_EXE_workshop"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("CARGO_MANIFEST_DIR")
        .env("CARGO_TARGET_DIR", target())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds the service, and wants chromium"]
async fn a_step_turns_from_red_to_green_and_a_save_restarts_the_backend() {
    let repository = repository();
    workshop(repository.path(), &["new", "sakura"]);
    // Inside the folder, the name may be left out.
    let up = Up::start(&repository.path().join("backend-sakura"), &["--rate", "0"]);
    up.wait_for_service();
    let browser = Browser::start().await;
    browser.open(&up.url).await;
    browser.text_when("#content", "what to do", |text| text.contains("curl -i localhost")).await;

    browser.open(&format!("{}/steps", up.url)).await;
    browser.click(Locator::Css("main button")).await;
    browser.text_when("#step-structured-logs summary", "red", |text| text.starts_with("failed")).await;
    let red = browser.text("#step-structured-logs").await.unwrap();
    assert!(red.contains("JSON object"), "it should show the expectation: {red}");
    assert!(browser.text("#step-run summary").await.unwrap().starts_with("passed"));

    workshop(repository.path(), &["goto", "sakura", "structured-logs"]);
    up.line("backend-sakura is restarting");
    browser.click(Locator::Css("main button:not([disabled])")).await;
    browser.text_when("#step-structured-logs summary", "green", |text| text.starts_with("passed")).await;
    browser
        .text_when("#step-first-span summary", "the next one is red", |text| text.starts_with("failed"))
        .await;

    browser.picture("steps-of-an-attendee").await;
    if let Some(axe) = Axe::load() {
        for path in ["/", "/steps", "/guide/en/01-structured-logs.md", "/guide/ja/02-first-span.md"] {
            let violations = axe.violations(&browser, &up.url, path).await;
            assert!(violations.is_empty(), "{violations:#?}");
        }
    }

    std::fs::write(repository.path().join("backend-sakura/src/main.rs"), "fn main() { nonsense }").unwrap();
    up.line("cargo build failed");
    up.wait_for_service();
    browser.open(&up.url).await;
    browser.text_when(".notice", "the build has failed", |text| text.contains("has failed")).await;
    assert_eq!(browser.faults().await, Vec::<String>::new());
}
