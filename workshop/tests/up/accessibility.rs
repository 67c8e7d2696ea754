//! The pages meet WCAG 2.1 AA as far as axe-core can judge: on a phone and on a large screen, light and dark.

use serde_json::json;

use super::browser::Browser;
use super::screen::{Console, send_all, span};

/// The rules of axe-core that belong to WCAG 2.1, levels A and AA.
const ALL_RULES: &str = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']";
/// The only rule whose result depends on the colours.
const COLOURS: &str = "{ type: 'rule', values: ['color-contrast'] }";
const RUN: &str = "
    const result = await axe.run(document, options);
    return result.violations.flatMap((rule) => rule.nodes.map((node) => rule.id + ' (' + rule.help + '): '
        + node.target.join(' ') + ': ' + node.html.slice(0, 200)));
";

/// axe-core, which runs in a browser.
pub struct Axe {
    source: String,
}

impl Axe {
    /// Reads the file that `AXE_CORE` names. `None` if the variable is not set, except in CI.
    pub fn load() -> Option<Self> {
        let Some(file) = std::env::var_os("AXE_CORE") else {
            let is_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
            assert!(!is_ci, "AXE_CORE is not set; `.ci/run up` installs axe-core and sets it");
            eprintln!(
                "AXE_CORE is not set, so axe-core is not run; `.ci/run --setup up` installs it, `.ci/run up` runs it"
            );
            return None;
        };
        Some(Self { source: std::fs::read_to_string(file).unwrap() })
    }

    /// What is wrong with the open page: the rule and the element.
    pub async fn run(&self, browser: &Browser, rules: &str) -> Vec<String> {
        let options = format!("const options = {{ runOnly: {rules}, resultTypes: ['violations'] }};");
        let script = format!("{}\nreturn (async () => {{ {options} {RUN} }})()", self.source);
        serde_json::from_value(browser.script(&script).await).unwrap()
    }

    /// What is wrong with the page at `url`, in both widths and colour schemes, with its path in front.
    pub async fn violations(&self, browser: &Browser, url: &str, path: &str) -> Vec<String> {
        let mut violations = Vec::new();
        for width in [390, 1_400] {
            let size =
                json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500 });
            browser.devtools("Emulation.setDeviceMetricsOverride", size).await;
            for (scheme, rules) in [("light", ALL_RULES), ("dark", COLOURS)] {
                let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
                browser.devtools("Emulation.setEmulatedMedia", media).await;
                browser.open(&format!("{url}{path}")).await;
                let found = self.run(browser, rules).await;
                violations.extend(found.iter().map(|what| format!("{path}, {width} px, {scheme}: {what}")));
            }
        }
        violations
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "wants chromium"]
async fn no_page_violates_wcag_2_1_aa_by_axe() {
    let Some(axe) = Axe::load() else { return };
    let console = Console::start();
    let browser = Browser::start().await;
    let mut violations = Vec::new();
    // Nothing has arrived: the pages say what to do.
    for path in ["/", "/traces", "/logs", "/errors", "/metrics", "/services"] {
        violations.extend(axe.violations(&browser, console.url(), path).await);
    }

    send_all(&console).await;
    let trace = "e".repeat(32);
    let spans = (1..=12).map(|id| span(&trace, id, id / 2, &format!("part {id}"), id == 5)).collect();
    console.spans("worker", spans).await;
    let group = console.error_group().await;
    browser.open(&format!("{}/logs?q=%22record+50%22", console.url())).await;
    let around = browser.script("return document.querySelector('[href*=around]').getAttribute('href')").await;
    let around = around.as_str().unwrap();
    for path in [
        "/",
        "/?last=15m",
        "/?service=nope",
        "/traces",
        "/traces?min=soon",
        "/traces?q=nothing",
        "/traces?from=2026-01-02T03:04:05Z",
        "/traces?last=soon",
        "/traces/without-spans",
        &format!("/traces/{trace}"),
        &format!("/traces/{trace}?span={:016x}", 5),
        &format!("/traces/{trace}?find=part"),
        // Its spans are not stored.
        &format!("/traces/{}", "d".repeat(32)),
        "/logs",
        around,
        "/errors",
        "/errors?q=nothing",
        "/errors?q=(",
        &format!("/errors/{group}"),
        "/metrics",
        "/metrics/worker/connections",
        "/metrics/worker/duration",
        "/metrics/worker/connections?group=*",
        "/metrics/worker/duration?group=item",
        "/services",
        "/self",
        "/steps",
        "/guide",
        "/guide/en/04-client-spans.md",
        "/guide/ja/04-client-spans.md",
        "/guide/en/README.md?q=span",
        "/guide/en/instructor.md",
        "/nowhere",
    ] {
        violations.extend(axe.violations(&browser, console.url(), path).await);
    }
    for scheme in ["light", "dark"] {
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        browser.devtools("Emulation.setEmulatedMedia", media).await;
        browser.open(console.url()).await;
        browser.keys("?").await;
        violations.extend(axe.run(&browser, ALL_RULES).await);
    }
    assert!(violations.is_empty(), "{violations:#?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "wants chromium"]
async fn axe_reports_the_rule_and_the_element_of_a_violation() {
    let Some(axe) = Axe::load() else { return };
    let console = Console::start();
    let browser = Browser::start().await;
    browser.open(&format!("{}/self", console.url())).await;
    browser.script("document.querySelector('h1').append(document.createElement('img'))").await;
    let found = axe.run(&browser, ALL_RULES).await;
    assert!(
        matches!(&found[..], [one] if one.starts_with("image-alt ") && one.contains("<img>")),
        "{found:#?}"
    );
}
