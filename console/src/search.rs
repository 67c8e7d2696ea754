//! The search language of the pages. A text is parsed once, and then matched against spans, log records or
//! error groups without allocating memory for each of them.

mod item;
mod parse;
#[cfg(test)]
mod tests;
mod word;

use std::cmp::Ordering;
use std::sync::Arc;

pub(crate) use item::TraceSpans;
use item::{Field, Item};
pub(crate) use parse::{SearchError, with_terms};
use serde::Deserialize;
use word::Word;

use crate::store::Group;
use otlp::model::{LogRecord, Span, Value};

/// What is searched. The built-in keys depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Target {
    Traces,
    Logs,
    Errors,
}

impl Target {
    /// Its name in addresses.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
            Self::Errors => "errors",
        }
    }

    /// A search that shows several of its keys and operators.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::Traces => "http.response.status_code>=500 duration>100ms -name~health",
            Self::Logs => "level>=warn payment -user.id=1",
            Self::Errors => "type~timeout OR count>=10",
        }
    }
}

/// The names of levels, and the smallest OTLP severity number of each.
pub(crate) const LEVELS: [(&str, i32); 6] =
    [("trace", 1), ("debug", 5), ("info", 9), ("warn", 13), ("error", 17), ("fatal", 21)];
pub(crate) const STATUSES: [&str; 3] = ["ok", "error", "unset"];
pub(crate) const KINDS: [&str; 5] = ["internal", "server", "client", "producer", "consumer"];

/// A search.
#[derive(Debug, Default)]
pub(crate) struct Search {
    /// One item must match all of them.
    terms: Vec<Expression>,
    /// An item must match none of them. A trace must have no span that matches one.
    excluded: Vec<Expression>,
}

#[derive(Debug)]
enum Expression {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Word(Word),
    Compare(Key, Test),
}

#[derive(Debug)]
enum Key {
    Field(Field),
    /// An attribute of the item, otherwise of its events, its resource or its scope.
    Attribute(String),
}

/// What is compared with a value.
#[derive(Debug)]
enum Test {
    Equals {
        text: String,
        number: Option<Number>,
        negated: bool,
    },
    Contains(Word),
    Order(Order, Number),
    /// A number from `low` to `high`.
    Between {
        low: f64,
        high: f64,
        negated: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A number of a search.
#[derive(Debug, Clone, Copy)]
struct Number {
    float: f64,
    /// The same as an integer, because a float is not exact beyond 2^53.
    int: Option<i64>,
}

impl Search {
    /// Parses the text. An empty one finds everything.
    pub(crate) fn parse(text: &str, target: Target) -> Result<Self, SearchError> {
        let Some(expression) = parse::parse(text, target)? else { return Ok(Self::default()) };
        let mut search = Self::default();
        let terms = match expression {
            Expression::All(terms) => terms,
            other => vec![other],
        };
        for term in terms {
            match term {
                Expression::Not(excluded) => search.excluded.push(*excluded),
                term => search.terms.push(term),
            }
        }
        search.terms.sort_by_key(Expression::cost);
        Ok(search)
    }

    /// Also requires this service, unless it is empty.
    pub(crate) fn of_service(mut self, service: &str) -> Self {
        if !service.is_empty() {
            let equals = Test::Equals { text: service.to_owned(), number: None, negated: false };
            self.terms.insert(0, Expression::Compare(Key::Field(Field::Service), equals));
        }
        self
    }

    /// Whether one of the spans matches all terms, and none matches an excluded one.
    pub(crate) fn finds_trace(&self, spans: &[Arc<Span>]) -> bool {
        let trace = TraceSpans::new(spans);
        spans.iter().any(|span| self.terms.iter().all(|term| term.matches(&trace.span(span))))
            && !self.excluded.iter().any(|term| spans.iter().any(|span| term.matches(&trace.span(span))))
    }

    /// Whether this span of the trace matches.
    pub(crate) fn finds_span(&self, trace: &TraceSpans<'_>, span: &Span) -> bool {
        self.finds(&trace.span(span))
    }

    /// Whether the log record matches.
    pub(crate) fn finds_log_record(&self, record: &LogRecord) -> bool {
        self.finds(record)
    }

    /// Whether the error group matches.
    pub(crate) fn finds_error(&self, group: &Group) -> bool {
        self.finds(group)
    }

    fn finds(&self, item: &impl Item) -> bool {
        self.terms.iter().all(|term| term.matches(item))
            && !self.excluded.iter().any(|term| term.matches(item))
    }
}

impl Expression {
    /// How long it takes, relative to others: terms that are quick come first, because they save the others.
    fn cost(&self) -> usize {
        match self {
            Self::Compare(Key::Field(field), _) if field.is_number() => 0,
            Self::Compare(Key::Field(_), _) => 1,
            Self::Word(_) => 2,
            Self::Compare(Key::Attribute(_), _) => 3,
            Self::All(_) | Self::Any(_) | Self::Not(_) => 4,
        }
    }

    /// The depth of the recursion is limited by the parser.
    fn matches(&self, item: &impl Item) -> bool {
        match self {
            Self::All(terms) => terms.iter().all(|term| term.matches(item)),
            Self::Any(terms) => terms.iter().any(|term| term.matches(item)),
            Self::Not(term) => !term.matches(item),
            Self::Word(word) => item.has_word(word),
            Self::Compare(Key::Field(field), test) => item.field(*field, test),
            Self::Compare(Key::Attribute(key), test) => item.attribute(key, test),
        }
    }
}

impl Test {
    fn accepts_text(&self, value: &str) -> bool {
        match self {
            Self::Equals { text, negated, .. } => (text == value) != *negated,
            Self::Contains(word) => word.is_in(value),
            Self::Order(order, number) => {
                Number::parse(value).is_some_and(|value| order.accepts(value.compare(*number)))
            }
            Self::Between { .. } => false,
        }
    }

    fn accepts_number(&self, value: f64) -> bool {
        match self {
            Self::Order(order, number) => order.accepts(value.partial_cmp(&number.float)),
            Self::Between { low, high, negated } => (*low..=*high).contains(&value) != *negated,
            Self::Equals { .. } | Self::Contains(_) => false,
        }
    }

    fn accepts(&self, value: &Value) -> bool {
        let number = match value {
            Value::Text(text) => return self.accepts_text(text),
            Value::Int(int) => Number { float: *int as f64, int: Some(*int) },
            Value::Double(double) if double.is_finite() => Number { float: *double, int: None },
            other => return self.accepts_text(&other.unquoted()),
        };
        match self {
            Self::Equals { number: expected, negated, .. } => {
                let is_equal =
                    expected.is_some_and(|expected| number.compare(expected) == Some(Ordering::Equal));
                is_equal != *negated
            }
            Self::Order(order, expected) => order.accepts(number.compare(*expected)),
            Self::Contains(word) => word.is_in(&value.unquoted()),
            Self::Between { .. } => false,
        }
    }
}

impl Order {
    fn accepts(self, ordering: Option<Ordering>) -> bool {
        match self {
            Self::Less => ordering.is_some_and(Ordering::is_lt),
            Self::LessOrEqual => ordering.is_some_and(Ordering::is_le),
            Self::Greater => ordering.is_some_and(Ordering::is_gt),
            Self::GreaterOrEqual => ordering.is_some_and(Ordering::is_ge),
        }
    }
}

impl Number {
    /// A finite number.
    fn parse(text: &str) -> Option<Self> {
        let float = text.parse::<f64>().ok().filter(|float| float.is_finite())?;
        Some(Self { float, int: text.parse().ok() })
    }

    fn compare(self, other: Self) -> Option<Ordering> {
        match (self.int, other.int) {
            (Some(one), Some(two)) => Some(one.cmp(&two)),
            _ => self.float.partial_cmp(&other.float),
        }
    }
}
