//! Step NUMBER: TITLE.

use super::assert::{Check, fail};
use crate::evidence::Evidence;
use crate::text;
use crate::verdict::Expectation;

pub(super) fn judge(evidence: &Evidence) -> Vec<Expectation> {
    vec![Expectation::new(text!("the telemetry of this step"), is_there(evidence))]
}

fn is_there(_evidence: &Evidence) -> Check {
    fail(text!("this check is still the template"), text!("Write it in workshop/src/checks/MODULE.rs."))
}
