//! The identity of this process: what every log line and every item of telemetry contains about its origin.

pub use instrumentation::Identity;

/// Package version and commit, `0.1.0+3d3c42e`, so that a canary can be distinguished.
pub const VERSION: &str = env!("HANDSON_VERSION");
/// The commit of the build, 40 hex digits; absent if the build did not know it.
const COMMIT: Option<&str> = option_env!("HANDSON_COMMIT");
/// The repository, as an address for a browser, without user and token.
const REPOSITORY: Option<&str> = option_env!("HANDSON_REPOSITORY");

/// The identity of this build, running as `service` in `environment`.
pub fn for_service(service: &str, environment: &str) -> Identity {
    Identity {
        service: service.to_owned(),
        version: VERSION.to_owned(),
        environment: environment.to_owned(),
        commit: COMMIT.map(str::to_owned),
        repository: REPOSITORY.map(str::to_owned),
    }
}

/// The service's name: `name` (`OTEL_SERVICE_NAME`) if it is set, otherwise `handson-sakura` for the backend
/// `backend-sakura`, otherwise `handson`.
pub fn service_name(name: Option<&str>, backend: Option<&str>) -> String {
    match (name, backend) {
        (Some(name), _) => name.to_owned(),
        (None, Some(backend)) => backend.replacen("backend-", "handson-", 1),
        (None, None) => "handson".to_owned(),
    }
}
