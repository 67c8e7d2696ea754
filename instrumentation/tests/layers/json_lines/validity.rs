//! Every line is one JSON object, with any content.

use instrumentation::Identity;
use instrumentation::json_lines::JsonLines;

use super::{identity, logged};

const STRANGE: [&str; 9] = [
    "quotes \" and 'single' ones",
    "back\\slashes \\n \\u0000 \\",
    "line\nfeeds\r\nand\ttabs",
    "\u{0}\u{1}\u{8}\u{b}\u{c}\u{1b}[31mred\u{1b}[0m\u{1f}\u{7f}\u{85}",
    "桜 🌸 e\u{301} \u{202e}mirrored",
    "\u{2028}and\u{2029}end lines in JavaScript",
    "\u{feff}\u{fffd}\u{ffff}\u{10ffff}",
    "{\"a\":1},{}[]",
    "",
];

#[test]
fn unusual_texts_are_unchanged_and_take_one_line_each() {
    let lines = logged(JsonLines::new(&identity()), || {
        for text in STRANGE {
            let error = std::io::Error::other(text);
            tracing::info!(text, shown = %text, debug = ?text, "message: {text}");
            tracing::error!({ exception.message = text, exception.stacktrace = %error }, "{text}.");
        }
    });
    let objects = lines.objects();
    assert_eq!(objects.len(), 2 * STRANGE.len());
    for (pair, text) in objects.chunks(2).zip(STRANGE) {
        assert_eq!(pair[0]["text"], text);
        assert_eq!(pair[0]["shown"], text);
        assert_eq!(pair[0]["debug"], format!("{text:?}"));
        assert_eq!(pair[0]["message"], format!("message: {text}"));
        assert_eq!(pair[1]["error"]["message"], text);
        assert_eq!(pair[1]["error"]["stack"], text);
    }
    for line in lines.text().lines() {
        assert!(!line.chars().any(char::is_control) || line.contains(['\u{7f}', '\u{85}']), "{line:?}");
    }
}

#[test]
fn an_unusual_identity_is_also_escaped() {
    for text in STRANGE {
        let strange = Identity { service: text.to_owned(), commit: Some(text.to_owned()), ..identity() };
        let lines = logged(JsonLines::new(&strange), || tracing::info!("hello"));
        let line = lines.objects().remove(0);
        assert_eq!((&line["service"], &line["git.commit.sha"]), (&text.into(), &text.into()));
    }
}

#[test]
fn lines_of_several_threads_do_not_mix() {
    let text = "x".repeat(5_000);
    let lines = logged(JsonLines::new(&identity()), || {
        let subscriber = tracing::dispatcher::get_default(Clone::clone);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (text, subscriber) = (&text, subscriber.clone());
                scope.spawn(move || {
                    tracing::dispatcher::with_default(&subscriber, || {
                        for number in 0..50 {
                            tracing::info!(thread, number, text, "one of many");
                        }
                    });
                });
            }
        });
    });
    let objects = lines.objects();
    assert_eq!(objects.len(), 200);
    for thread in 0..4 {
        let numbers: Vec<_> = objects
            .iter()
            .filter(|line| line["thread"] == thread)
            .map(|line| line["number"].clone())
            .collect();
        assert_eq!(numbers, (0..50).map(serde_json::Value::from).collect::<Vec<_>>());
    }
}
