//! Whether a text is a stack: it must say where something happened.

use std::collections::BTreeSet;

/// Whether `text` names a place, apart from the kind and the message of the failure, which it may repeat.
///
/// The places are the frames of any language, or a `file:line` in a chain of causes. A chain of causes
/// without places says no more than the message, which has the same causes in one line.
pub(super) fn is_stack(text: &str, kind: &str, message: &str) -> bool {
    let mut text = text.to_owned();
    for known in [message, kind].into_iter().filter(|known| !known.is_empty()) {
        text = text.replace(known, "");
    }
    text.lines().any(|line| is_frame(line.trim()) || has_place(line))
}

/// The frames and places of a stack, without what differs between two failures at the same place: addresses
/// and the number of a goroutine.
pub(super) fn places(text: &str) -> BTreeSet<String> {
    let lines = text.lines().map(str::trim).filter(|line| is_frame(line) || has_place(line));
    lines
        .map(|line| line.split_whitespace().filter(|word| !word.contains("0x")).collect::<Vec<_>>().join(" "))
        .collect()
}

/// Whether a line is a frame without a file, as in a program without debug information:
/// `at com.example.Handler.get`, `0: handson::get`, `#1 main`, `2# main in ./handson`.
fn is_frame(line: &str) -> bool {
    let numbered = |line: &str| {
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        rest.len() < line.len() && rest.strip_prefix([':', '#']).is_some_and(names_something)
    };
    let hashed = |line: &str| {
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        rest.len() < line.len() && names_something(rest)
    };
    numbered(line)
        || line.strip_prefix('#').is_some_and(hashed)
        || line.strip_prefix("at ").is_some_and(|place| is_function(place.trim_start()))
}

/// Whether a number of a frame is followed by its function.
fn names_something(rest: &str) -> bool {
    rest.starts_with(' ') && rest.contains(|c: char| c.is_alphabetic())
}

/// Whether the text after `at` begins with the name of a function, and not with a word of a sentence.
fn is_function(place: &str) -> bool {
    let name = place.split_whitespace().next().unwrap_or_default();
    name.contains(['.', ':', '(', '/', '<']) || place.contains('(')
}

/// Whether a line has a place in a source file: `src/httpbin.rs:42`, `Handler.java:42`, `main.nim(42)`,
/// `File "handson.py", line 42`.
fn has_place(line: &str) -> bool {
    let with_number = line.match_indices([':', '(']).any(|(at, sign)| {
        let (before, after) = (&line[..at], &line[at + sign.len()..]);
        after.starts_with(|c: char| c.is_ascii_digit()) && ends_with_a_file(before)
    });
    let with_word = line.match_indices("line").any(|(at, word)| {
        let after = line[at + word.len()..].trim_start_matches([' ', ',', ':', '=']);
        after.starts_with(|c: char| c.is_ascii_digit())
    });
    with_number || with_word
}

/// Whether `text` ends with a file: a name with an extension, or a path. A host with its port is none.
fn ends_with_a_file(text: &str) -> bool {
    let is_of_a_path = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '\\' | '@' | '+');
    let path = text.rsplit(|c: char| !is_of_a_path(c)).next().unwrap_or_default();
    if path.starts_with("//") || path.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return false;
    }
    let extension = path.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|extension| extension.starts_with(|c: char| c.is_alphabetic()))
        || path.contains(['/', '\\'])
}

#[cfg(test)]
mod tests {
    use super::is_stack;

    const KIND: &str = "HttpbinError";
    const MESSAGE: &str = "calling httpbin: http://127.0.0.1:34567/post answers 503";

    #[test]
    fn the_stacks_of_many_languages_are_stacks() {
        let stacks = [
            // Rust: a chain of causes with places, a backtrace, and one without debug information.
            "HttpbinError\ncalling httpbin (src/handson.rs:50)\nit answers 503 (src/httpbin.rs:42)",
            "   0: handson::httpbin::call\n             at ./src/httpbin.rs:42:9",
            "0: handson::httpbin::call",
            // Go: debug.Stack().
            "goroutine 12 [running]:\nruntime/debug.Stack()\n\t/usr/local/go/src/runtime/debug/stack.go:26 +0x5e\nmain.call(...)",
            // Python
            "Traceback (most recent call last):\n  File \"/app/handson.py\", line 42, in call\nHttpbinError: calling httpbin: http://127.0.0.1:34567/post answers 503",
            // Java, with and without files
            "com.example.HttpbinError: failed\n\tat com.example.Httpbin.call(Httpbin.java:42)",
            "com.example.HttpbinError: failed\n\tat com.example.Httpbin.call(Unknown Source)",
            // Node, and minified code
            "HttpbinError: failed\n    at call (/app/server.js:42:9)",
            "HttpbinError: failed\n    at async Promise.all (index 0)",
            // .NET, without and with debug information
            "HttpbinError: failed\n   at Handson.Httpbin.Call(String path)",
            "HttpbinError: failed\n   at Handson.Httpbin.Call(String path) in /app/Httpbin.cs:line 42",
            // Ruby, PHP, Elixir, C++
            "bin/handson:42:in `call': failed (HttpbinError)\n\tfrom handson.rb:7:in `get'",
            "#0 /app/handson.php(42): call()\n#1 {main}",
            "    (handson 0.1.0) lib/httpbin.ex:42: Handson.Httpbin.call/1",
            " 0# call() in ./handson\n 1# main in ./handson",
        ];
        for stack in stacks {
            assert!(is_stack(stack, KIND, MESSAGE), "{stack}");
        }
    }

    #[test]
    fn the_message_in_another_form_is_no_stack() {
        let others = [
            MESSAGE.to_owned(),
            format!("{KIND}: {MESSAGE}"),
            format!("{KIND}('{MESSAGE}')"),
            format!("<{KIND} object at 0x7f0a>"),
            format!("&errors.errorString{{s:\"{MESSAGE}\"}}"),
            "503".to_owned(),
            "calling httpbin: 127.0.0.1:34567".to_owned(),
            "calling httpbin: http://127.0.0.1:34567/post".to_owned(),
            "failed at random\nat a rate of 0.5".to_owned(),
            // A chain of causes without places: the message has them, too.
            "calling httpbin\nit answers 503".to_owned(),
            "calling httpbin\n\nCaused by:\n    it answers 503".to_owned(),
        ];
        for other in others {
            assert!(!is_stack(&other, KIND, MESSAGE), "{other}");
        }
    }
}
