//! The JSON Schemas beside the built-in configuration are made from the types that read it, for editors.
//!
//! `CS_OPS_UPDATE=1 cargo test -p tests --test configuration` writes them anew.

use contract::{
    contact, destinations, escalation, experiments, kpis, mapping, playbook, roi, roster, rules, scorecard, segments,
};
use schemars::{Schema, schema_for};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/contract/defaults")
}

fn schemas() -> [(&'static str, Schema); 12] {
    [
        ("scorecard", schema_for!(scorecard::ScorecardFile)),
        ("rules", schema_for!(rules::RulesFile)),
        ("escalation", schema_for!(escalation::EscalationFile)),
        ("mapping", schema_for!(mapping::MappingFile)),
        ("playbook", schema_for!(playbook::PlaybookFile)),
        ("segments", schema_for!(segments::SegmentsFile)),
        ("contact", schema_for!(contact::ContactFile)),
        ("experiments", schema_for!(experiments::ExperimentsFile)),
        ("roster", schema_for!(roster::RosterFile)),
        ("destinations", schema_for!(destinations::DestinationsFile)),
        ("kpis", schema_for!(kpis::KpisFile)),
        ("roi", schema_for!(roi::RoiFile)),
    ]
}

#[test]
fn the_schemas_in_the_repository_are_made_from_the_types() {
    for (name, schema) in schemas() {
        let made = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        let path = folder().join("schemas").join(name).with_extension("json");
        if std::env::var_os("CS_OPS_UPDATE").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &made).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(made == kept, "{} is not what the types say; `CS_OPS_UPDATE=1` makes it anew", path.display());
    }
}

#[test]
fn what_is_built_in_fits_its_schema_and_what_is_misspelt_does_not() {
    let playbooks =
        ["expansion", "lifecycle", "onboarding", "renewal", "win-back"].map(|name| (format!("playbooks/{name}"), 4));
    let files = [
        ("scorecard", 0),
        ("maturity", 0),
        ("rules", 1),
        ("escalation", 2),
        ("segments", 5),
        ("contact", 6),
        ("roster", 8),
        ("destinations", 9),
        ("kpis", 10),
        ("roi", 11),
    ];
    for (file, of) in files.map(|(file, of)| (file.to_owned(), of)).into_iter().chain(playbooks) {
        let (name, schema) = schemas()[of].clone();
        let schema = jsonschema::validator_for(schema.as_value()).unwrap();
        let text = std::fs::read_to_string(folder().join(&file).with_extension("yaml")).unwrap();
        let up = if file.contains('/') { "../" } else { "" };
        assert!(text.contains(&format!("$schema={up}schemas/{name}.json")), "{file}: an editor finds its schema");
        let mut value: Value = serde_saphyr::from_str(&text).unwrap();
        let faults: Vec<String> = schema.iter_errors(&value).map(|error| error.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new(), "{file}");
        value["mispelt"] = Value::Null;
        assert!(!schema.is_valid(&value), "{file}");
    }
}
