//! The grammar of a search:
//!
//! ```text
//! any   = all *("OR" all)
//! all   = 1*(["AND"] unary)
//! unary = ("-" | "NOT") unary | "(" any ")" | term
//! term  = text | text operator text
//! ```

use std::time::Duration;

use super::item::Field;
use super::word::Word;
use super::{Expression, KINDS, Key, LEVELS, Number, Order, STATUSES, Target, Test};
use crate::lang::tr_noop;

/// Maximum number of bytes of a search.
const MAX_LENGTH: usize = 2_000;
/// Maximum number of words and comparisons, because each is tried with each span.
const MAX_TERMS: usize = 50;
/// Maximum depth of parentheses and negations.
const MAX_DEPTH: usize = 20;

/// Longer operators come first, because a shorter one is their beginning.
const OPERATORS: [&str; 7] = ["!=", ">=", "<=", "=", ">", "<", "~"];

pub(super) const TERM: &str = tr_noop("a term, such as word, key=value or key>100");

/// What is wrong with a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SearchError {
    /// The place of `found`, in characters from 1.
    pub(crate) at: usize,
    /// The part that is wrong.
    pub(crate) found: String,
    /// What is allowed, in English.
    pub(crate) expected: &'static str,
}

/// The expression of the text; `None` of an empty one.
pub(super) fn parse(text: &str, target: Target) -> Result<Option<Expression>, SearchError> {
    let mut parser = Parser { text, at: 0, target, terms: 0 };
    if text.len() > MAX_LENGTH {
        return Err(parser.error(0, text.len(), tr_noop("at most 2000 bytes")));
    }
    parser.skip_blanks();
    if parser.rest().is_empty() {
        return Ok(None);
    }
    let expression = parser.any(0)?;
    match parser.rest() {
        "" => Ok(Some(expression)),
        // Only a parenthesis ends an expression.
        _ => Err(parser.error(parser.at, 1, tr_noop("an opening parenthesis before it, or quotation marks"))),
    }
}

/// A search that also requires these terms: the beginning and the value of each. Those without a value are
/// left out.
pub(crate) fn with_terms(text: &str, terms: &[(&str, &str)]) -> String {
    let mut terms: Vec<String> = terms
        .iter()
        .filter(|(_, value)| !value.trim().is_empty())
        .map(|(beginning, value)| format!("{beginning}{}", quoted(value)))
        .collect();
    let text = text.trim();
    if !text.is_empty() {
        let is_alternative = text.contains("OR") && !terms.is_empty();
        terms.insert(0, if is_alternative { format!("({text})") } else { text.to_owned() });
    }
    terms.join(" ")
}

/// A text as a value of a search, in quotation marks if it needs them.
fn quoted(text: &str) -> String {
    if text.chars().all(|letter| letter.is_alphanumeric() || "-_./:".contains(letter)) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

struct Parser<'a> {
    text: &'a str,
    /// The position in bytes.
    at: usize,
    target: Target,
    terms: usize,
}

impl<'a> Parser<'a> {
    fn any(&mut self, depth: usize) -> Result<Expression, SearchError> {
        let mut alternatives = vec![self.all(depth)?];
        while self.skip_keyword("OR") {
            alternatives.push(self.all(depth)?);
        }
        Ok(one_or(alternatives, Expression::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Expression, SearchError> {
        let mut terms = Vec::new();
        loop {
            match self.unary(depth)? {
                Expression::All(inner) => terms.extend(inner),
                term => terms.push(term),
            }
            let is_continued = self.skip_keyword("AND");
            let is_at_end = self.rest().is_empty() || self.rest().starts_with(')') || self.keyword("OR");
            if is_at_end && !is_continued {
                return Ok(one_or(terms, Expression::All));
            }
        }
    }

    fn unary(&mut self, depth: usize) -> Result<Expression, SearchError> {
        let start = self.at;
        if depth > MAX_DEPTH {
            return Err(self.error(start, 1, tr_noop("at most 20 parentheses and negations in each other")));
        }
        if self.skip_keyword("NOT") || self.skip("-") {
            if self.rest().is_empty() || self.rest().starts_with(char::is_whitespace) {
                return Err(self.error(start, self.at - start, TERM));
            }
            return Ok(Expression::Not(Box::new(self.unary(depth + 1)?)));
        }
        if !self.skip("(") {
            return self.term();
        }
        self.skip_blanks();
        let inner = self.any(depth + 1)?;
        if !self.skip(")") {
            return Err(self.error(start, 1, tr_noop("a closing parenthesis for it, or quotation marks")));
        }
        self.skip_blanks();
        Ok(inner)
    }

    fn term(&mut self) -> Result<Expression, SearchError> {
        let start = self.at;
        if self.rest().is_empty() || self.rest().starts_with(')') || self.keyword("OR") || self.keyword("AND")
        {
            // The term is missing after what is before, if anything is.
            let before = self.text[..start].trim_end();
            if before.is_empty() {
                let word = self.rest().split(char::is_whitespace).next().unwrap_or_default();
                return Err(self.error(start, word.len(), TERM));
            }
            let from = before.rfind(char::is_whitespace).map_or(0, |blank| blank + 1);
            return Err(self.error(from, before.len() - from, TERM));
        }
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(self.error(start, 1, tr_noop("at most 50 terms")));
        }
        let text = self.text(|rest| operator(rest).is_some())?;
        let Some(operator) = operator(self.rest()) else {
            self.skip_blanks();
            return Ok(Expression::Word(Word::new(&text)));
        };
        let key_length = self.at - start;
        self.at += operator.len();
        if text.is_empty() {
            let expected = tr_noop("a key before it, or quotation marks");
            return Err(self.error(start, self.at - start, expected));
        }
        let from = self.at;
        let value = self.text(|_| false)?;
        let to = self.at;
        if from == to {
            return Err(self.error(
                start,
                to - start,
                tr_noop("a value after the operator, or two quotation marks"),
            ));
        }
        self.skip_blanks();
        let compiled = compare(self.target, &text, operator, &value);
        compiled.map_err(|(part, expected)| match part {
            Part::Key => self.error(start, key_length, expected),
            Part::Operator => self.error(start, to - start, expected),
            Part::Value => self.error(from, to - from, expected),
        })
    }

    /// A text in quotation marks, otherwise all up to a blank or a parenthesis, or until `ends`.
    fn text(&mut self, ends: impl Fn(&str) -> bool) -> Result<String, SearchError> {
        let start = self.at;
        if !self.skip("\"") {
            let rest = self.rest();
            let is_end = |(at, letter): &(usize, char)| {
                letter.is_whitespace() || matches!(letter, '(' | ')') || ends(&rest[*at..])
            };
            let end = rest.char_indices().find(is_end).map_or(rest.len(), |(at, _)| at);
            self.at += end;
            return Ok(rest[..end].to_owned());
        }
        let mut text = String::new();
        let mut letters = self.rest().char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.at += at + 1;
                    return Ok(text);
                }
                '\\' if letters.as_str().starts_with(['"', '\\']) => {
                    text.extend(letters.next().map(|(_, escaped)| escaped));
                }
                letter => text.push(letter),
            }
        }
        Err(self.error(start, self.text.len() - start, tr_noop("a closing quotation mark")))
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip(&mut self, text: &str) -> bool {
        let is_next = self.rest().starts_with(text);
        if is_next {
            self.at += text.len();
        }
        is_next
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Whether this word in upper case is next, and not a part of a longer one.
    fn keyword(&self, keyword: &str) -> bool {
        let after = self.rest().strip_prefix(keyword);
        after.is_some_and(|after| {
            after.chars().next().is_none_or(|next| next.is_whitespace() || matches!(next, '(' | ')'))
        })
    }

    fn skip_keyword(&mut self, keyword: &str) -> bool {
        let is_next = self.keyword(keyword);
        if is_next {
            self.at += keyword.len();
            self.skip_blanks();
        }
        is_next
    }

    fn error(&self, start: usize, length: usize, expected: &'static str) -> SearchError {
        let end = self.text.ceil_char_boundary((start + length).min(self.text.len()));
        let at = self.text[..start].chars().count() + 1;
        SearchError { at, found: self.text[start..end].to_owned(), expected }
    }
}

/// The operator at the start of `rest`.
fn operator(rest: &str) -> Option<&'static str> {
    OPERATORS.into_iter().find(|operator| rest.starts_with(operator))
}

fn one_or(mut all: Vec<Expression>, several: fn(Vec<Expression>) -> Expression) -> Expression {
    match all.pop() {
        Some(only) if all.is_empty() => only,
        last => {
            all.extend(last);
            several(all)
        }
    }
}

/// The part of a comparison that is wrong.
enum Part {
    Key,
    Operator,
    Value,
}

fn compare(
    target: Target,
    key: &str,
    operator: &str,
    value: &str,
) -> Result<Expression, (Part, &'static str)> {
    let Some(field) = Field::from_key(key, target) else {
        if target == Target::Errors {
            let keys =
                tr_noop("service, type, message, count, trace_id or exception.stacktrace as key of an error");
            return Err((Part::Key, keys));
        }
        return Ok(Expression::Compare(Key::Attribute(key.to_owned()), text_test(operator, value)?));
    };
    let test = match field {
        Field::Service | Field::Name | Field::Message | Field::Type | Field::Stack => {
            text_test(operator, value)?
        }
        Field::TraceId | Field::SpanId => text_test(operator, &value.to_lowercase())?,
        Field::Status => choice(operator, value, &STATUSES, tr_noop("ok, error or unset"))?,
        Field::Kind => {
            choice(operator, value, &KINDS, tr_noop("internal, server, client, producer or consumer"))?
        }
        Field::Level => {
            let expected = tr_noop("trace, debug, info, warn, error, fatal or a number");
            let (low, high) = level(value).ok_or((Part::Value, expected))?;
            number_test(operator, low, high)?
        }
        Field::Duration | Field::TraceDuration => {
            let expected = tr_noop("a duration, such as 100ms or 2s");
            let duration = duration(value).ok_or((Part::Value, expected))?.as_nanos() as f64;
            number_test(operator, duration, duration)?
        }
        Field::Count | Field::TraceSpans => {
            let number = Number::parse(value).ok_or((Part::Value, tr_noop("a number")))?.float;
            number_test(operator, number, number)?
        }
    };
    Ok(Expression::Compare(Key::Field(field), test))
}

fn order(operator: &str) -> Option<Order> {
    match operator {
        "<" => Some(Order::Less),
        "<=" => Some(Order::LessOrEqual),
        ">" => Some(Order::Greater),
        ">=" => Some(Order::GreaterOrEqual),
        _ => None,
    }
}

fn text_test(operator: &str, value: &str) -> Result<Test, (Part, &'static str)> {
    let number = Number::parse(value);
    match (operator, order(operator)) {
        (_, Some(order)) => {
            let expected = tr_noop("a number, or quotation marks around the whole term");
            Ok(Test::Order(order, number.ok_or((Part::Value, expected))?))
        }
        ("~", _) => Ok(Test::Contains(Word::new(value))),
        _ => Ok(Test::Equals { text: value.to_owned(), number, negated: operator == "!=" }),
    }
}

/// A test for a value that is one of a few.
fn choice(
    operator: &str,
    value: &str,
    values: &[&str],
    expected: &'static str,
) -> Result<Test, (Part, &'static str)> {
    let value = value.to_lowercase();
    match operator {
        "=" | "!=" if values.contains(&value.as_str()) => text_test(operator, &value),
        "=" | "!=" => Err((Part::Value, expected)),
        _ => Err((Part::Operator, tr_noop("= or != after this key"))),
    }
}

/// A test for numbers, in which the value means all numbers from `low` to `high`.
fn number_test(operator: &str, low: f64, high: f64) -> Result<Test, (Part, &'static str)> {
    let expected = tr_noop("=, !=, <, <=, > or >= after this key");
    let Some(order) = order(operator) else {
        let negated = operator == "!=";
        return if operator == "~" {
            Err((Part::Operator, expected))
        } else {
            Ok(Test::Between { low, high, negated })
        };
    };
    let limit = if matches!(order, Order::Less | Order::GreaterOrEqual) { low } else { high };
    Ok(Test::Order(order, Number { float: limit, int: None }))
}

/// The severity numbers of a level: those up to the next one.
fn level(value: &str) -> Option<(f64, f64)> {
    let named = LEVELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(value));
    let numbers = named.map(|(_, least)| (f64::from(*least), f64::from(least + 3)));
    numbers.or_else(|| Number::parse(value).map(|number| (number.float, number.float)))
}

/// `100ms`, `1m 30s`, and also `1.5s`.
fn duration(text: &str) -> Option<Duration> {
    let decimal = || {
        let (number, unit) = text.split_at(text.find(char::is_alphabetic)?);
        let seconds = humantime::parse_duration(&format!("1{unit}")).ok()?.as_secs_f64();
        Duration::try_from_secs_f64(number.trim().parse::<f64>().ok()? * seconds).ok()
    };
    humantime::parse_duration(text.trim()).ok().or_else(decimal)
}
