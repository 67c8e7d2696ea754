//! Takes pictures of all pages, light and dark: `target/screenshots/`.
//!
//! ```sh
//! cargo test --package workshop --test up -- --ignored screenshots
//! ```

use serde_json::{Value, json};

use super::browser::Browser;
use super::{Up, root};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds the service, and wants chromium"]
async fn screenshots_of_every_page() {
    let up = Up::start(&root(), &["--error-rate", "0.1"]);
    let browser = Browser::start().await;
    // The charts need some data, and the monitor must fire.
    browser.open(&up.url).await;
    browser.text_when(".monitor", "the monitor fires", |text| text.contains("firing")).await;
    browser
        .text_when("#requests", "a course", |text| {
            text.split_whitespace()
                .next()
                .is_some_and(|count| count.replace(',', "").parse::<u64>().is_ok_and(|n| n > 200))
        })
        .await;
    let json = async |path: &str| -> Value {
        let output = std::process::Command::new("curl")
            .args(["-s", "-H", "accept: application/json", &format!("{}{path}", up.url)])
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let traces = json("/traces?status=error").await;
    let trace = traces["traces"][3]["trace_id"].as_str().unwrap().to_owned();
    let spans = json(&format!("/traces/{trace}")).await;
    let spans: Vec<&Value> = spans["resourceSpans"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|resource| resource["scopeSpans"][0]["spans"].as_array().unwrap())
        .collect();
    let select = spans.iter().find(|span| span["name"] == "SELECT users").unwrap();
    let group = json("/errors").await["error_groups"][0]["id"].as_str().unwrap().to_owned();
    let pages = [
        ("overview", "/".to_owned()),
        ("traces", "/traces".to_owned()),
        ("trace", format!("/traces/{trace}")),
        ("span", format!("/traces/{trace}?span={}", select["spanId"].as_str().unwrap())),
        ("logs", "/logs".to_owned()),
        ("errors", "/errors".to_owned()),
        ("error", format!("/errors/{group}")),
        ("metrics", "/metrics".to_owned()),
        ("metric", "/metrics/handson/http.client.request.duration".to_owned()),
        ("services", "/services".to_owned()),
        ("steps", "/steps".to_owned()),
        ("guide", "/guide/en/04-client-spans.md#go".to_owned()),
        ("not-found", format!("/traces/{}", "0".repeat(31) + "1")),
    ];
    for scheme in ["light", "dark"] {
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        browser.devtools("Emulation.setEmulatedMedia", media).await;
        for (name, path) in &pages {
            browser.open(&format!("{}{path}", up.url)).await;
            browser.picture(&format!("{name}-{scheme}")).await;
        }
    }
}
