//! Thresholds in k6's syntax, `metric:aggregation operator number`:
//! <https://grafana.com/docs/k6/latest/using-k6/thresholds/>.

use std::str::FromStr;

use crate::metrics::{self, Aggregation, Metric, Metrics};
use crate::summary::format;

/// One threshold, such as `http_req_duration:p(95)<200`. Times are in milliseconds, shares from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// Name of the metric.
    pub metric: String,
    /// The text after the colon.
    pub expression: String,
    aggregation: Aggregation,
    operator: Operator,
    limit: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Operator {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

/// Longer operators come first, because `<=` begins with `<`.
const OPERATORS: [(&str, Operator); 7] = [
    ("===", Operator::Equal),
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

/// A text that is not a threshold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// It does not have the form of a threshold.
    #[error("expected METRIC:AGGREGATION<NUMBER, for example http_req_duration:p(95)<200")]
    Syntax,
    /// There is no such metric.
    #[error("unknown metric '{metric}', expected one of {allowed}")]
    Metric { metric: String, allowed: String },
    /// The metric does not have this aggregation.
    #[error("unknown aggregation '{aggregation}' of {metric}, expected {allowed}")]
    Aggregation { aggregation: String, metric: String, allowed: &'static str },
    /// The limit is not a number.
    #[error("'{0}' is not a number, expected for example http_req_duration:p(95)<200")]
    Number(String),
}

impl Threshold {
    /// Whether it is met.
    pub fn holds(&self, metrics: &Metrics) -> bool {
        let Some(value) = metrics.get(&self.metric).and_then(|metric| metric.aggregate(self.aggregation))
        else {
            // The name was checked when the threshold was parsed. Without a measurement, it is not met.
            return false;
        };
        match self.operator {
            Operator::Less => value < self.limit,
            Operator::LessOrEqual => value <= self.limit,
            Operator::Greater => value > self.limit,
            Operator::GreaterOrEqual => value >= self.limit,
            Operator::Equal => value == self.limit,
            Operator::NotEqual => value != self.limit,
        }
    }

    /// The measured value in k6's format: `p(95)=1.2ms`, `rate=99.5%`.
    pub fn measured(&self, metrics: &Metrics) -> String {
        let metric = metrics.get(&self.metric);
        let value = metric.and_then(|metric| metric.aggregate(self.aggregation)).unwrap_or_default();
        let shown = match (metric, self.aggregation) {
            (Some(Metric::Trend(_)), _) => format::milliseconds(value),
            (Some(Metric::Rate { .. }), _) => format::percent(value),
            (_, Aggregation::Rate) => format!("{value:.6}/s"),
            _ => value.to_string(),
        };
        format!(
            "{}={shown}",
            self.expression[..self.expression.find(['<', '>', '=', '!']).unwrap_or(0)].trim()
        )
    }
}

impl FromStr for Threshold {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A tag in the name also contains a colon: http_req_duration{expected_response:true}.
        let after_tags = text.find('}').unwrap_or(0);
        let colon = text[after_tags..].find(':').ok_or(ThresholdError::Syntax)? + after_tags;
        let (metric, expression) = (text[..colon].trim(), text[colon + 1..].trim());

        let unknown = || ThresholdError::Metric {
            metric: metric.to_owned(),
            allowed: metrics::NAMES.map(|(name, _)| name).join(", "),
        };
        let kind = metrics::kind(metric).ok_or_else(unknown)?;
        let (at, (symbol, operator)) = OPERATORS
            .iter()
            .filter_map(|found| expression.find(found.0).map(|at| (at, *found)))
            .min_by_key(|(at, (symbol, _))| (*at, usize::MAX - symbol.len()))
            .ok_or(ThresholdError::Syntax)?;
        let aggregation = expression[..at].trim();
        let unknown = || ThresholdError::Aggregation {
            aggregation: aggregation.to_owned(),
            metric: metric.to_owned(),
            allowed: kind.aggregations(),
        };
        let aggregation =
            Aggregation::parse(aggregation).filter(|parsed| kind.allows(*parsed)).ok_or_else(unknown)?;
        let number = expression[at + symbol.len()..].trim();
        let limit = number.parse().ok().filter(|limit: &f64| limit.is_finite());
        let limit = limit.ok_or_else(|| ThresholdError::Number(number.to_owned()))?;
        Ok(Self {
            metric: metric.to_owned(),
            expression: expression.to_owned(),
            aggregation,
            operator,
            limit,
        })
    }
}
