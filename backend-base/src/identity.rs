//! Who this process is: what every log line and every span says of its origin.

use crate::config::Environment;

/// The commit that the program was built from, 40 hex digits; absent where the build did not know it.
pub const COMMIT: Option<&str> = option_env!("HANDSON_COMMIT");
/// The repository, as an address for a browser, without user and token.
pub const REPOSITORY: Option<&str> = option_env!("HANDSON_REPOSITORY");
/// Package version and commit, `0.1.0+3d3c42e`, so that a canary can be told apart.
pub const VERSION: &str = env!("HANDSON_VERSION");

/// Name and place of a running service.
#[derive(Debug, Clone)]
pub struct Identity {
    /// `service.name`: `handson`, or `handson-sakura` where the backend's name is `backend-sakura`.
    pub service: String,
    /// `deployment.environment.name`.
    pub environment: Environment,
}

impl Identity {
    /// `named` (`OTEL_SERVICE_NAME`) wins; else the name follows from `backend`; else it is `fallback`.
    pub fn new(named: Option<&str>, backend: Option<&str>, fallback: &str, environment: Environment) -> Self {
        let service = match (named, backend) {
            (Some(named), _) => named.to_owned(),
            (None, Some(backend)) => backend.replacen("backend-", "handson-", 1),
            (None, None) => fallback.to_owned(),
        };
        Self { service, environment }
    }
}
