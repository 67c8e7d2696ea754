//! Finds code in hints and reports, which is between backticks as in Markdown.

/// The parts of `text` in order, each with whether it is code. A backtick without a second one in its line is
/// plain text.
pub(crate) fn parts(text: &str) -> Vec<(bool, &str)> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('`') {
        let Some((code, after)) = after.split_once('`').filter(|(code, _)| !code.contains('\n')) else {
            break;
        };
        parts.extend([(false, before), (true, code)]);
        rest = after;
    }
    parts.push((false, rest));
    parts.retain(|(_, part)| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn code_is_the_text_between_two_backticks_of_a_line() {
        assert_eq!(
            parts("run `a b`, then `c`"),
            [(false, "run "), (true, "a b"), (false, ", then "), (true, "c")]
        );
        assert_eq!(parts("no code"), [(false, "no code")]);
        assert_eq!(parts("one ` alone"), [(false, "one ` alone")]);
        assert_eq!(parts("one `\nbelow` another"), [(false, "one `\nbelow` another")]);
    }
}
