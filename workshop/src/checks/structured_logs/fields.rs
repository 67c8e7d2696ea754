//! The fields of an event and the time of its line, compared with what really happened.

use serde_json::Value;

use crate::checks::assert::{Check, each, ensure, fail};
use crate::checks::log_lines::{Logged, Timestamp, time};
use crate::evidence::{Database, Exchange, Purpose, log_field};
use crate::messages::Message;
use crate::text;

/// Each query must have a line with the row that the database returned.
pub(super) fn queries_are_logged(logged: &Logged<'_>) -> Check {
    let run = logged.run;
    let requests = run.queried().count();
    let lines = queries(logged);
    ensure!(
        lines.len() >= requests,
        text!("{count} lines for {requests} requests", count = lines.len(), requests),
        text!("A JSON line keeps the event's message as `message`.")
    );
    // A query at the start may have read the user before it was renamed.
    let first = run.exchanges.iter().map(|exchange| exchange.sent).min().unwrap_or_default();
    let own = || lines.iter().filter(|line| time(line).is_none_or(|time| time.to >= first));
    each(own(), |line| has_field(line, "user.id", &Value::from(run.database.user_id.as_str())))?;
    if own().count() == requests {
        each(own().zip(run.queried()), |(line, exchange)| {
            has_name(line, run.database.user_name_of(exchange), &run.database)
        })
    } else {
        // It is unknown which line belongs to which request.
        each(own(), |line| {
            let names = run.database.user_names();
            let own =
                names.into_iter().find(|name| log_field(line, "user.name") == Some(&Value::from(*name)));
            has_name(line, own.unwrap_or(names[0]), &run.database)
        })
    }
}

/// The user must have the name that it had when its request ran.
fn has_name(line: &Value, name: &str, database: &Database) -> Check {
    let earlier = database.user_name.as_str();
    ensure!(
        name == earlier || log_field(line, "user.name") != Some(&Value::from(earlier)),
        Message::verbatim(line),
        text!(
            "The user had another name when this request ran: {name}. The query must run in every request, and nothing of it may be kept for \
             the next one.",
            name
        )
    );
    has_field(line, "user.name", &Value::from(name))
}

/// A line must have the address on which the service listens.
pub(super) fn address_is_logged(logged: &Logged<'_>) -> Check {
    let has_port = |line: &&Value| log_field(line, "server.port").is_some();
    // Other lines may have a server and its port, too, such as those about httpbin.
    let is_own = |line: &&Value| log_field(line, "server.port") == Some(&Value::from(logged.run.port));
    let Some(line) = logged.objects().filter(has_port).find(is_own).or(logged.objects().find(has_port))
    else {
        let first = logged.objects().next().map(ToString::to_string).unwrap_or_default();
        return fail(
            text!("no line has the field server.port; the first is\n{first}", first),
            text!(
                "The event at the start has the fields server.address and server.port: a line has the event's own fields, each \
                 under its name."
            ),
        );
    };
    has_field(line, "server.address", &Value::from("127.0.0.1"))?;
    has_field(line, "server.port", &Value::from(logged.run.port))
}

fn has_field(line: &Value, name: &str, right: &Value) -> Check {
    let seen = Message::verbatim(line);
    match log_field(line, name) {
        Some(value) if value == right => Ok(()),
        None => fail(
            seen,
            text!(
                "{name} is missing: a line also has the event's own fields. Visit all of them, not only the message.",
                name
            ),
        ),
        Some(value) if value.is_string() != right.is_string() => fail(
            seen,
            text!(
                "{name} is {value}, and should be {right}: a field keeps its type. A visitor gets strings by record_str, \
                 numbers by record_u64 and similar methods, and only other values by record_debug.",
                name,
                value,
                right
            ),
        ),
        Some(value) => fail(seen, text!("{name} is {value}, and should be {right}.", name, value, right)),
    }
}

/// All times must be within the run. For requests that ran alone, the line of the query must be within the
/// time of its request; the lines have the same order as the requests.
pub(super) fn times_are_right(logged: &Logged<'_>) -> Check {
    let run = logged.run;
    each(logged.objects(), |line| {
        let Some(time) = time(line) else { return Ok(()) };
        ensure!(
            !is_outside(time, run.started, run.ended),
            Message::verbatim(line),
            text!(
                "No line of this run was logged at that time: `time` is the current time in UTC, taken when the event happens."
            )
        );
        Ok(())
    })?;
    let is_alone = |exchange: &&Exchange| exchange.purpose == Purpose::Alone;
    let queries = queries(logged);
    // With fewer lines, another expectation fails; with more, it is unknown which line belongs to which
    // request.
    if queries.len() != run.queried().count() {
        return Ok(());
    }
    each(run.queried().filter(is_alone).zip(&queries), |(exchange, line)| {
        let Some(time) = time(line) else { return Ok(()) };
        ensure!(
            !is_outside(time, exchange.sent, exchange.answered),
            Message::verbatim(line),
            text!(
                "The request to which this line belongs was sent later, or had been answered before: take the time of each event."
            )
        );
        Ok(())
    })
}

fn is_outside(time: Timestamp, from: u64, to: u64) -> bool {
    time.to < from || time.from > to
}

fn queries<'a>(logged: &'a Logged<'_>) -> Vec<&'a Value> {
    logged.objects().filter(|line| line["message"] == "dbQuery").collect()
}
