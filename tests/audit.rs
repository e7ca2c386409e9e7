//! What the program is made of: licences, sources, versions (`scripts/audit`).

use std::path::Path;
use std::process::Command;

fn audit(options: &[&str]) -> (bool, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/audit");
    let output = Command::new(script).args(options).output().expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn every_crate_has_a_licence_that_is_allowed() {
    let (right, told) = audit(&[]);
    assert!(right, "{told}");
}

#[test]
fn the_bill_of_materials_names_every_crate_with_its_checksum() {
    let (right, told) = audit(&["--sbom"]);
    assert!(right, "{told}");
    let bill: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    let components = bill["components"].as_array().expect("a list");
    for given in ["clap", "rayon", "pcap", "etherparse", "tls-parser", "ipsec-parser", "ssh-parser"]
    {
        let found = components.iter().find(|c| c["name"] == given).expect("it is there");
        assert_eq!(found["hashes"][0]["content"].as_str().map(str::len), Some(64), "{given}");
    }
}
