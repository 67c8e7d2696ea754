//! The event's own fields and the time of a line, compared with what really happened.

use serde_json::Value;

use crate::checks::log_lines::{Timestamp, objects, time};
use crate::checks::words::{Wrong, first_of, wrong};
use crate::evidence::{Exchange, Purpose, Run, log_field};

/// The row that `migrations/` puts into the database.
const USER: [(&str, &str); 2] = [("user.id", "1"), ("user.name", "sakura")];

pub(super) fn queries_are_wrong(run: &Run) -> Option<Wrong> {
    let requests = run.answered().filter(|(_, answer)| answer.status == 200).count();
    let lines = queries(run);
    if lines.len() < requests {
        return wrong(
            format!("{} lines for {requests} requests", lines.len()),
            "A JSON line keeps the event's message as `message`.",
        );
    }
    first_of(&lines, |line| {
        USER.iter().find_map(|(name, value)| field_is_wrong(line, name, &Value::from(*value)))
    })
}

pub(super) fn address_is_wrong(run: &Run) -> Option<Wrong> {
    let lines = objects(run);
    let Some(line) = lines.iter().find(|line| log_field(line, "server.port").is_some()) else {
        return wrong(
            format!("no line has the field server.port; the first is\n{}", lines.first()?),
            "The event at the start has the fields server.address and server.port: a line has the event's own fields, each under its name.",
        );
    };
    field_is_wrong(line, "server.address", &Value::from("127.0.0.1"))
        .or_else(|| field_is_wrong(line, "server.port", &Value::from(run.port)))
}

fn field_is_wrong(line: &Value, name: &str, right: &Value) -> Option<Wrong> {
    let is_text = right.is_string();
    match log_field(line, name) {
        Some(value) if value == right => None,
        None => wrong(
            line.to_string(),
            format!(
                "{name} is missing: a line has the event's own fields too. Visit all of them, not the message alone."
            ),
        ),
        Some(value) if value.is_string() != is_text => wrong(
            line.to_string(),
            format!(
                "{name} is {value}, and should be {right}: a field keeps its type. A visitor gets strings by record_str, numbers by \
                 record_u64 and its like, and only the rest by record_debug."
            ),
        ),
        Some(value) => wrong(line.to_string(), format!("{name} is {value}, and should be {right}.")),
    }
}

/// All times lie in the run. Those of the queries of requests that ran alone lie in their requests: the first such line is of the
/// first such request, and so on.
pub(super) fn time_is_wrong(run: &Run) -> Option<Wrong> {
    let lines = objects(run);
    let outside = first_of(&lines, |line| {
        is_outside(time(line)?, run.started, run.ended).then(|| {
            (
                line.to_string(),
                "No line of this run was logged at that time: `time` is the present time in UTC, taken when the event happens.".to_owned(),
            )
        })
    });
    if outside.is_some() {
        return outside;
    }
    let is_alone = |exchange: &&Exchange| exchange.path == "/handson" && exchange.purpose == Purpose::Alone;
    let queries = queries(run);
    let alone: Vec<&Exchange> = run.exchanges.iter().filter(is_alone).collect();
    // With fewer lines, another expectation fails; with more, it is not known which line is of which request.
    let requests = run.exchanges.iter().filter(|exchange| exchange.path == "/handson").count();
    if queries.len() != requests || alone.iter().any(|exchange| exchange.answer.is_err()) {
        return None;
    }
    first_of(alone.iter().zip(&queries), |(exchange, line)| {
        is_outside(time(line)?, exchange.sent, exchange.answered).then(|| {
            (
                line.to_string(),
                "The request to which this line belongs was sent later, or had been answered before: take the time of each event."
                    .to_owned(),
            )
        })
    })
}

fn is_outside(time: Timestamp, from: u64, to: u64) -> bool {
    time.to < from || time.from > to
}

fn queries(run: &Run) -> Vec<Value> {
    objects(run).into_iter().filter(|line| line["message"] == "dbQuery").collect()
}
