//! Parses metric queries: `sum:trace.http.server.request.hits{env:production} by {service}.as_count()`.

/// One metric in a query.
#[derive(Debug)]
pub struct MetricQuery {
    /// `sum`, `avg`, `p95` …
    pub aggregator: String,
    pub metric: String,
    /// The terms in the first braces.
    pub filters: Vec<String>,
    /// The terms after `by`.
    pub by: Vec<String>,
    /// The functions applied: `as_count`, `rollup` …
    pub functions: Vec<String>,
}

/// The characters that are allowed between metrics: arithmetic, and the threshold of a monitor.
const ARITHMETIC: &str = " ()+-*/<>=.0123456789";

impl MetricQuery {
    /// All metrics of a query, none of which is skipped. A monitor's query begins with its window:
    /// `sum(last_5m):`.
    ///
    /// # Errors
    ///
    /// A message if the text is not a query.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, String> {
        let mut rest = match text.split_once("):") {
            Some((window, query)) if window.contains("(last_") => query,
            _ => text,
        };
        let mut found = Vec::new();
        while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic()) {
            arithmetic(&rest[..start])?;
            let (query, behind) =
                Self::parse(&rest[start..]).ok_or_else(|| format!("cannot read `{}`", &rest[start..]))?;
            found.push(query);
            rest = behind;
        }
        arithmetic(rest)?;
        Ok(found)
    }

    /// The first metric, and the text after it.
    fn parse(text: &str) -> Option<(Self, &str)> {
        let (aggregator, rest) = text.split_once(':')?;
        let (metric, rest) = rest.split_once('{')?;
        let (filters, mut rest) = rest.split_once('}')?;
        let mut by = Vec::new();
        if let Some(tags) = rest.strip_prefix(" by {") {
            let (tags, behind) = tags.split_once('}')?;
            by = list(tags);
            rest = behind;
        }
        let mut functions = Vec::new();
        while let Some(function) = rest.strip_prefix('.') {
            let (name, arguments) = function.split_once('(')?;
            functions.push(name.to_owned());
            rest = arguments.split_once(')')?.1;
        }
        let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "._".contains(c));
        let (aggregator, metric) = (aggregator.to_owned(), metric.to_owned());
        let query = Self { aggregator, metric, filters: list(filters), by, functions };
        (is_name(&query.aggregator) && is_name(&query.metric)).then_some((query, rest))
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(|item| item.trim().to_owned()).collect()
}

fn arithmetic(text: &str) -> Result<(), String> {
    let is = text.chars().all(|c| ARITHMETIC.contains(c));
    if is { Ok(()) } else { Err(format!("cannot read `{text}`")) }
}
