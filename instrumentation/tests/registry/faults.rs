//! What the tests report when a crate is no longer wrong.

/// The modules of ours that are only needed while the crates of the Registry have faults.
pub mod modules {
    pub const CLIENT: &str = "client";
    pub const JSON_LINES: &str = "json_lines";
    pub const LOGS: &str = "log_records";
    pub const METRIC_VIEWS: &str = "process_metrics";
    pub const RESOURCE: &str = "identity";
    pub const SERVER: &str = "server";
}

/// The faults of one crate, each with what the crate would do if it were fixed.
pub struct Faults {
    name: &'static str,
    module: &'static str,
    fixed: Vec<&'static str>,
}

impl Faults {
    /// `name` is the crate with the version that the faults were found in, `module` is ours that does the same.
    pub fn found_in(name: &'static str, module: &'static str) -> Self {
        Self { name, module, fixed: Vec::new() }
    }

    /// One fault: it is gone if the crate does `what`.
    pub fn gone_if(mut self, what: &'static str, does: bool) -> Self {
        self.fixed.extend(does.then_some(what));
        self
    }

    /// Fails if a fault is gone, and names all that are.
    #[track_caller]
    pub fn assert_all_remain(self) {
        let Self { name, module, fixed } = self;
        let fixed: Vec<_> =
            fixed.iter().map(|what| format!("{name} now {what}: our module `{module}` may go")).collect();
        assert!(fixed.is_empty(), "{}\n(update instrumentation/REGISTRY.md and this test)", fixed.join("\n"));
    }
}

#[test]
#[should_panic(expected = "tower-otel 0.12 now sets `url.scheme`: our module `server` may go")]
fn a_corrected_fault_is_reported_with_the_module_that_may_be_removed() {
    Faults::found_in("tower-otel 0.12", modules::SERVER)
        .gone_if("sets `error.type`", false)
        .gone_if("sets `url.scheme`", true)
        .assert_all_remain();
}
