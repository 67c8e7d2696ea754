//! opentelemetry-resource-detectors: attributes of host, operating system and process.

use std::env;
use std::process::Command;

use opentelemetry::{Key, Value};
use opentelemetry_resource_detectors::{
    HostResourceDetector, K8sResourceDetector, OsResourceDetector, ProcessResourceDetector,
    ServiceInstanceIdResourceDetector,
};
use opentelemetry_sdk::resource::{Resource, ResourceDetector};

use crate::faults::{Faults, modules};

fn get(resource: &Resource, name: &'static str) -> Option<Value> {
    resource.get(&Key::from_static_str(name))
}

#[test]
fn resource_detectors_describe_this_machine_with_these_faults() {
    let (host, process) = (HostResourceDetector::default().detect(), ProcessResourceDetector.detect());
    let os = get(&OsResourceDetector.detect(), "os.type").expect("it detects the system");
    let instance = get(&ServiceInstanceIdResourceDetector.detect(), "service.instance.id");
    assert!(instance.is_some_and(|id| id.as_str().len() == 36), "expected a UUID as the id of the instance");
    assert_eq!(get(&process, "process.pid"), Some(i64::from(std::process::id()).into()));
    let arch = get(&host, "host.arch").expect("it detects the architecture");

    let faults = Faults::found_in("opentelemetry-resource-detectors 0.13", modules::RESOURCE)
        .gone_if(
            "has the registry's name for `host.arch`",
            ["amd64", "arm64"].contains(&arch.as_str().as_ref()),
        )
        .gone_if(
            "keeps the whole command line out of the resource",
            get(&process, "process.command_args").is_none(),
        );
    // On Linux, `os.type` is correct.
    let faults = match env::consts::OS {
        "macos" => faults.gone_if("has the registry's name for `os.type`", os.as_str() == "darwin"),
        _ => faults,
    };
    faults.assert_all_remain();
}

/// This variable is set for a process that runs the test below as a machine outside of Kubernetes.
const OUTSIDE_KUBERNETES: &str = "REGISTRY_OUTSIDE_KUBERNETES";

#[test]
fn the_kubernetes_detector_treats_any_machine_as_a_pod() {
    if env::var_os(OUTSIDE_KUBERNETES).is_none() {
        // A test cannot change variables of its own process, so it runs again in another one.
        let this = env::current_exe().expect("the test has a path");
        let name = "resource_detectors::the_kubernetes_detector_treats_any_machine_as_a_pod";
        let mut again = Command::new(this);
        again.args(["--exact", name]).env(OUTSIDE_KUBERNETES, "1").env("HOSTNAME", "laptop");
        let output = again.env_remove("KUBERNETES_SERVICE_HOST").output().expect("the test runs once more");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let pod = get(&K8sResourceDetector.detect(), "k8s.pod.name");
    Faults::found_in("opentelemetry-resource-detectors 0.13", modules::RESOURCE)
        .gone_if("sets `k8s.pod.name` in Kubernetes only", pod != Some("laptop".into()))
        .assert_all_remain();
}
