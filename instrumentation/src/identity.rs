//! The identity of a process: what every log line and every item of telemetry contains about its origin.

use opentelemetry::KeyValue;
use opentelemetry_resource_detectors::{
    HostResourceDetector, OsResourceDetector, ServiceInstanceIdResourceDetector,
};
use opentelemetry_sdk::resource::ResourceDetector;
use opentelemetry_semantic_conventions::attribute;

/// Name, version and environment of a service, and the commit that it was built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `service.name`.
    pub service: String,
    /// `service.version`. With the commit in it (`0.1.0+3d3c42e`), a canary can be distinguished.
    pub version: String,
    /// `deployment.environment.name`.
    pub environment: String,
    /// `vcs.ref.head.revision`: the commit, 40 hex digits. `None` if the build did not know it.
    pub commit: Option<String>,
    /// `vcs.repository.url.full`: the repository as a browser opens it, without user and token.
    pub repository: Option<String>,
}

impl Identity {
    /// The identity for a build that does not know its commit.
    pub fn new(
        service: impl Into<String>,
        version: impl Into<String>,
        environment: impl Into<String>,
    ) -> Self {
        Self {
            service: service.into(),
            version: version.into(),
            environment: environment.into(),
            commit: None,
            repository: None,
        }
    }

    /// The attributes of a resource, except `service.name`, for which the SDK's builder has a method. They
    /// correct values of [`detectors`], so add them after the detectors.
    pub fn attributes(&self) -> Vec<KeyValue> {
        let known = [
            (attribute::SERVICE_VERSION, Some(&self.version)),
            (attribute::DEPLOYMENT_ENVIRONMENT_NAME, Some(&self.environment)),
            (attribute::VCS_REF_HEAD_REVISION, self.commit.as_ref()),
            (attribute::VCS_REPOSITORY_URL_FULL, self.repository.as_ref()),
        ];
        let known = known.into_iter().filter_map(|(name, value)| Some(KeyValue::new(name, value?.clone())));
        let of_the_machine = [
            KeyValue::new(attribute::HOST_ARCH, host_arch()),
            KeyValue::new(attribute::OS_TYPE, os_type()),
            KeyValue::new(attribute::PROCESS_PID, i64::from(std::process::id())),
        ];
        known.chain(of_the_machine).collect()
    }
}

/// `host.arch` as the registry defines it; `opentelemetry-resource-detectors` 0.13 uses Rust's names.
fn host_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc64" => "ppc64",
        "powerpc" => "ppc32",
        other => other,
    }
}

/// `os.type` as the registry defines it.
fn os_type() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    }
}

/// Detectors of host, operating system, and a random `service.instance.id` that distinguishes two instances.
pub fn detectors() -> Vec<Box<dyn ResourceDetector>> {
    vec![
        Box::new(HostResourceDetector::default()),
        Box::new(OsResourceDetector),
        Box::new(ServiceInstanceIdResourceDetector),
    ]
}
