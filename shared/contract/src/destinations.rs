//! The destinations file: YAML that becomes [`domain::destination::Destinations`], or says everything that is wrong with
//! it. It holds the names of secrets, never a secret.

use crate::document;
use crate::problem::Fault;
use domain::destination::{Destination, Destinations, Kind, Route, SlaOwner};
use domain::escalation::Role;
use domain::id::{DestinationId, SourceId};
use domain::rate::RateLimit;
use domain::signal::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The destinations that hold where none were given: none.
pub const DEFAULT: &str = include_str!("../defaults/destinations.yaml");

/// How often a destination is asked in a minute where nothing else is said.
const PER_MINUTE: u32 = 60;

/// The destinations that hold where none were given.
pub fn built_in() -> Result<Destinations, Vec<Fault>> {
    document::built_in::<DestinationsFile>(include_str!(concat!(env!("OUT_DIR"), "/destinations.json")))?.try_into()
}

/// Reads destinations that are given as JSON of the file's shape, as a deployment gives them. As [`read`], of a file.
pub fn read_json(text: &str) -> Result<Destinations, Vec<Fault>> {
    let value = serde_json::from_str(text).map_err(|error| vec![Fault::new("", error.to_string())])?;
    document::shape::<DestinationsFile>("", value).map_err(|fault| vec![fault])?.try_into()
}

/// Reads a destinations file. Content that is wrong is named all at once; where the file has not the shape of one, the
/// first place where it has not.
#[cfg(feature = "yaml")]
pub fn read(text: &str) -> Result<Destinations, Vec<Fault>> {
    document::yaml::<DestinationsFile>(text)?.try_into()
}

/// A destinations file as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DestinationsFile {
    /// Where people are told, by name.
    #[schemars(with = "BTreeMap<String, DestinationFile>")]
    pub destinations: BTreeMap<DestinationId, DestinationFile>,
    /// Who is told where, by steps that name no destination of their own. All routes that fit are taken.
    #[serde(default)]
    pub routes: Vec<RouteFile>,
}

/// A place where people are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DestinationFile {
    /// A signed webhook (Standard Webhooks). Its secret is `whsec_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookFile>,
    /// A channel in Slack. Its secret is a bot's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack: Option<SlackFile>,
    /// A service in PagerDuty. Its secret is the integration key of the Events API v2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pagerduty: Option<PagerDutyFile>,
    /// A ServiceNow instance. Its secret is `user:password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub servicenow: Option<ServiceNowFile>,
    /// A Salesforce organisation. Its secret is `{"client_id": …, "client_secret": …}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salesforce: Option<SalesforceFile>,
    /// Mail, sent by SES with the function's own rights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailFile>,
    /// The name under which the secret is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// How often it may be asked in a minute; 60 where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_minute: Option<u32>,
    /// How often at once; a minute's worth where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
    /// The source under which its own news come in, where they do: it is not told what it said itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub source: Option<SourceId>,
    /// Who runs the clocks of what both sides know: `us`, or `them`, who then are not told of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sla_owner: Option<SlaOwnerFile>,
}

/// A signed webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookFile {
    /// Where it listens: https, or http on the same machine.
    pub url: String,
}

/// A channel in Slack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlackFile {
    /// The channel's id: `C012AB3CD`.
    pub channel: String,
}

/// A service in PagerDuty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PagerDutyFile {}

/// A ServiceNow instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceNowFile {
    /// The instance: `https://example.service-now.com`.
    pub instance: String,
    /// The staging table, whose transform map coalesces on `u_correlation_id`.
    pub table: String,
}

/// A Salesforce organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SalesforceFile {
    /// The organisation's own domain: `https://example.my.salesforce.com`.
    pub instance: String,
    /// The object whose records are made: `Escalation__c`.
    pub object: String,
    /// Its field that is marked as external id and unique: `Cs_Ops_Id__c`.
    pub external_id: String,
}

/// Mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailFile {
    /// The region of SES.
    pub region: String,
    /// Who sends it: an identity that SES has verified.
    pub from: String,
    /// Who gets it.
    pub to: Vec<String>,
}

/// Who runs the clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlaOwnerFile {
    /// This system.
    Us,
    /// The destination.
    Them,
}

/// Who is told where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteFile {
    /// These roles, such as `support_engineer`; all where none is named.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub roles: BTreeSet<Role>,
    /// Of these severities; all where none is named.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub severities: BTreeSet<Severity>,
    /// There.
    #[schemars(with = "Vec<String>")]
    pub to: Vec<DestinationId>,
}

impl TryFrom<DestinationsFile> for Destinations {
    type Error = Vec<Fault>;
    fn try_from(file: DestinationsFile) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let all = file.destinations.into_iter().filter_map(|(id, file)| destination(id, file, &mut faults)).collect();
        let route = |RouteFile { roles, severities, to }| Route { roles, severities, to };
        // A destination that could not be read is missing: what the routes say of it is told once it can be.
        if !faults.is_empty() {
            return Err(faults);
        }
        let made = Self::new(all, file.routes.into_iter().map(route).collect());
        made.map_err(|faults| faults.into_iter().map(|fault| Fault::new(fault.path, fault.reason)).collect())
    }
}

fn destination(id: DestinationId, file: DestinationFile, faults: &mut Vec<Fault>) -> Option<Destination> {
    let DestinationFile { webhook, slack, pagerduty, servicenow, salesforce, email, .. } = file;
    let kinds = [
        webhook.map(|WebhookFile { url }| Kind::Webhook { url }),
        slack.map(|SlackFile { channel }| Kind::Slack { channel }),
        pagerduty.map(|PagerDutyFile {}| Kind::PagerDuty),
        servicenow.map(|ServiceNowFile { instance, table }| Kind::ServiceNow { instance, table }),
        salesforce.map(|SalesforceFile { instance, object, external_id }| Kind::Salesforce {
            instance,
            object,
            external_id,
        }),
        email.map(|EmailFile { region, from, to }| Kind::Email { region, from, to }),
    ];
    let mut kinds = kinds.into_iter().flatten();
    let (Some(kind), None) = (kinds.next(), kinds.next()) else {
        let reason = "is to be one of webhook, slack, pagerduty, servicenow, salesforce and email";
        faults.push(Fault::new(format!("destinations.{id}"), reason));
        return None;
    };
    let per_minute = file.per_minute.unwrap_or(PER_MINUTE);
    Some(Destination {
        id,
        kind,
        secret: file.secret,
        limit: RateLimit { per_minute, burst: file.burst.unwrap_or(per_minute) },
        source: file.source,
        sla_owner: match file.sla_owner {
            Some(SlaOwnerFile::Them) => SlaOwner::Them,
            Some(SlaOwnerFile::Us) | None => SlaOwner::Us,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL_KINDS: &str = "
destinations:
  hook: { webhook: { url: https://hooks.example/x }, secret: cs-ops/hook, per_minute: 120, burst: 10 }
  room: { slack: { channel: C012AB3CD }, secret: cs-ops/slack }
  pager: { pagerduty: {}, secret: cs-ops/pager }
  desk:
    servicenow: { instance: https://desk.example, table: u_cs_ops }
    secret: cs-ops/desk
    source: servicenow
    sla_owner: them
  crm:
    salesforce: { instance: https://crm.example, object: Escalation__c, external_id: Cs_Ops_Id__c }
    secret: cs-ops/crm
  mail: { email: { region: eu-central-1, from: ops@example.org, to: [vp@example.org] } }
routes:
  - { roles: [support_engineer], severities: [critical], to: [pager, room] }
  - { to: [hook, desk, crm, mail] }
";

    #[test]
    fn by_default_nobody_is_told_and_nothing_leaves() {
        assert!(built_in().unwrap().is_empty());
        assert_eq!(read(DEFAULT).unwrap(), built_in().unwrap(), "made into JSON and back");
    }

    #[test]
    fn a17_every_kind_of_destination_is_read() {
        let destinations = read(ALL_KINDS).unwrap();
        assert_eq!(destinations.all().count(), 6);
        let get = |id: &str| destinations.get(&DestinationId::new(id).unwrap()).unwrap();
        assert_eq!(get("hook").limit, RateLimit { per_minute: 120, burst: 10 });
        assert_eq!(get("room").limit, RateLimit { per_minute: 60, burst: 60 });
        assert_eq!((get("desk").sla_owner, get("crm").sla_owner), (SlaOwner::Them, SlaOwner::Us));
        assert_eq!(destinations.of(Role::SupportEngineer, Severity::Critical).len(), 6);
    }

    #[test]
    fn routes_may_be_left_out_for_what_steps_name_themselves() {
        let destinations = read("destinations: { pager: { pagerduty: {}, secret: s } }").unwrap();
        assert_eq!(destinations.all().count(), 1);
        assert_eq!(destinations.of(Role::SupportEngineer, Severity::Critical).len(), 0);
    }

    #[test]
    fn every_fault_is_named_with_its_path() {
        let paths = |text: &str| read(text).unwrap_err().into_iter().map(|fault| fault.path).collect::<Vec<_>>();
        let two = "destinations:\n  a: { pagerduty: {}, slack: { channel: C1 }, secret: s }\n  b: {}\nroutes: []";
        assert_eq!(paths(two), ["destinations.a", "destinations.b"]);
        let wrong = ALL_KINDS.replace("[pager, room]", "[pager, roam]").replace("https://hooks", "http://hooks");
        assert_eq!(paths(&wrong), ["destinations.hook.url", "routes[0].to[1]"]);
        assert!(paths(&ALL_KINDS.replace("[critical]", "[bad]"))[0].starts_with("routes[0].severities"));
    }
}
