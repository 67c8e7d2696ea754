//! Compiles OTLP's definitions into the descriptors that decoding OTLP/JSON needs.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use prost::Message;

const SERVICES: [&str; 3] = ["trace/v1/trace", "metrics/v1/metrics", "logs/v1/logs"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files = SERVICES.map(|service| format!("opentelemetry/proto/collector/{service}_service.proto"));
    let descriptors = protox::compile(files, ["proto"])?;
    let folder = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(folder.join("otlp.descriptors"), descriptors.encode_to_vec())?;
    Ok(())
}
