//! Parses the text of a search field: words, and `key=value`.

use otlp::model::{Attributes, LogRecord, Span};

/// A search. All of its terms must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    words: Vec<String>,
    pairs: Vec<(String, String)>,
}

impl Search {
    /// Parses the text. `"…"` keeps spaces together, in words and in values.
    pub fn parse(text: &str) -> Self {
        let mut search = Self::default();
        for term in terms(text) {
            match term.split_once('=') {
                Some((key, value)) if !key.is_empty() => {
                    search.pairs.push((key.to_owned(), value.to_owned()));
                }
                _ => search.words.push(term.to_lowercase()),
            }
        }
        search
    }

    /// Words are searched in the name and the status message, pairs in the attributes of span and resource.
    pub fn finds_span(&self, span: &Span) -> bool {
        self.words.iter().all(|word| {
            [&span.name, &span.status_message].iter().any(|text| text.to_lowercase().contains(word))
        }) && self.pairs.iter().all(|(key, value)| {
            let own = match key.as_str() {
                "name" => span.name == *value,
                "trace_id" => span.trace_id == *value,
                "span_id" => span.span_id == *value,
                "status" => format!("{:?}", span.status).eq_ignore_ascii_case(value),
                _ => false,
            };
            own || has(&span.attributes, key, value)
                || has(&span.resource, key, value)
                || span.events.iter().any(|event| has(&event.attributes, key, value))
        })
    }

    /// Words are searched in the message and in the values, pairs in the attributes of record and resource.
    pub fn finds_log_record(&self, record: &LogRecord) -> bool {
        let in_values = |word: &str| {
            record.attributes.0.iter().any(|(_, value)| value.unquoted().to_lowercase().contains(word))
        };
        self.words.iter().all(|word| record.body.unquoted().to_lowercase().contains(word) || in_values(word))
            && self.pairs.iter().all(|(key, value)| {
                let own = match key.as_str() {
                    "trace_id" => record.trace_id.as_ref() == Some(value),
                    "span_id" => record.span_id.as_ref() == Some(value),
                    _ => false,
                };
                own || has(&record.attributes, key, value) || has(&record.resource, key, value)
            })
    }
}

fn has(attributes: &Attributes, key: &str, value: &str) -> bool {
    attributes.get(key).is_some_and(|found| found.unquoted() == value)
}

fn terms(text: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => terms.push(String::new()),
            c => terms.last_mut().into_iter().for_each(|term| term.push(c)),
        }
    }
    terms.retain(|term| !term.is_empty());
    terms
}

#[cfg(test)]
mod tests {
    use super::Search;

    #[test]
    fn words_pairs_and_quotes_are_distinguished() {
        let search = Search::parse(r#"Timed out http.route=/handson db.query.text="SELECT 1" =x"#);
        assert_eq!(search.words, ["timed", "out", "=x"]);
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(search.pairs, [pair("http.route", "/handson"), pair("db.query.text", "SELECT 1")]);
    }
}
