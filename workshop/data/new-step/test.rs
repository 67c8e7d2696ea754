//! Wrong answers to step ID, which its check must reject.

const STEP: &str = "ID";

#[test]
fn a_wrong_answer_fails() {
    panic!("write a wrong answer to step {STEP}, and the words that its check says");
}
