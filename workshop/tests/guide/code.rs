//! The code in the chapters is the code of the source.

use workshop::error::LineError;
use workshop::guide::{self, Code};
use workshop::steps::Steps;

use super::{chapters, root};

fn sync(chapter: &str) -> Result<String, LineError> {
    let steps = Steps::load(root()).unwrap();
    guide::sync(chapter, &mut Code::new(root(), &steps))
}

fn fence(mark: &str) -> String {
    format!("Text.\n\n<!-- code: {mark} -->\n```rust\nfn old() {{}}\n```\n\nMore text.\n")
}

#[test]
fn the_code_in_every_chapter_is_that_of_the_source() {
    for lang in ["en", "ja"] {
        for (file, text) in chapters(lang) {
            let synced = sync(&text).unwrap_or_else(|error| panic!("{lang}/{file}:{error}"));
            assert!(synced == text, "{lang}/{file} is stale: `cargo workshop guide --sync`");
            let rust = text.matches("\n```rust").count();
            assert_eq!(text.matches("<!-- code: ").count(), rust, "{lang}/{file} has Rust without a mark");
        }
    }
}

#[test]
fn an_item_comes_with_its_comment_and_without_its_neighbours() {
    let synced = sync(&fence("first-span src/handson.rs async fn sleep_50_microsec")).unwrap();
    assert!(synced.starts_with("Text.\n\n<!-- code: "), "{synced}");
    assert!(synced.contains("-->\n```rust\n/// Sleeps 50 µs"), "{synced}");
    assert!(
        synced.contains("\n#[tracing::instrument(name = \"handson.sleep50microsec\", skip_all)]\nasync fn"),
        "{synced}"
    );
    assert!(synced.contains(".await;\n}\n```\n\nMore text.\n"), "{synced}");
    assert!(!synced.contains("old") && !synced.contains("ANCHOR"), "{synced}");
    assert_eq!(sync(&synced).unwrap(), synced);
}

#[test]
fn code_is_as_it_is_after_the_step_and_not_later() {
    let mark = "src/telemetry.rs pub fn start(";
    let first = sync(&fence(&format!("first-span {mark}"))).unwrap();
    let later = sync(&fence(&format!("metrics {mark}"))).unwrap();
    assert!(first.contains("// TODO metrics") && !first.contains("metrics::provider"), "{first}");
    assert!(later.contains("metrics::provider"), "{later}");
}

#[test]
fn code_of_the_crate_is_shown_as_it_is() {
    let synced = sync(&fence("crate instrumentation/src/exception.rs pub fn record(")).unwrap();
    assert!(synced.contains("Context::map_current(|context| record_on(context, exception));"), "{synced}");
}

#[test]
fn a_mark_without_code_is_refused_with_its_line() {
    for (mark, words) in [
        ("server-span src/app.rs", "server-span"),
        ("server-spans src/apps.rs", "there is no src/apps.rs"),
        ("server-spans src/main.rs fn nonsense", "one line that begins with this item, got 0"),
        ("server-spans src/telemetry.rs //", "expected one line that begins with this item"),
        (
            "client-spans src/handson.rs async fn sleep_50_microsec",
            "this code already exists before step 'client-spans'",
        ),
        ("server-spans", "expected `code: STEP FILE [ITEM]`"),
    ] {
        let error = sync(&fence(mark)).unwrap_err().to_string();
        assert!(error.starts_with("3: ") && error.contains(words), "{mark}: {error}");
    }
    let error = sync("<!-- code: server-spans src/main.rs -->\nno fence\n").unwrap_err().to_string();
    assert!(error.contains("expected ```rust on the next line"), "{error}");
    let error = sync("<!-- code: server-spans src/main.rs -->\n```rust\n").unwrap_err().to_string();
    assert!(error.contains("the fence is not closed"), "{error}");
}
