//! The three programs: what each is told.

use std::path::PathBuf;

use super::all::All;
use super::program::Program;

impl All {
    pub(super) fn service(&self, executable: PathBuf) -> Program {
        let mut program = self.program(&self.backend, executable);
        program.environment.push(("PORT", self.port.to_string()));
        program.environment.push(("HTTPBIN_URL", format!("http://127.0.0.1:{}", self.httpbin_port)));
        if let Some(rate) = self.error_rate {
            program.environment.push(("RANDOM_ERROR_RATE", rate.to_string()));
        }
        program
    }

    pub(super) fn httpbin(&self, executable: PathBuf) -> Program {
        let mut program = self.program("httpbin", executable);
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

    /// What all of them are told: where telemetry goes, and often, so that it shows within seconds.
    fn program(&self, name: &str, executable: PathBuf) -> Program {
        Program {
            name: name.to_owned(),
            executable,
            arguments: Vec::new(),
            environment: vec![
                ("HOST", "127.0.0.1".to_owned()),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", self.endpoint.replace("localhost", "127.0.0.1")),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf".to_owned()),
                ("OTEL_BSP_SCHEDULE_DELAY", "1000".to_owned()),
                ("OTEL_BLRP_SCHEDULE_DELAY", "1000".to_owned()),
                ("OTEL_METRIC_EXPORT_INTERVAL", "5000".to_owned()),
            ],
            log: self.log(name),
        }
    }

    /// Where its output goes.
    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.place.root.join(".workshop/logs").join(format!("{name}.log"))
    }
}
