//! The attributes of a query's span.

use crate::checks::assert::{Check, ensure};
use crate::checks::attributes::{
    Attribute, Is, advice_on, attributes_are, recommended, recommended_are_missing, required, text,
};
use crate::evidence::Run;
use crate::messages::Message;
use crate::text;
use otlp::model::{Span, Value};

/// The attributes of database client spans in the semantic conventions, for the only query of the service.
static DATABASE_SPAN: &[Attribute<Run>] = &[
    required("db.system.name", |_| text("sqlite"), &["db.system"]),
    required("db.namespace", namespace, &["db.name"]),
    // Required if readily available. A driver does not have them: the conventions say that it should not
    // take them from the text of the query.
    recommended("db.operation.name", |_| text("SELECT"), &["db.operation"]),
    recommended("db.collection.name", |_| text("users"), &["db.sql.table"]),
    recommended("db.query.text", |_| Is::Text, &["db.statement"]),
    recommended("db.query.summary", |_| text("SELECT users"), &[]),
];

/// The database in the configuration of the run.
fn namespace(run: &Run) -> Is {
    Is::OneOf(run.database.names().map(Value::from).to_vec())
}

/// The name must be `{db.query.summary}`, or operation and target, as the conventions define it.
pub(super) fn is_named(span: &Span, run: &Run) -> Check {
    let mut names = vec!["SELECT".to_owned(), "SELECT users".to_owned(), "sqlite".to_owned()];
    for database in run.database.names() {
        names.extend([format!("SELECT {database}.users"), format!("SELECT {database}"), database]);
    }
    ensure!(
        names.contains(&span.name),
        text!("the span is named {name}", name = format!("{:?}", span.name)),
        text!(
            "The name is SELECT users, the operation and the table: with the text of the query in the name, each query would be a separate operation."
        )
    );
    Ok(())
}

pub(super) fn are_right(span: &Span, run: &Run) -> Check {
    if let Some(namespace) = span.attributes.text("db.namespace") {
        ensure!(
            !namespace.contains("sqlx-in-memory"),
            text!("db.namespace = {namespace}", namespace = format!("{namespace:?}")),
            text!(
                "sqlx generates this name, a new one at every start: give the wrapped pool the configured name."
            )
        );
    }
    attributes_are(&span.attributes, DATABASE_SPAN, run)?;
    let Some(query) = span.attributes.text("db.query.text") else { return Ok(()) };
    let words = ["select", "from", "users", "order by", "limit"];
    let text = query.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(
        words.iter().all(|word| text.contains(word)),
        text!("db.query.text = {query}", query = format!("{query:?}")),
        text!("It is the text of the query that ran: SELECT id, name FROM users ORDER BY id LIMIT 1.")
    );
    let has_a_value = |text: &str| run.database.user_names().iter().any(|name| text.contains(name));
    ensure!(
        !has_a_value(query),
        text!("db.query.text = {query}", query = format!("{query:?}")),
        text!(
            "It contains a value from the database: the text of the query should have placeholders (?) instead of values."
        )
    );
    let mut others = span.attributes.iter().filter(|(key, _)| *key != "db.query.text");
    let parameter = others.find(|(_, value)| has_a_value(&value.unquoted()));
    ensure!(
        parameter.is_none(),
        text!(
            "{key} contains a value from the database",
            key = parameter.map(|(key, _)| key).unwrap_or_default()
        ),
        text!("What the database returns may be personal data: it must not be in a span.")
    );
    Ok(())
}

pub(super) fn advice(span: &Span, run: &Run) -> Option<Message> {
    advice_on(recommended_are_missing(&span.attributes, DATABASE_SPAN, run))
}
