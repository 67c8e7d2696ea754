//! Chains of causes.

use std::error::Error;

/// The innermost cause: "Connection refused" says more than "error sending request".
pub(crate) fn root_cause<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause
}
