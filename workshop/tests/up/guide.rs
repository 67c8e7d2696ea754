//! Takes the guide's pictures, which show an attendee's console after each step. They are written to
//! `target/screenshots/guide/` and copied to `workshop/guide/pictures/`:
//!
//! ```sh
//! cargo test --package workshop --test up -- --ignored pictures_of_the_guide
//! cp target/screenshots/guide/*.png workshop/guide/pictures/
//! ```

use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::browser::Browser;
use super::steps::{repository, workshop};
use super::{Up, within};

/// Metrics are exported once a minute.
const SOON: Duration = Duration::from_secs(100);

/// Steps whose result shows in a trace: the number of the chapter, the step, and the number of spans of a
/// request, including those of the local httpbin.
const TRACES: [(&str, &str, usize); 5] = [
    ("02", "first-span", 1),
    ("03", "server-spans", 2),
    ("04", "client-spans", 10),
    ("05", "db-spans", 12),
    ("06", "log-correlation", 12),
];

/// `path` of the console as JSON.
fn json_of(up: &Up, path: &str) -> Value {
    let output = std::process::Command::new("curl")
        .args(["-s", "-H", "accept: application/json", &format!("{}{path}", up.url)])
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The id of a trace with this many spans, and with log records if `has_logs`: the traces of the step before
/// are still there.
fn trace_of(up: &Up, spans: usize, has_logs: bool) -> String {
    let found = RefCell::new(String::new());
    within(SOON, &format!("a trace of {spans} spans"), || {
        let traces = json_of(up, "/traces?service=handson-sakura");
        let complete = traces["traces"].as_array().unwrap().iter().find(|trace| trace["spans"] == spans);
        let id = complete.and_then(|trace| trace["trace_id"].as_str()).unwrap_or_default();
        id.clone_into(&mut found.borrow_mut());
        let has_log_record = || json_of(up, "/logs?service=handson-sakura").to_string().contains(id);
        !id.is_empty() && (!has_logs || has_log_record())
    });
    found.into_inner()
}

async fn picture(browser: &Browser, up: &Up, name: &str, path: &str, height: usize) {
    let size = json!({ "width": 1000, "height": height, "deviceScaleFactor": 1, "mobile": false });
    browser.devtools("Emulation.setDeviceMetricsOverride", size).await;
    browser.open(&format!("{}{path}", up.url)).await;
    browser.picture(&format!("guide/{name}")).await;
}

fn start(repository: &Path, error_rate: &str) -> Up {
    let up = Up::start(&repository.join("backend-sakura"), &["--error-rate", error_rate]);
    up.wait_for_service();
    up
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds the service, and wants chromium"]
async fn pictures_of_the_guide() {
    let repository = repository();
    let goto = |step: &str| workshop(repository.path(), &["goto", "sakura", step]);
    workshop(repository.path(), &["new", "sakura", "--at", "structured-logs"]);
    let browser = Browser::start().await;

    let up = start(repository.path(), "0");
    picture(&browser, &up, "02-before", "/traces", 420).await;
    for (chapter, step, spans) in TRACES {
        goto(step);
        up.line("backend-sakura is restarting");
        up.wait_for_service();
        let has_logs = step == "log-correlation";
        let trace = trace_of(&up, spans, has_logs);
        let height = if has_logs { 720 } else { 560 };
        picture(&browser, &up, &format!("{chapter}-after"), &format!("/traces/{trace}"), height).await;
    }
    picture(&browser, &up, "08-before", "/metrics", 420).await;
    drop(up);

    for (step, name) in [("log-correlation", "07-before"), ("errors", "07-after")] {
        goto(step);
        let up = start(repository.path(), "0.5");
        within(SOON, "a group of errors", || {
            let groups = json_of(&up, "/errors");
            let groups = groups["error_groups"].as_array().unwrap();
            groups.iter().any(|group| group["count"].as_u64().is_some_and(|count| count > 8))
        });
        picture(&browser, &up, name, "/errors", 420).await;
        if name == "07-after" {
            let group = json_of(&up, "/errors")["error_groups"][0]["id"].as_str().unwrap().to_owned();
            picture(&browser, &up, "07-group", &format!("/errors/{group}"), 560).await;
        }
    }

    goto("metrics");
    let up = start(repository.path(), "0.1");
    within(SOON, "durations of the database", || {
        json_of(&up, "/metrics").to_string().contains("db.client.operation.duration")
    });
    picture(&browser, &up, "08-after", "/metrics", 760).await;
    drop(up);

    goto("alert");
    let up = start(repository.path(), "0.5");
    browser.open(&up.url).await;
    browser.text_when(".monitor", "the monitor fires", |text| text.contains("firing")).await;
    picture(&browser, &up, "09-after", "/", 760).await;
}
