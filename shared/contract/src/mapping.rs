//! The import mapping: a YAML file that says how the columns of a table become signals.

use crate::document;
use crate::problem::Fault;
use domain::account::{LifecycleStage, Segment};
use domain::fixed::Quantity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Reads a mapping file. The fault names the first place where the file has not the shape of a mapping.
pub fn read(text: &str) -> Result<MappingFile, Vec<Fault>> {
    document::yaml(text)
}

/// How the columns of a table become signals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MappingFile {
    /// What kind of file it is.
    pub format: Format,
    /// CSV: what stands between two values; a comma where nothing is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// CSV: the names of the columns, where the file's first line does not name them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// Which account.
    pub account: Field,
    /// The system that says it.
    pub source: Field,
    /// What the record is called.
    pub id: Identity,
    /// What was measured.
    pub metric: Field,
    /// When it was so.
    pub at: Moment,
    /// How much.
    pub value: Number,
    /// The unit.
    pub unit: Field,
    /// For `case_event`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseFields>,
    /// For `meeting_event`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meeting: Option<MeetingFields>,
    /// For `competitor_seen`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub competitor: Option<CompetitorFields>,
    /// For `milestone_reached`: which step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milestone: Option<Field>,
    /// How accounts are described when the import meets them for the first time. Without it they must be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_accounts: Option<NewAccount>,
}

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A line for each record, values with a delimiter between them.
    Csv,
    /// A JSON object on each line; a column is the name of a field, or a path such as `user.id`.
    Ndjson,
}

/// Where a text comes from: a column or a constant, one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The same for every record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constant: Option<String>,
    /// Stands before the column's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// What the column's values mean; a value that is not named is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<BTreeMap<String, String>>,
}

/// What a record is called: by a column, or by the content that makes it itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Identity {
    /// The column that names it.
    Column(String),
    /// Made from the values of columns.
    MadeOf {
        /// The columns.
        columns: Vec<String>,
        /// What it means when a file has the same values twice.
        repeats: Repeats,
    },
}

/// What it means when a file has the same values twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Repeats {
    /// The same fact, told twice.
    Same,
    /// Another fact: the second of its kind, the third, and so on.
    Another,
}

/// When it was so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// The column.
    pub column: String,
    /// How it is written, in the manner of `strptime` (`%Y%m%d`); RFC 3339 where nothing is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The time of day where the format has none (`12:00`); midnight where nothing is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_of_day: Option<String>,
    /// The time zone where the format has none (`Europe/Berlin`); UTC where nothing is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// How much: a column or a constant, one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Number {
    /// The column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The same for every record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    pub constant: Option<Quantity>,
    /// The column's value is multiplied by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    pub factor: Option<Quantity>,
}

/// Where the parts of a case come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseFields {
    /// Which case.
    pub id: Field,
    /// `critical`, `high`, `medium` or `low`; left out where impact and urgency say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Field>,
    /// How much it stops: `high`, `medium` or `low`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<Field>,
    /// How soon it has to end: `high`, `medium` or `low`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Field>,
    /// `email`, `chat`, `phone`, `portal` or `emergency`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Field>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Field>,
    /// Who works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<Field>,
    /// `opened`, `responded`, `waiting_on_customer`, `in_progress` or `resolved`.
    pub status: Field,
}

/// Where the parts of a meeting come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeetingFields {
    /// Which meeting.
    pub id: Field,
    /// `held`, `missed` or `declined`.
    pub result: Field,
    /// `true` or `false`.
    pub executive: Field,
}

/// Where the parts of a sighting come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompetitorFields {
    /// Who was seen.
    pub name: Field,
    /// For how many days after the record the sighting counts.
    pub expires_after_days: u16,
}

/// How accounts are described when the import meets them for the first time. The name is the account's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// `enterprise`, `mid_market` or `small_business`.
    #[schemars(with = "String")]
    pub segment: Segment,
    /// `onboarding`, `expansion`, `optimization`, `steady` or `churned`.
    #[schemars(with = "String")]
    pub stage: LifecycleStage,
    /// Annual recurring revenue, in hundredths of the tenant's currency.
    pub arr_cents: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPPING: &str = "
format: csv
account: { column: customer, prefix: c- }
source: { constant: shop }
id: { made_of: { columns: [customer, day], repeats: another } }
metric: { constant: purchases }
at: { column: day, format: '%Y%m%d' }
value: { constant: 1 }
unit: { constant: count }
";

    #[test]
    fn a_mapping_is_read_and_written_alike() {
        let mapping = read(MAPPING).unwrap();
        let columns = vec!["customer".to_owned(), "day".to_owned()];
        assert_eq!(mapping.id, Identity::MadeOf { columns, repeats: Repeats::Another });
        let again = serde_json::to_string(&mapping).unwrap();
        assert_eq!(serde_json::from_str::<MappingFile>(&again).unwrap(), mapping);
    }

    #[test]
    fn a_fault_names_its_path() {
        let fault = read(&MAPPING.replace("repeats: another", "repeats: twice")).unwrap_err().remove(0);
        assert_eq!(fault.path, "id.made_of.repeats", "{}", fault.reason);
        assert!(read(&MAPPING.replace("value:", "amount:")).unwrap_err()[0].reason.contains("amount"));
        assert!(read(&"#".repeat(document::MAX_BYTES + 1)).unwrap_err()[0].reason.contains("at most"));
    }
}
