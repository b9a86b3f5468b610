use schemars::schema_for;
#[test]
fn write() {
    for (name, schema) in [("rules", schema_for!(contract::rules::RulesFile)), ("segments", schema_for!(contract::segments::SegmentsFile)), ("escalation", schema_for!(contract::escalation::EscalationFile))] {
        let made = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        std::fs::write(format!("defaults/schemas/{name}.json"), made).unwrap();
    }
}
