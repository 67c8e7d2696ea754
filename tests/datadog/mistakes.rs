//! Plausible mistakes, and the expected complaint about each.

use crate::sources::{ANALYSIS, DASHBOARD, MONITORS, Sources, VARIABLES};

/// A text in a file, its replacement, and words of the complaint.
#[derive(Debug)]
pub struct Mistake {
    file: &'static str,
    right: &'static str,
    wrong: &'static str,
    pub complaint: &'static str,
}

impl Mistake {
    /// Makes the mistake.
    pub fn made_in(&self, sources: Sources) -> Sources {
        sources.with(self.file, self.right, self.wrong)
    }
}

const fn mistake(
    file: &'static str,
    right: &'static str,
    wrong: &'static str,
    complaint: &'static str,
) -> Mistake {
    Mistake { file, right, wrong, complaint }
}

pub const MISTAKES: &[Mistake] = &[
    // --- Metrics that are not emitted.
    mistake(
        DASHBOARD,
        "request.hits{",
        "request.hit{",
        "nobody sends the metric trace.http.server.request.hit",
    ),
    mistake(
        MONITORS,
        "p95:trace.http.server.request{",
        "p95:trace.http.server.request.time{",
        "nobody sends",
    ),
    mistake(ANALYSIS, "request.errors{", "request.error{", "nobody sends the metric"),
    mistake(DASHBOARD, "sum:otel.process.cpu", "sum:process.cpu", "nobody sends the metric process.cpu.time"),
    mistake(DASHBOARD, "http.server.active_requests", "otel.http.server.active_requests", "nobody sends"),
    mistake(
        DASHBOARD,
        "avg:db.client.operation.duration",
        "avg:trace.sqlite.query",
        "metric trace.sqlite.query",
    ),
    // --- Series that do not exist: another service, another environment, the service's own calls.
    mistake(
        MONITORS,
        "service:handson-*} by {service} >",
        "service:hands-on-*} by {service} >",
        "no series of",
    ),
    mistake(ANALYSIS, "service:handson-canary", "service:backend-canary", "no series of"),
    mistake(ANALYSIS, "env:production", "env:prod", "no series of"),
    mistake(
        DASHBOARD,
        "hits{$env,service:loadtest-handson-*}",
        "hits{$env,$service}",
        "no series of trace.http.client",
    ),
    mistake(VARIABLES, "\"production\"", "\"development\"", "no series of"),
    mistake(MONITORS, "env:${var.environment},", "environment:${var.environment},", "no series of"),
    mistake(DASHBOARD, "error.type:*} by {service,error.type}", "error.kind:*} by {service}", "no series of"),
    // --- Tags that the metric does not have.
    mistake(
        DASHBOARD,
        "{http.status_code}",
        "{http.response.status_code}",
        "no tag http.response.status_code",
    ),
    mistake(
        DASHBOARD,
        "p95:trace.http.server.request{$env,$service,$version} by {service}",
        "p95:trace.http.server.request{$env,$service,$version} by {http.status_code}",
        "no tag http.status_code",
    ),
    mistake(DASHBOARD, "{db.operation.name,", "{db.operation,", "no tag db.operation"),
    mistake(ANALYSIS, "by {version}", "by {service.version}", "no tag service.version"),
    // --- Queries that such a metric does not support.
    mistake(
        DASHBOARD,
        "avg:http.client.request.duration",
        "p95:http.client.request.duration",
        "has no percentiles",
    ),
    mistake(DASHBOARD, "sum:otel.sdk.exporter", "count:otel.sdk.exporter", "count is for distributions"),
    mistake(
        DASHBOARD,
        "active_requests{$env,$service,$version} by {service}",
        "active_requests{$env,$service,$version} by {service}.as_rate()",
        "as_rate is for counts",
    ),
    mistake(ANALYSIS, ".rollup(sum, 60)", ".roll(sum, 60)", "the function roll is not known"),
    mistake(MONITORS, "sum:trace", "total:trace", "the aggregator total is not known"),
    mistake(
        MONITORS,
        "(sum:trace.http.server.request.errors{",
        "(sum trace.http.server.request.errors{",
        "cannot read",
    ),
    // --- Spans and log lines.
    mistake(DASHBOARD, "operation_name:http.server.request", "operation_name:server.request", "no span has"),
    mistake(DASHBOARD, "@http.status_code", "@http.response.status_code", "has @http.response.status_code"),
    mistake(DASHBOARD, "@otel.status_description", "@error.stack", "has @error.stack"),
    mistake(DASHBOARD, "\"@error.kind\"", "\"@error.type\"", "has @error.type"),
    mistake(DASHBOARD, "status:error $env $service\"", "level:error $env $service\"", "no log line has"),
    mistake(DASHBOARD, "\"trace_id\"", "\"traceId\"", "has traceId"),
    mistake(MONITORS, " service:handson-*\\\"", " service:handson\\\"", "no log line has"),
    mistake(MONITORS, "@issue.id", "@error.kind", "expected source"),
    // --- Names inside of the files.
    mistake(
        DASHBOARD,
        "{$env,$service,$version} by {http.request.method}",
        "{$environment} by {http.request.method}",
        "$environment is not defined",
    ),
    mistake(DASHBOARD, "${environment}", "${env}", "${env} is not defined"),
    mistake(DASHBOARD, "100 * failed / all", "100 * failed / total", "no query is named total"),
    mistake(DASHBOARD, "\"logs_stream\"", "\"log_stream\"", "log_stream is read by no test"),
    mistake(MONITORS, "env:${var.environment},", "env:${var.env},", "${var.env} is not defined"),
    mistake(MONITORS, "${local.notify}", "${local.channel}", "${local.channel} is not defined"),
    mistake(MONITORS, "by {service} > ${", "by {version} > ${", "{{service.name}} is empty"),
];
