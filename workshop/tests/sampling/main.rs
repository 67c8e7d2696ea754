//! `cargo workshop sampling` with a real Collector, which `OTELCOL` names: the answer of the chapter passes,
//! and mistakes in it are found. `.ci/run collector` runs these tests.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// The sentences of the report, in order.
const ERRORS: &str = "every trace with a failed span is kept";
const SLOW: &str = "every slow trace is kept";
const SHARE: &str = "about 10 % of the other traces are kept, on every route";
const WHOLE: &str = "a trace is kept with all its spans, each once, or not at all";
const METRICS: &str = "metrics made of spans count all requests, and not only those that are kept";

fn chapter(lang: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("guide");
    fs::read_to_string(folder.join(lang).join("15-sampling.md")).unwrap()
}

/// The fences with such a text, without the indentation of a list.
fn fences(chapter: &str, begins_with: &str) -> Vec<String> {
    let texts = chapter.split("```text\n").skip(1).filter_map(|rest| rest.split("```").next());
    texts
        .map(|text| {
            let indentation = text.lines().next().unwrap().chars().take_while(|c| *c == ' ').count();
            let lines = text.lines().map(|line| line.get(indentation..).unwrap_or_default());
            lines.collect::<Vec<_>>().join("\n")
        })
        .filter(|text| text.starts_with(begins_with))
        .collect()
}

/// The configuration of the beginning, and the answer.
fn configurations(lang: &str) -> [String; 2] {
    fences(&chapter(lang), "receivers:").try_into().unwrap()
}

/// The quoted parts of reports: all holds, and something does not.
fn reports(lang: &str) -> [String; 2] {
    let chapter = chapter(lang);
    ["✓", "✗"].map(|mark| fences(&chapter, mark).swap_remove(0))
}

/// The answer of the chapter.
fn answer() -> String {
    configurations("en")[1].clone()
}

/// The answer with another text in one place.
#[track_caller]
fn answer_with(text: &str, other: &str) -> String {
    let answer = answer();
    assert_eq!(answer.matches(text).count(), 1, "{text:?} in\n{answer}");
    answer.replace(text, other)
}

struct Judged {
    status: Option<i32>,
    output: String,
}

/// Judges a configuration in a file.
fn judge_file(file: &Path, arguments: &[&str]) -> Judged {
    assert!(std::env::var_os("OTELCOL").is_some(), "OTELCOL names no Collector: run .ci/run collector");
    let output = Command::new(env!("CARGO_BIN_EXE_workshop"))
        .args(["sampling", "--config"])
        .arg(file)
        .args(arguments)
        .env_remove("CARGO_MANIFEST_DIR")
        .env("LC_ALL", "C.UTF-8")
        // Only the configuration of the workshop reads it.
        .env("SPAN_METRICS_INTERVAL", "2s")
        .output()
        .unwrap();
    let output_text = [output.stdout, output.stderr].concat();
    Judged { status: output.status.code(), output: String::from_utf8(output_text).unwrap() }
}

fn judge(configuration: &str, arguments: &[&str]) -> Judged {
    let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    fs::write(file.path(), configuration).unwrap();
    judge_file(file.path(), arguments)
}

impl Judged {
    /// Exactly these sentences do not hold, and the report contains these words.
    #[track_caller]
    fn fails(&self, sentences: &[&str], words: &[&str]) {
        assert_eq!(self.status, Some(1), "{}", self.output);
        let lines: Vec<&str> = self.output.lines().map(str::trim).collect();
        for sentence in [ERRORS, SLOW, SHARE, WHOLE, METRICS] {
            let holds = lines.contains(&format!("✓ {sentence}").as_str());
            assert_eq!(holds, !sentences.contains(&sentence), "{sentence}:\n{}", self.output);
        }
        for words in words {
            assert!(self.output.contains(words), "should contain {words:?}, but is:\n{}", self.output);
        }
    }

    /// The Collector cannot be run, for a reason with these words.
    #[track_caller]
    fn cannot_run(&self, words: &str) {
        assert_eq!(self.status, Some(2), "{}", self.output);
        assert!(self.output.contains(words), "should contain {words:?}, but is:\n{}", self.output);
    }
}

/// The quoted output is in the output, whose lines are not wrapped.
#[track_caller]
fn is_quoted(quoted: &str, output: &str) {
    let words = |text: &str| text.split_whitespace().collect::<String>();
    assert!(
        words(output).contains(&words(quoted)),
        "the chapter quotes\n{quoted}\nbut the output is\n{output}"
    );
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn the_answer_of_the_chapter_passes_and_its_output_is_quoted() {
    let judged = judge(&answer(), &[]);
    assert_eq!(judged.status, Some(0), "{}", judged.output);
    assert!(judged.output.contains("others 179 / 1800"), "as the chapter says: {}", judged.output);
    is_quoted(&reports("en")[0], &judged.output);
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn the_japanese_chapter_has_the_same_answer_and_quotes_the_japanese_output() {
    assert_eq!(configurations("ja"), configurations("en"));
    let judged = judge(&answer(), &["--lang", "ja", "--seed", "1"]);
    assert_eq!(judged.status, Some(0), "{}", judged.output);
    is_quoted(&reports("ja")[0], &judged.output);
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn other_traces_are_judged_alike() {
    let judged = judge(&answer(), &["--seed", "20261128"]);
    assert_eq!(judged.status, Some(0), "{}", judged.output);
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn without_metrics_of_spans_the_rest_is_judged() {
    let judged = judge(
        &answer()
            .replace("    metrics:\n      receivers: [span_metrics]\n      exporters: [otlp_http]", "")
            .replace("connectors:\n  span_metrics:\n    metrics_flush_interval: 2s\n", "")
            .replace(
                "    traces/count:\n      receivers: [otlp]\n      processors: [memory_limiter]\n      exporters: [span_metrics]\n",
                "",
            ),
        &[],
    );
    assert_eq!(judged.status, Some(0), "{}", judged.output);
    assert!(judged.output.contains("makes no metrics of spans"), "{}", judged.output);
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn the_file_of_the_beginning_keeps_everything() {
    judge(&configurations("en")[0], &[]).fails(
        &[SHARE],
        &["1800 of 1800 (100.0 %)", "No pipeline has the processor tail_sampling, so everything"],
    );
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn tail_sampling_that_no_pipeline_names_is_noticed() {
    judge(&answer_with("[memory_limiter, tail_sampling]", "[memory_limiter]"), &[])
        .fails(&[SHARE], &["No pipeline has the processor tail_sampling"]);
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn head_sampling_is_noticed() {
    let head = answer_with("[memory_limiter, tail_sampling]", "[memory_limiter, probabilistic_sampler]")
        .replace(
            "  tail_sampling:\n",
            "  probabilistic_sampler: {sampling_percentage: 10}\n  tail_sampling:\n",
        );
    judge(&head, &[]).fails(&[ERRORS, SLOW], &["of 100 arrived", "is head sampling: it cannot know"]);
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn head_sampling_in_front_of_tail_sampling_is_noticed() {
    let both = answer_with(
        "[memory_limiter, tail_sampling]",
        "[memory_limiter, probabilistic_sampler, tail_sampling]",
    )
    .replace("  tail_sampling:\n", "  probabilistic_sampler: {sampling_percentage: 50}\n  tail_sampling:\n");
    judge(&both, &[]).fails(&[ERRORS, SLOW, SHARE], &["something before tail_sampling that drops spans"]);
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn a_missing_policy_for_errors_is_noticed() {
    let policy =
        "      - name: errors\n        type: status_code\n        status_code: {status_codes: [ERROR]}\n";
    judge(&answer_with(policy, ""), &[])
        .fails(&[ERRORS], &["tail_sampling has no policy of the type status_code"]);
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn a_threshold_that_is_too_high_is_noticed() {
    judge(&answer_with("threshold_ms: 300", "threshold_ms: 500"), &[])
        .fails(&[SLOW], &["threshold_ms of the policy latency is too high"]);
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn a_threshold_that_is_too_low_is_noticed() {
    judge(&answer_with("threshold_ms: 300", "threshold_ms: 100"), &[])
        .fails(&[SHARE], &["threshold_ms of the policy latency is too low"]);
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn another_share_of_the_rest_is_noticed() {
    judge(&answer_with("sampling_percentage: 10", "sampling_percentage: 50"), &[])
        .fails(&[SHARE], &["look at sampling_percentage", "expected 117 to 243"]);
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn a_route_with_a_share_of_its_own_is_noticed() {
    let orders = "      - name: orders\n        type: string_attribute\n        \
                  string_attribute: {key: http.route, values: [/orders]}\n";
    judge(&answer_with("      - name: tenth\n", &format!("{orders}      - name: tenth\n")), &[])
        .fails(&[SHARE], &["(100.0 %) on POST /orders", "The share differs between routes"]);
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn metrics_behind_the_sampling_are_noticed() {
    let behind = answer_with("exporters: [otlp_http]\n    metrics:", "exporters: [otlp_http, span_metrics]\n    metrics:").replace(
        "    traces/count:\n      receivers: [otlp]\n      processors: [memory_limiter]\n      exporters: [span_metrics]\n",
        "",
    );
    judge(&behind, &[]).fails(&[METRICS], &["2000 were sent", "The connector stands behind the sampling"]);
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn metrics_that_are_sent_nowhere_are_noticed() {
    judge(
        &answer_with(
            "receivers: [span_metrics]\n      exporters: [otlp_http]",
            "receivers: [span_metrics]\n      exporters: [debug]",
        )
        .replace("  otlp_http:\n", "  debug:\n  otlp_http:\n"),
        &[],
    )
    .fails(&[METRICS], &["no metric about the requests arrived", "every 2s"]);
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn a_decision_that_comes_too_early_is_noticed_as_the_chapter_quotes_it() {
    let judged = judge(&answer_with("decision_wait: 6s", "decision_wait: 1s"), &[]);
    judged.fails(&[ERRORS, SLOW], &["decision_wait is 1s"]);
    is_quoted(&reports("en")[1], &judged.output);
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn an_early_decision_is_reported_in_japanese_as_the_chapter_quotes_it() {
    let judged = judge(&answer_with("decision_wait: 6s", "decision_wait: 1s"), &["--lang", "ja"]);
    assert_eq!(judged.status, Some(1), "{}", judged.output);
    is_quoted(&reports("ja")[1], &judged.output);
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn a_memory_for_too_few_traces_is_noticed() {
    judge(&answer_with("num_traces: 50000", "num_traces: 100"), &[])
        .fails(&[ERRORS, SLOW, SHARE, WHOLE], &["num_traces is 100", "traces lack spans"]);
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn an_exporter_whose_queue_is_full_is_noticed() {
    judge(&answer_with("      queue_size: 10000\n      batch:\n", "      queue_size: 10\n"), &[])
        .fails(&[ERRORS, SLOW, SHARE], &["sending queue is full"]);
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn two_pipelines_to_the_same_exporter_are_noticed() {
    judge(&answer_with("exporters: [span_metrics]", "exporters: [span_metrics, otlp_http]"), &[])
        .fails(&[SHARE, WHOLE], &["Everything is sent on", "arrived twice"]);
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn an_exporter_to_somewhere_else_is_noticed() {
    let judged =
        judge(&answer_with("endpoint: ${env:COLLECTOR_UPSTREAM}", "endpoint: http://127.0.0.1:9"), &[]);
    judged.fails(
        &[ERRORS, SLOW, SHARE, WHOLE, METRICS],
        &["no span arrived", "endpoint: ${env:COLLECTOR_UPSTREAM}"],
    );
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn the_collector_of_the_workshop_can_be_judged_and_keeps_another_share() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    judge_file(&root.join("infrastructure/local/collector.yaml"), &[])
        .fails(&[SLOW, SHARE], &["threshold_ms", "look at sampling_percentage"]);
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn a_collector_that_does_not_start_shows_why() {
    let mistaken = answer_with(
        "processors: [memory_limiter, tail_sampling]",
        "processors: [memory_limiter, tail_sampling/other]",
    );
    judge(&mistaken, &[]).cannot_run("references processor \"tail_sampling/other\" which is not configured");
}

#[test]
#[ignore = "needs a Collector: .ci/run collector"]
fn a_collector_on_another_port_is_noticed() {
    judge(&answer_with("endpoint: localhost:${env:OTLP_HTTP_PORT}", "endpoint: localhost:0"), &[])
        .cannot_run("it needs `endpoint: localhost:${env:OTLP_HTTP_PORT}`");
}
