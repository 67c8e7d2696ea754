//! Assertions of the checks: the first failure, with what was seen and the most likely cause.

use crate::messages::Message;
use crate::text;
use crate::verdict::Failure;
use otlp::model::Span;

/// The result of a check.
pub(super) type Check = Result<(), Failure>;

/// Returns a [`Failure`] with what was seen and the most likely cause if a condition does not hold.
macro_rules! ensure {
    ($holds:expr, $seen:expr, $cause:expr $(,)?) => {
        let holds: bool = $holds;
        if !holds {
            return $crate::checks::assert::fail($seen, $cause);
        }
    };
}
pub(super) use ensure;

/// A failure: what was seen, and the most likely cause. If `seen` is a `String`, it is output of the program
/// and is not translated.
pub(super) fn fail(seen: impl Into<Message>, cause: Message) -> Check {
    Err(Failure::new(seen.into(), cause))
}

/// The failure of the first item that fails, with the number of other items that fail.
pub(super) fn each<T>(items: impl IntoIterator<Item = T>, mut check: impl FnMut(T) -> Check) -> Check {
    let mut first: Option<Failure> = None;
    let (mut all, mut others) = (0_usize, 0_usize);
    for item in items {
        all += 1;
        match (check(item), &first) {
            (Err(failure), None) => first = Some(failure),
            (Err(_), Some(_)) => others += 1,
            (Ok(()), _) => {}
        }
    }
    match first {
        None => Ok(()),
        Some(failure) if others == 0 => Err(failure),
        Some(Failure { seen, cause }) => {
            fail(text!("{seen}\n(and the same in {others} more of {all})", seen, others, all), cause)
        }
    }
}

/// The result of the check, with the name of the span added to a failure. If the SDK has dropped attributes
/// of the span, that is the cause.
pub(super) fn on(span: &Span, check: Check) -> Check {
    check.map_err(|Failure { seen, cause }| {
        let cause = match span.dropped.attributes {
            0 => cause,
            count => text!(
                "The SDK has dropped {count} attributes of this span, because their number is limited: the limit is too small, in the code \
                 or in OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT.",
                count
            ),
        };
        Failure::new(text!("on span {name}: {seen}", name = &span.name, seen), cause)
    })
}

/// A duration in milliseconds, as text.
pub(super) fn ms(nanoseconds: u64) -> String {
    format!("{:.3} ms", nanoseconds as f64 / 1e6)
}
