//! Wrong answers to step ID, each of which its check has to notice.

const STEP: &str = "ID";

#[test]
fn a_wrong_answer_fails() {
    panic!("write a wrong answer to step {STEP}, and the words that its check says");
}
