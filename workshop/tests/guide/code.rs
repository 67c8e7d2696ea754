//! The code in the chapters is the code of the source.

use std::path::Path;

use workshop::error::LineError;
use workshop::guide::{self, Code, LANGUAGES};
use workshop::source::{EXAMPLES, derive_example};
use workshop::steps::Steps;

use super::{chapters, root};

fn sync(chapter: &str) -> Result<String, LineError> {
    let steps = Steps::load(root()).unwrap();
    guide::sync(chapter, &mut Code::new(root(), &steps))
}

fn fence(mark: &str) -> String {
    fence_in("rust", mark)
}

fn fence_in(language: &str, mark: &str) -> String {
    format!("Text.\n\n<!-- code: {mark} -->\n```{language}\nfn old() {{}}\n```\n\nMore text.\n")
}

#[test]
fn the_code_in_every_chapter_is_that_of_the_source() {
    for lang in ["en", "ja"] {
        for (file, text) in chapters(lang) {
            let synced = sync(&text).unwrap_or_else(|error| panic!("{lang}/{file}:{error}"));
            assert!(synced == text, "{lang}/{file} is stale: `cargo workshop guide --sync`");
            let code: usize = LANGUAGES
                .iter()
                .map(|name| text.matches(&format!("\n```{}\n", name.to_lowercase())).count())
                .sum();
            assert_eq!(text.matches("<!-- code: ").count(), code, "{lang}/{file} has code without a mark");
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
fn a_paragraph_of_an_example_comes_with_what_is_above_it_and_without_markers() {
    let mark = "client-spans examples/go/after/httpbin.go func newHTTPBin";
    let synced = sync(&fence_in("go", mark)).unwrap();
    assert!(
        synced.contains("-->\n```go\nfunc newHTTPBin(url string) httpbin {\n\ttransport := "),
        "{synced}"
    );
    assert!(synced.contains("\n\ttransport = otelhttp.NewTransport("), "{synced}");
    assert!(synced.ends_with("\n}\n```\n\nMore text.\n"), "{synced}");
    // `recorder` comes with a later step.
    assert!(
        !synced.contains("ANCHOR") && !synced.contains("BEFORE") && !synced.contains("recorder"),
        "{synced}"
    );
    assert_eq!(sync(&synced).unwrap(), synced);

    let mark = "first-span examples/python/after/handson.py async def sleep_50_microsec";
    let synced = sync(&fence_in("python", mark)).unwrap();
    let shown = "-->\n```python\n@tracer.start_as_current_span(\"handson.sleep50microsec\")\n\
                 async def sleep_50_microsec():\n    await asyncio.sleep(50e-6)\n```\n";
    assert!(synced.contains(shown), "{synced}");

    // Inside of a function, up to the next blank line.
    let mark = "log-correlation examples/python/after/telemetry.py records =";
    let synced = sync(&fence_in("python", mark)).unwrap();
    assert!(synced.contains("-->\n```python\nrecords = LoggerProvider("), "{synced}");
    assert!(synced.contains("\nproviders.append(records)\n```\n"), "{synced}");
}

/// The part of a chapter below `heading`, up to the next heading that is not below it.
fn section<'a>(chapter: &'a str, heading: &str) -> Option<&'a str> {
    let (_, rest) = chapter.split_once(&format!("\n{heading}\n"))?;
    let end = ["\n## ", "\n### "].iter().filter_map(|next| rest.find(next)).min();
    Some(&rest[..end.unwrap_or(rest.len())])
}

#[test]
fn a_step_whose_answer_is_code_shows_it_in_every_language() {
    let steps = Steps::load(root()).unwrap();
    let mut count = 0;
    for language in EXAMPLES {
        for step in &steps.all()[1..] {
            let at = |number| derive_example(root(), &steps, number, language).unwrap();
            let (before, after) = (at(step.number - 1), at(step.number));
            let is_code = |file: &Path| file.extension().is_some_and(|extension| extension != "toml");
            let mut changed = after.files.iter().filter(|(file, text)| before.files.get(*file) != Some(text));
            if !changed.any(|(file, _)| is_code(file)) {
                continue;
            }
            count += 1;
            for lang in ["en", "ja"] {
                let place = format!("{lang}/{}", step.chapter);
                let chapter = &chapters(lang)[&step.chapter];
                let name = LANGUAGES.into_iter().find(|name| name.to_lowercase() == language).unwrap();
                let heading = format!("### {name}");
                let section =
                    section(chapter, &heading).unwrap_or_else(|| panic!("{place} has no {heading}"));
                let mark = format!("<!-- code: {} examples/{language}/after/", step.id);
                assert!(section.contains(&mark), "{place}, {heading}: no code of this step, {mark}");
                let check = format!("`cargo workshop check --command '{}' {}`", command(language), step.id);
                assert!(section.contains(&check), "{place}, {heading}: {check} is missing");
            }
        }
    }
    assert_eq!(count, 16, "steps 1 to 8 in two languages");
}

/// What starts the service, as in `examples/README.md`.
fn command(language: &str) -> String {
    let readme = std::fs::read_to_string(root().join("examples/README.md")).unwrap();
    let row = readme.lines().find(|line| line.contains(&format!("--dir examples/{language}/after"))).unwrap();
    let (_, command) = row.split_once("--command '").unwrap();
    command.split_once('\'').unwrap().0.to_owned()
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
        ("server-spans src/README.md", "expected a file that ends in .rs, .go or .py"),
        ("server-spans examples/go/after/nothing.go", "there is no examples/go/after/nothing.go"),
        ("metrics examples/go/after/main.go func run", "this code already exists before step 'metrics'"),
        ("server-spans examples/go/after/main.go handler =", "expected ```go on the next line"),
    ] {
        let error = sync(&fence(mark)).unwrap_err().to_string();
        assert!(error.starts_with("3: ") && error.contains(words), "{mark}: {error}");
    }
    let error = sync("<!-- code: server-spans src/main.rs -->\nno fence\n").unwrap_err().to_string();
    assert!(error.contains("expected ```rust on the next line"), "{error}");
    let error = sync("<!-- code: server-spans src/main.rs -->\n```rust\n").unwrap_err().to_string();
    assert!(error.contains("the fence is not closed"), "{error}");
}
