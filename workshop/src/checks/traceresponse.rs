//! The response header `traceresponse`, by which a caller finds the trace of its request.

use super::assert::{Check, ensure, fail};
use crate::evidence::Answer;
use crate::messages::Message;
use crate::text;
use otlp::model::{Span, Trace};

/// Whether the header names the SERVER span of its request, and says that it is sampled.
pub(super) fn names_the_span(answer: &Answer, trace: &Trace<'_>, server: &Span) -> Check {
    let want = format!("00-{}-{}-01", server.trace_id, server.span_id);
    let Some(header) = answer.header("traceresponse") else {
        return fail(text!("no header traceresponse"), cause(&want));
    };
    let named = header.split('-').nth(2).and_then(|id| trace.span(id));
    if let Some(span) = named.filter(|span| span.span_id != server.span_id) {
        return fail(
            text!(
                "{header} names {name} ({kind})\n{tree}",
                header,
                name = &span.name,
                kind = format!("{:?}", span.kind),
                tree = trace.tree()
            ),
            text!(
                "That is another span of the request. If it is of a second instrumentation of the server, two are active: switch one of \
                 them off. Otherwise set the header where the SERVER span is the current one."
            ),
        );
    }
    // Other flags than `sampled` may be set, too.
    let (ids, flags) = header.rsplit_once('-').unwrap_or_default();
    let is_sampled = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
    ensure!(is_sampled && want.strip_suffix("-01") == Some(ids), header.to_owned(), cause(&want));
    Ok(())
}

fn cause(want: &str) -> Message {
    text!("It should be {want}: version, trace id, span id of the SERVER span, flags.", want)
}
