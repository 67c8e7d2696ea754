//! The report of tests if a crate has corrected a fault.

/// Our modules that are needed only because the crates of the Registry have faults.
pub mod modules {
    pub const CLIENT: &str = "client";
    pub const JSON_LINES: &str = "json_lines";
    pub const LOGS: &str = "log_records";
    pub const METRIC_VIEWS: &str = "process_metrics";
    pub const RESOURCE: &str = "identity";
    pub const SERVER: &str = "server";
}

/// The faults of one crate, each with a description of the correct behaviour.
pub struct Faults {
    name: &'static str,
    module: &'static str,
    fixed: Vec<&'static str>,
}

impl Faults {
    /// `name` is the crate with the version in which the faults were found, `module` is our replacement.
    pub fn found_in(name: &'static str, module: &'static str) -> Self {
        Self { name, module, fixed: Vec::new() }
    }

    /// Adds a fault: it is corrected if the crate does `what`.
    pub fn gone_if(mut self, what: &'static str, does: bool) -> Self {
        self.fixed.extend(does.then_some(what));
        self
    }

    /// Fails if a fault was corrected, and names all corrected ones.
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
