//! Command line and environment of the three programs.

use std::path::PathBuf;

use super::program::Program;
use super::stack::Stack;

impl Stack {
    pub(super) fn service(&self, executable: PathBuf) -> Program {
        let mut program = self.program(&self.backend, executable);
        program.port = Some(self.port);
        let mut set = |name: &str, value: String| program.environment.push((name.to_owned(), value));
        set("PORT", self.port.to_string());
        set("HTTPBIN_URL", format!("http://127.0.0.1:{}", self.httpbin_port));
        if let Some(rate) = self.error_rate {
            set("RANDOM_ERROR_RATE", rate.to_string());
        }
        // Last, so that they override the others.
        program.environment.extend(self.environment.iter().cloned());
        program
    }

    pub(super) fn httpbin(&self, executable: PathBuf) -> Program {
        let mut program = self.program("httpbin", executable);
        program.port = Some(self.httpbin_port);
        let port = self.httpbin_port.to_string();
        program.arguments = ["httpbin", "--port", &port, "--delay", "20ms..80ms"].map(str::to_owned).to_vec();
        program
    }

    pub(super) fn load(&self, executable: PathBuf) -> Program {
        let mut program = self.program("loadtest", executable);
        let url = format!("http://127.0.0.1:{}/handson", self.port);
        let rate = self.rate.to_string();
        program.arguments = ["--rate", &rate, "--duration", "0", "--url", &url].map(str::to_owned).to_vec();
        program
    }

    /// What all programs have in common: they export to the console, and often, so that telemetry is visible within seconds.
    fn program(&self, name: &str, executable: PathBuf) -> Program {
        Program {
            name: name.to_owned(),
            executable,
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
        }
    }

    /// Where its output goes.
    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.repository.root.join(".workshop/logs").join(format!("{name}.log"))
    }
}
