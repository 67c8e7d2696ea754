//! Command line and environment of the three programs.

use std::path::PathBuf;
use std::sync::Arc;

use ::console::monitor::Definition;

use super::gameday::Surroundings;
use super::lines::Lines;
use super::program::Program;
use super::stack::Stack;
use crate::commands::repository::FINISHED;
use crate::commands::subject::Subject;
use crate::run;

impl Stack {
    pub(super) fn service(&self, program: run::Program) -> Program {
        let mut program = self.program(&self.label, program);
        program.log = self.log(&self.log_name());
        program.port = Some(self.port);
        let mut set = |name: &str, value: String| program.environment.push((name.to_owned(), value));
        set("PORT", self.port.to_string());
        set("HTTPBIN_URL", format!("http://127.0.0.1:{}", self.httpbin_port));
        if let Some(Surroundings { environment, .. }) = &self.surroundings {
            set("DATABASE_URL", environment.database_url());
        }
        if let Some(Subject::Command(_)) = &self.subject {
            set("OTEL_SERVICE_NAME", self.default_service_name());
        }
        if let Some(rate) = self.error_rate {
            set("RANDOM_ERROR_RATE", rate.to_string());
        }
        // Last, so that they override the others.
        program.environment.extend(self.environment.iter().cloned());
        program.lines = Some(Lines::start(
            Arc::clone(&self.console),
            self.service_name(&program),
            self.repository.shown(&program.log),
            self.lang,
        ));
        program
    }

    pub(super) fn httpbin(&self, executable: PathBuf) -> Program {
        let mut program = self.program("httpbin", run::Program::Executable(executable));
        let mut port = self.httpbin_port;
        if let Some(Surroundings { environment, .. }) = &self.surroundings {
            port = environment.httpbin_port;
            // Later variables override earlier ones.
            let endpoint = environment.endpoint.clone();
            program.environment.push(("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), endpoint));
        }
        program.port = Some(port);
        let port = port.to_string();
        program.arguments = ["httpbin", "--port", &port, "--delay", "20ms..80ms"].map(str::to_owned).to_vec();
        program
    }

    pub(super) fn load(&self, executable: PathBuf) -> Program {
        let mut program = self.program("loadtest", run::Program::Executable(executable));
        let url = format!("http://127.0.0.1:{}/handson", self.port);
        let rate = self.rate.to_string();
        program.arguments = ["--rate", &rate, "--duration", "0", "--url", &url].map(str::to_owned).to_vec();
        program
    }

    /// What all programs have in common: they export to the console, and often, so that telemetry is visible
    /// within seconds.
    fn program(&self, name: &str, program: run::Program) -> Program {
        Program {
            name: name.to_owned(),
            program,
            arguments: Vec::new(),
            port: None,
            environment: [
                ("HOST", "127.0.0.1".to_owned()),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", self.endpoint.replace("localhost", "127.0.0.1")),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf".to_owned()),
                ("OTEL_BSP_SCHEDULE_DELAY", "1000".to_owned()),
                ("OTEL_BLRP_SCHEDULE_DELAY", "1000".to_owned()),
                ("OTEL_METRIC_EXPORT_INTERVAL", "5000".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec(),
            log: self.log(name),
            lines: None,
        }
    }

    /// `service.name` of the service's telemetry.
    fn service_name(&self, program: &Program) -> String {
        let name = program.environment.iter().rev().find(|(name, _)| name == "OTEL_SERVICE_NAME");
        name.map_or_else(|| self.default_service_name(), |(_, value)| value.clone())
    }

    /// `service.name` unless `OTEL_SERVICE_NAME` is set. A backend has its own; nothing names a command, so
    /// its name is the one that its monitor watches.
    fn default_service_name(&self) -> String {
        match &self.subject {
            Some(Subject::Backend(name)) => format!("handson-{name}"),
            Some(Subject::Command(command)) => {
                let monitor = std::fs::read_to_string(command.folder().join("monitor.toml")).ok();
                let definition = monitor.and_then(|text| Definition::parse(&text).ok());
                definition.map_or(FINISHED.to_owned(), |definition| definition.service)
            }
            None => FINISHED.to_owned(),
        }
    }

    /// The name of the file for the output of the service, without its ending.
    pub(super) fn log_name(&self) -> String {
        match &self.subject {
            Some(Subject::Command(_)) => "command".to_owned(),
            Some(Subject::Backend(_)) | None => self.label.clone(),
        }
    }

    /// Where its output goes.
    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.repository.root.join(".workshop/logs").join(format!("{name}.log"))
    }
}
