//! The contact file: YAML that becomes a [`domain::contact::ContactPolicy`], or says everything that is wrong with it; and
//! what a customer wishes, as requests and events say it.

use crate::calendar::{time, zone};
use crate::document;
use crate::problem::Fault;
use domain::calendar::Zone;
use domain::contact::{ContactPolicy, Draft, QuietHours, Wishes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The policy that holds where none was given.
pub const DEFAULT: &str = include_str!("../defaults/contact.yaml");

/// The policy that holds where none was given.
pub fn built_in() -> Result<ContactPolicy, Vec<Fault>> {
    document::built_in::<ContactFile>(include_str!(concat!(env!("OUT_DIR"), "/contact.json")))?.try_into()
}

/// Reads a contact file. Content that is wrong is named all at once; where the file has not the shape of one, the first
/// place where it has not.
#[cfg(feature = "yaml")]
pub fn read(text: &str) -> Result<ContactPolicy, Vec<Fault>> {
    document::yaml::<ContactFile>(text)?.try_into()
}

/// A contact file as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactFile {
    /// An account is reached at most so often, whichever playbook wants to,
    pub at_most: u32,
    /// in any stretch of so many days.
    pub within_days: u32,
    /// When nobody is reached, by the customer's clock; at any hour where nothing is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHoursFile>,
    /// Where customers are of whom that is not known: `UTC`, `Europe/Berlin`.
    pub time_zone: String,
}

/// Hours in which nobody is reached; past midnight where they end before they begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHoursFile {
    /// When they begin: `20:00`.
    pub from: String,
    /// When they end: `08:00`.
    pub until: String,
}

impl TryFrom<ContactFile> for ContactPolicy {
    type Error = Vec<Fault>;
    fn try_from(file: ContactFile) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let time_zone = zone("time_zone", &file.time_zone, &mut faults);
        let quiet = file.quiet_hours.and_then(|QuietHoursFile { from, until }| {
            let from = time("quiet_hours.from", &from, &mut faults);
            let until = time("quiet_hours.until", &until, &mut faults);
            Some(QuietHours { from: from?, until: until? })
        });
        let (at_most, within_days) = (file.at_most, file.within_days);
        // What could not be read has its fault already; the rest is looked at all the same.
        let draft = Draft { at_most, within_days, quiet, time_zone: time_zone.unwrap_or(Zone::UTC) };
        match Self::new(draft) {
            Ok(policy) if faults.is_empty() => return Ok(policy),
            Ok(_) => {}
            Err(more) => faults.extend(more.into_iter().map(|fault| Fault::new(fault.path, fault.reason))),
        }
        Err(faults)
    }
}

/// What a customer wishes of those who want to reach them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WishesBody {
    /// They do not want to be reached: from now on nothing is sent, and what waits is not either.
    pub opted_out: bool,
    /// Where they are (Europe/Berlin), if that is known: their quiet hours are those of this place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub time_zone: Option<Zone>,
}

impl From<WishesBody> for Wishes {
    fn from(WishesBody { opted_out, time_zone }: WishesBody) -> Self {
        Self { opted_out, time_zone }
    }
}

impl From<Wishes> for WishesBody {
    fn from(Wishes { opted_out, time_zone }: Wishes) -> Self {
        Self { opted_out, time_zone }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::contact::{Contacts, Judgement};

    #[test]
    fn the_default_policy_holds_and_keeps_quiet_at_night() {
        let policy = read(DEFAULT).unwrap();
        assert_eq!(policy, built_in().unwrap(), "made into JSON and back");
        let judge = |moment: &str| policy.judge(&Wishes::default(), &Contacts::default(), moment.parse().unwrap());
        assert_eq!(judge("2026-11-22T12:00:00Z"), Judgement::Go);
        assert!(matches!(judge("2026-11-22T23:00:00Z"), Judgement::Hold(_)));
    }

    #[test]
    fn every_fault_is_named_with_its_path() {
        let text = "at_most: 0\nwithin_days: 500\nquiet_hours: { from: 8pm, until: \"25:00\" }\ntime_zone: Mars/Base";
        let paths: Vec<String> = read(text).unwrap_err().into_iter().map(|fault| fault.path).collect();
        assert_eq!(paths, ["time_zone", "quiet_hours.from", "quiet_hours.until", "at_most", "within_days"]);
        assert_eq!(read("at_most: 1\nwithin_days: 7").unwrap_err()[0].path, "time_zone");
    }

    #[test]
    fn a_wish_without_a_place_and_a_place_that_is_none() {
        let wishes = serde_json::from_str::<WishesBody>(r#"{ "opted_out": true }"#).unwrap();
        assert_eq!(Wishes::from(wishes), Wishes { opted_out: true, time_zone: None });
        let error = serde_json::from_str::<WishesBody>(r#"{ "opted_out": true, "time_zone": "x" }"#).unwrap_err();
        assert!(error.to_string().starts_with("`x` is not a time zone"), "{error}");
    }
}
