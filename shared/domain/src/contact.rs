//! What may reach a customer, and when.
//!
//! Whatever the machine sends passes here. Whoever does not want to be reached is not: that goes before all else. A customer
//! is reached at most so often within some days, whichever playbook wants to, and not in quiet hours, which are those of
//! the customer's time zone: what comes too soon is held back and goes later. Nothing is dropped without being told.

use crate::calendar::{Zone, day_of};
use crate::digest::Digest;
use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The most contacts that a policy allows within its days.
pub const MAX_CONTACTS: u32 = 100;
/// The most days that a policy looks back.
pub const MAX_DAYS: u32 = 400;
/// The most hours of a day that are quiet.
pub const MAX_QUIET_HOURS: i64 = 16;

/// What a customer wishes of those who want to reach them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Wishes {
    /// They do not want to be reached.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub opted_out: bool,
    /// Where they are, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<Zone>,
}

impl Wishes {
    /// Whether nothing is known of them.
    pub const fn is_none(&self) -> bool {
        !self.opted_out && self.time_zone.is_none()
    }
}

/// Hours of the day in which nobody is reached; past midnight where they end before they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct QuietHours {
    /// The first moment that is quiet.
    pub from: Time,
    /// The first one that is not.
    pub until: Time,
}

impl QuietHours {
    fn holds(&self, time: Time) -> bool {
        if self.from < self.until {
            self.from <= time && time < self.until
        } else {
            self.from <= time || time < self.until
        }
    }

    fn length(&self) -> SignedDuration {
        let length = self.from.duration_until(self.until);
        if length.is_positive() { length } else { length.saturating_add(SignedDuration::from_hours(24)) }
    }

    /// When the quiet hours end in which a moment lies.
    fn end(&self, zone: &Zone, moment: Timestamp) -> Option<Timestamp> {
        let local = zone.at(moment);
        self.holds(local.time()).then(|| {
            let day = day_of(local);
            let past_midnight = local.time() >= self.until;
            zone.moment(if past_midnight { day.plus(1) } else { day }, self.until)
        })
    }
}

/// A fault of a policy, with the field that it is in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` {reason}")]
pub struct ContactFault {
    /// The field.
    pub path: &'static str,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// How often and at which hours customers are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactPolicy {
    draft: Draft,
    version: Digest,
}

/// A policy as it is written, not yet looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Draft {
    /// An account is reached at most so often,
    pub at_most: u32,
    /// in any stretch of so many days.
    pub within_days: u32,
    /// When nobody is reached.
    pub quiet: Option<QuietHours>,
    /// Where customers are of whom that is not known.
    pub time_zone: Zone,
}

/// When the machine has reached the customer of an account, as far back as it matters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Contacts(Vec<Timestamp>);

impl Contacts {
    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The moments.
    pub fn iter(&self) -> impl Iterator<Item = Timestamp> {
        self.0.iter().copied()
    }
}

/// Something that goes out later, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Nothing is known that holds it back then.
    pub until: Timestamp,
    /// Why, in plain words.
    pub reason: String,
}

/// Whether a customer may be reached now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// They may.
    Go,
    /// Not yet.
    Hold(Held),
    /// They do not want to be: why, in plain words.
    Refuse(String),
}

/// All that it takes to judge whether the customer of an account may be reached.
#[derive(Debug, Clone, Copy)]
pub struct Door<'a> {
    /// The policy.
    pub policy: &'a ContactPolicy,
    /// When the customer was reached before.
    pub contacts: &'a Contacts,
}

impl ContactPolicy {
    /// Checks the policy and gives it its version. Names every fault at once.
    pub fn new(draft: Draft) -> Result<Self, Vec<ContactFault>> {
        let mut faults = Vec::new();
        let mut between = |path, value: u32, most: u32| {
            if value == 0 || value > most {
                faults.push(ContactFault { path, reason: format!("is {value}; give 1 to {most}") });
            }
        };
        between("at_most", draft.at_most, MAX_CONTACTS);
        between("within_days", draft.within_days, MAX_DAYS);
        if let Some(quiet) = draft.quiet.filter(|quiet| quiet.length() > SignedDuration::from_hours(MAX_QUIET_HOURS)) {
            let (from, until) = (quiet.from, quiet.until);
            let reason = format!("last from {from} until {until}; give at most {MAX_QUIET_HOURS} hours");
            faults.push(ContactFault { path: "quiet_hours", reason });
        }
        match Digest::of_json("contact", &draft) {
            Ok(version) if faults.is_empty() => return Ok(Self { draft, version }),
            Ok(_) => {}
            Err(error) => faults.push(ContactFault { path: "time_zone", reason: error.to_string() }),
        }
        Err(faults)
    }

    /// Follows from the content: another policy has another version.
    pub const fn version(&self) -> Digest {
        self.version
    }

    /// Judges. What it holds back until a moment it lets go at that moment, if nothing else was sent.
    pub fn judge(&self, wishes: &Wishes, contacts: &Contacts, now: Timestamp) -> Judgement {
        if wishes.opted_out {
            return Judgement::Refuse("the customer does not want to be reached".to_owned());
        }
        let room = self.room_from(contacts, now);
        let zone = wishes.time_zone.as_ref().unwrap_or(&self.draft.time_zone);
        let from = room.unwrap_or(now);
        let quiet = self.draft.quiet.and_then(|quiet| quiet.end(zone, from));
        let (at_most, days) = (self.draft.at_most, self.draft.within_days);
        let reason = match (room, quiet) {
            (None, None) => return Judgement::Go,
            (Some(_), _) => format!("the customer was reached {at_most} times within {days} days, which is the most"),
            (None, Some(_)) => format!("these are quiet hours in {}", zone.name()),
        };
        Judgement::Hold(Held { until: quiet.unwrap_or(from), reason })
    }

    /// Writes down that the customer is reached now.
    pub fn note(&self, contacts: &mut Contacts, now: Timestamp) {
        contacts.0.retain(|moment| self.counts_until(*moment) > now);
        contacts.0.push(now);
    }

    /// When there is room for another contact; nothing where there is now.
    fn room_from(&self, contacts: &Contacts, now: Timestamp) -> Option<Timestamp> {
        let mut ends: Vec<Timestamp> = contacts.iter().map(|moment| self.counts_until(moment)).collect();
        ends.retain(|end| *end > now);
        ends.sort_unstable();
        let most = usize::try_from(self.draft.at_most).unwrap_or(usize::MAX);
        ends.get(ends.len().checked_sub(most)?).copied()
    }

    fn counts_until(&self, moment: Timestamp) -> Timestamp {
        let days = SignedDuration::from_hours(24 * i64::from(self.draft.within_days));
        moment.checked_add(days).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hour(hour: i8) -> Time {
        Time::constant(hour, 0, 0, 0)
    }

    /// So often within a week, and not from eight in the evening to eight in the morning.
    pub(crate) fn policy(at_most: u32) -> ContactPolicy {
        let quiet = Some(QuietHours { from: hour(20), until: hour(8) });
        ContactPolicy::new(Draft { at_most, within_days: 7, quiet, time_zone: Zone::UTC }).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn in_zone(name: &str) -> Wishes {
        Wishes { opted_out: false, time_zone: Some(Zone::new(name).unwrap()) }
    }

    fn held(judgement: Judgement) -> Held {
        let Judgement::Hold(held) = judgement else { panic!("{judgement:?}") };
        held
    }

    #[test]
    fn a104_whoever_does_not_want_to_be_reached_is_not_whatever_else_holds() {
        let wishes = Wishes { opted_out: true, ..Wishes::default() };
        for moment in ["2026-11-22T12:00:00Z", "2026-11-22T23:00:00Z"] {
            for contacts in [Contacts::default(), Contacts(vec![at("2026-11-22T11:00:00Z")])] {
                let judged = policy(1).judge(&wishes, &contacts, at(moment));
                assert_eq!(judged, Judgement::Refuse("the customer does not want to be reached".into()));
            }
        }
    }

    #[test]
    fn a104_quiet_hours_are_those_of_the_customer() {
        let judge = |wishes: &Wishes, moment: &str| policy(1).judge(wishes, &Contacts::default(), at(moment));
        let noon = "2026-11-22T12:00:00Z";
        assert_eq!(judge(&Wishes::default(), noon), Judgement::Go);
        assert_eq!(judge(&in_zone("Asia/Tokyo"), noon).clone(), {
            let reason = "these are quiet hours in Asia/Tokyo".to_owned();
            Judgement::Hold(Held { until: at("2026-11-22T23:00:00Z"), reason })
        });
        assert_eq!(judge(&in_zone("Asia/Tokyo"), "2026-11-22T10:59:59Z"), Judgement::Go, "a second before eight");
        assert_eq!(held(judge(&in_zone("Asia/Tokyo"), "2026-11-22T11:00:00Z")).until, at("2026-11-22T23:00:00Z"));
        assert_eq!(held(judge(&in_zone("Asia/Tokyo"), "2026-11-22T22:59:59Z")).until, at("2026-11-22T23:00:00Z"));
        assert_eq!(judge(&in_zone("Asia/Tokyo"), "2026-11-22T23:00:00Z"), Judgement::Go, "eight in the morning");
    }

    #[test]
    fn a104_quiet_hours_end_by_the_clock_where_clocks_change() {
        let judge = |moment: &str| policy(1).judge(&in_zone("Europe/Berlin"), &Contacts::default(), at(moment));
        assert_eq!(held(judge("2027-03-27T22:00:00Z")).until, at("2027-03-28T06:00:00Z"), "an hour less of sleep");
        assert_eq!(held(judge("2026-10-24T22:00:00Z")).until, at("2026-10-25T07:00:00Z"), "an hour more");
    }

    #[test]
    fn a99_beyond_the_cap_it_waits_until_the_oldest_is_old_enough() {
        let contacts = Contacts(vec![at("2026-11-18T12:00:00Z"), at("2026-11-16T12:00:00Z")]);
        let judge = |at_most, moment: &str| policy(at_most).judge(&Wishes::default(), &contacts, at(moment));
        assert_eq!(judge(3, "2026-11-22T12:00:00Z"), Judgement::Go);
        let waits = held(judge(2, "2026-11-22T12:00:00Z"));
        assert_eq!(waits.until, at("2026-11-23T12:00:00Z"));
        assert_eq!(waits.reason, "the customer was reached 2 times within 7 days, which is the most");
        assert_eq!(judge(2, "2026-11-23T12:00:00Z"), Judgement::Go);
        assert_eq!(held(judge(1, "2026-11-22T12:00:00Z")).until, at("2026-11-25T12:00:00Z"));
    }

    #[test]
    fn a104_where_room_comes_in_quiet_hours_it_waits_for_their_end() {
        let contacts = Contacts(vec![at("2026-11-16T23:00:00Z")]);
        let waits = held(policy(1).judge(&Wishes::default(), &contacts, at("2026-11-22T12:00:00Z")));
        assert_eq!(waits.until, at("2026-11-24T08:00:00Z"));
    }

    #[test]
    fn every_fault_of_a_policy_is_named() {
        let quiet = Some(QuietHours { from: hour(8), until: hour(8) });
        let draft = Draft { at_most: 0, within_days: 401, quiet, time_zone: Zone::UTC };
        let faults = ContactPolicy::new(draft).unwrap_err();
        let paths: Vec<&str> = faults.iter().map(|fault| fault.path).collect();
        assert_eq!(paths, ["at_most", "within_days", "quiet_hours"]);
    }

    fn zones() -> impl Strategy<Value = Option<Zone>> {
        let names = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "Australia/Lord_Howe"];
        prop::option::of(prop::sample::select(names.to_vec()).prop_map(|name| Zone::new(name).unwrap()))
    }

    fn policies() -> impl Strategy<Value = ContactPolicy> {
        let quiet = (0..24_i8, 1..=16_i8).prop_map(|(from, hours)| {
            let until = (from + hours) % 24;
            QuietHours { from: hour(from), until: hour(until) }
        });
        (1..5_u32, 1..20_u32, prop::option::of(quiet)).prop_map(|(at_most, within_days, quiet)| {
            ContactPolicy::new(Draft { at_most, within_days, quiet, time_zone: Zone::UTC }).unwrap()
        })
    }

    proptest! {
        /// However many want to send and whenever they ask: never more within the days than the policy says, never in quiet
        /// hours, never to somebody who opted out; and what is held goes when it was said to.
        #[test]
        fn a99_a104_the_cap_and_the_quiet_hours_hold_for_all_who_ask(
            policy in policies(), zone in zones(), asked in prop::collection::vec((0..40_000_u32, prop::bool::weighted(0.1)), 1..120),
        ) {
            let mut now = at("2026-10-20T00:00:00Z");
            let (mut contacts, mut sent, mut wishes) = (Contacts::default(), Vec::new(), Wishes { opted_out: false, time_zone: zone });
            for (seconds, changes_mind) in asked {
                now += SignedDuration::from_secs(i64::from(seconds));
                wishes.opted_out ^= changes_mind;
                match policy.judge(&wishes, &contacts, now) {
                    Judgement::Go => {
                        prop_assert!(!wishes.opted_out);
                        policy.note(&mut contacts, now);
                        sent.push(now);
                    }
                    Judgement::Hold(held) => {
                        prop_assert!(!wishes.opted_out && held.until > now);
                        prop_assert_eq!(policy.judge(&wishes, &contacts, held.until), Judgement::Go);
                    }
                    Judgement::Refuse(_) => prop_assert!(wishes.opted_out),
                }
            }
            let days = SignedDuration::from_hours(24 * i64::from(policy.draft.within_days));
            let zone = wishes.time_zone.clone().unwrap_or(Zone::UTC);
            for first in &sent {
                let within = sent.iter().filter(|other| *first <= **other && **other < *first + days).count();
                prop_assert!(within <= usize::try_from(policy.draft.at_most).unwrap());
                prop_assert!(!policy.draft.quiet.is_some_and(|quiet| quiet.holds(zone.at(*first).time())));
            }
        }
    }
}
