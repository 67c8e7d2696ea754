//! The report in both languages.

use std::path::{Path, PathBuf};

use serde_json::json;
use workshop::report::{self, Report, State, Verdict};
use workshop::steps::{Lang, Steps};
use workshop::text;
use workshop::verdict::{Expectation, Failure};

/// A report with a failed step: one expectation is met, with advice, and one is not.
fn report(lang: Lang) -> Report {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let steps = Steps::load(root).unwrap();
    let (service, seconds) = ("handson-sakura", 180);
    let failure = Failure::new(
        text!("it still fires {seconds} s after the last failure", seconds),
        text!("`cargo run --features datadog` in the backend's folder shows the same."),
    );
    let expectations = vec![
        Expectation::new(text!("it watches {service}", service), Ok(()))
            .with_advice(Some(text!("Requests go to the service: handson-api, port 8080."))),
        Expectation::new(text!("what was answered with 400 is not sent again"), Err(failure)),
    ];
    let step = steps.find("alert").unwrap().clone();
    Report {
        backend: "backend-sakura".to_owned(),
        lang,
        verdicts: vec![Verdict { step, state: State::Failed, expectations }],
        keep_going: false,
        guide: PathBuf::new(),
        left_out: Vec::new(),
    }
}

/// The lines of the report without colours, up to the hint.
fn lines(lang: Lang, hint: &str) -> Vec<String> {
    let text = anstream::adapter::strip_str(&report::text(&report(lang))).to_string();
    let lines = text.lines().skip(1).map(str::trim).map(str::to_owned);
    lines.take_while(|line| line != hint).collect()
}

#[test]
fn a_report_has_what_was_expected_and_seen_the_cause_and_advice() {
    assert_eq!(
        lines(Lang::En, "Hint"),
        [
            "✓ it watches handson-sakura",
            "Advice",
            "Requests go to the service: handson-api, port 8080.",
            "✗ Expected",
            "what was answered with 400 is not sent again",
            "Seen",
            "it still fires 180 s after the last failure",
            "Likely",
            "cargo run --features datadog in the backend's folder shows the same.",
        ]
    );
}

#[test]
fn a_report_in_japanese_has_no_english_sentence() {
    assert_eq!(
        lines(Lang::Ja, "ヒント"),
        [
            "✓ handson-sakura を見ている",
            "助言",
            "リクエストの宛先はサービスです。handson-api のポート 8080 です。",
            "✗ 期待",
            "400 が返ったものを送り直さない",
            "実際",
            "最後の失敗から 180 秒たっても発報したまま",
            "原因",
            "バックエンドのフォルダーで cargo run --features datadog を実行すると、同じことが確かめられます。",
        ]
    );
}

#[test]
fn the_json_of_a_report_is_in_its_language() {
    assert_eq!(
        report::json(&report(Lang::Ja))["steps"][0]["expectations"],
        json!([
            {
                "expected": "handson-sakura を見ている",
                "advice": "リクエストの宛先はサービスです。handson-api のポート 8080 です。",
                "failure": null,
            },
            {
                "expected": "400 が返ったものを送り直さない",
                "advice": null,
                "failure": {
                    "seen": "最後の失敗から 180 秒たっても発報したまま",
                    "cause": "バックエンドのフォルダーで `cargo run --features datadog` を実行すると、同じことが確かめられます。",
                },
            },
        ])
    );
}
