// ANCHOR: first-span
//! The resource: what every span, metric and log record says of the process that made it.

use opentelemetry::KeyValue;
use opentelemetry_resource_detectors::{
    HostResourceDetector, OsResourceDetector, ServiceInstanceIdResourceDetector,
};
use opentelemetry_sdk::Resource;
use opentelemetry_semantic_conventions::attribute;

use crate::identity::{COMMIT, Identity, REPOSITORY, VERSION};

/// `service.*`, `deployment.environment.name`, `vcs.*`, host, operating system and process; `telemetry.sdk.*` and
/// `OTEL_RESOURCE_ATTRIBUTES` by the SDK.
pub(super) fn of(identity: &Identity) -> Resource {
    let known = [
        Some(KeyValue::new(attribute::SERVICE_VERSION, VERSION)),
        Some(KeyValue::new(attribute::DEPLOYMENT_ENVIRONMENT_NAME, identity.environment.as_str())),
        Some(KeyValue::new(attribute::PROCESS_PID, i64::from(std::process::id()))),
        COMMIT.map(|commit| KeyValue::new(attribute::VCS_REF_HEAD_REVISION, commit)),
        REPOSITORY.map(|url| KeyValue::new(attribute::VCS_REPOSITORY_URL_FULL, url)),
    ];
    Resource::builder()
        .with_detector(Box::new(HostResourceDetector::default()))
        .with_detector(Box::new(OsResourceDetector))
        .with_detector(Box::new(ServiceInstanceIdResourceDetector))
        .with_attributes(known.into_iter().flatten())
        .with_service_name(identity.service.clone())
        .build()
}
// ANCHOR_END: first-span
