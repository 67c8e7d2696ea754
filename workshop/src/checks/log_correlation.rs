//! Step 6: log lines and log records that name their trace.

mod lines;
mod records;

use super::log_lines::{has_ids, objects};
use super::words::{expect, first_of, no_server_spans, served_in};
use crate::evidence::Evidence;
use crate::verdict::Expectation;

pub(super) fn judge(evidence: &Evidence) -> Vec<Expectation> {
    if let Some(failed) = no_server_spans(evidence) {
        return vec![failed];
    }
    let calm = &evidence.calm;
    let runs = [calm, &evidence.errors];
    let queries = objects(calm);
    let all_records = || runs.iter().flat_map(|run| &run.telemetry.log_records);
    vec![
        expect(
            "each request has its dbQuery line, which carries trace.id, trace_id, dd.trace_id, span.id, span_id, dd.span_id \
             in lowercase hex",
            first_of(served_in(calm), |served| lines::query_is_wrong(&served, &queries)),
        ),
        expect(
            "every line of a request carries these six ids, each once",
            first_of(runs, lines::ids_are_wrong).or_else(|| first_of(runs, lines::ids_are_missing)),
        ),
        expect(
            "the ids in a line are those of one span that was received, and that ran when the line was logged",
            first_of(runs, |run| {
                first_of(objects(run).iter().filter(|line| has_ids(line)), |line| {
                    lines::span_is_wrong(run, line)
                })
            }),
        ),
        expect(
            "a line outside any request, such as the start-up line, has no ids",
            first_of(runs, lines::zero_ids),
        ),
        expect(
            "each request has its dbQuery log record over OTLP, with trace id and span id in their own fields",
            first_of(served_in(calm), |served| records::query_is_wrong(&served, &queries)),
        ),
        expect(
            "each line of a request is one log record of its trace, with the same message and level, and there are no others",
            first_of(runs, records::differ_from_lines),
        ),
        expect(
            "a log record has a severity, its message as body, the service's name in its resource, and no copy of the ids in attributes",
            first_of(all_records(), |record| records::form_is_wrong(record, &evidence.backend.service)),
        ),
        expect(
            "no log record is below LOG_LEVEL=info: what libraries say to themselves stays out",
            first_of(all_records(), records::below_the_level),
        ),
    ]
}
