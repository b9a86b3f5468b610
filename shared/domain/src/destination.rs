//! Where people are told, and who is told where: channels, services and mailboxes, and the routes that lead to them.
//!
//! Without a destination nobody is told and nothing leaves. A set of destinations is refused whole where a route leads
//! nowhere, a name says nothing or an address is none. One that no route leads to is for the steps that name it.

use crate::delivery::{Notice, Told};
use crate::escalation::Role;
use crate::id::{DestinationId, SourceId};
use crate::rate::{MAX_PER_MINUTE, RateLimit};
use crate::signal::Severity;
use std::collections::{BTreeMap, BTreeSet};

/// The most destinations: what one change tells all of them fits into one commit.
pub const MAX_DESTINATIONS: usize = 40;
/// The most routes.
pub const MAX_ROUTES: usize = 200;
/// The most people of one mail.
pub const MAX_MAILBOXES: usize = 50;

/// What kind of place it is, with what is needed to reach it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A signed webhook (Standard Webhooks).
    Webhook {
        /// Where it listens.
        url: String,
    },
    /// A channel in Slack.
    Slack {
        /// The channel's id.
        channel: String,
    },
    /// A service in PagerDuty, through its Events API v2.
    PagerDuty,
    /// A ServiceNow instance, through the import set of a staging table.
    ServiceNow {
        /// The instance.
        instance: String,
        /// The staging table, whose transform map coalesces on the correlation id.
        table: String,
    },
    /// A Salesforce organisation.
    Salesforce {
        /// The organisation's own domain.
        instance: String,
        /// The object whose records are made.
        object: String,
        /// Its field that is marked as external id and unique.
        external_id: String,
    },
    /// Mail, sent by SES.
    Email {
        /// The region of SES.
        region: String,
        /// Who sends it: an identity that SES has verified.
        from: String,
        /// Who gets it.
        to: Vec<String>,
    },
}

/// Who runs the clocks of what both sides know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SlaOwner {
    /// This system: it says when a clock runs out.
    Us,
    /// The destination: it is not told of our clocks.
    Them,
}

/// A place where people are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// What it is called.
    pub id: DestinationId,
    /// What it is.
    pub kind: Kind,
    /// The name of the secret that opens it. The secret itself is nowhere in the configuration.
    pub secret: Option<String>,
    /// How fast it may be asked.
    pub limit: RateLimit,
    /// The source under which its own news come in, where they do. It is not told what it said itself.
    pub source: Option<SourceId>,
    /// Who runs the clocks.
    pub sla_owner: SlaOwner,
}

impl Destination {
    /// Whether it keeps a record that is to follow what becomes of an escalation.
    pub const fn keeps_records(&self) -> bool {
        !matches!(self.kind, Kind::Slack { .. } | Kind::Email { .. })
    }

    /// Whether people read what it is told, as it stands.
    const fn is_read(&self) -> bool {
        matches!(self.kind, Kind::Slack { .. } | Kind::Email { .. } | Kind::Webhook { .. })
    }

    /// Whether it is to be told this: people are paged everywhere, what became of it concerns whoever keeps a record, and
    /// nobody is told what they said themselves.
    pub fn wants(&self, notice: &Notice) -> bool {
        match notice.told {
            Told::Page { .. } | Told::Effect { .. } => true,
            // In a record it is somebody's before and after.
            Told::HandedOver { .. } => self.is_read(),
            Told::Acknowledged { .. } | Told::Snoozed { .. } | Told::Resolved { .. } => {
                self.keeps_records() && (self.source.is_none() || self.source != notice.said_by)
            }
        }
    }
}

/// Who is told where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Route {
    /// These roles; all where none is named.
    pub roles: BTreeSet<Role>,
    /// Of these severities; all where none is named.
    pub severities: BTreeSet<Severity>,
    /// There.
    pub to: Vec<DestinationId>,
}

impl Route {
    fn leads(&self, role: Role, severity: Severity) -> bool {
        (self.roles.is_empty() || self.roles.contains(&role))
            && (self.severities.is_empty() || self.severities.contains(&severity))
    }
}

/// A fault of the destinations, with the path to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` {reason}")]
pub struct DestinationFault {
    /// Where.
    pub path: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// All destinations and the routes to them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Destinations {
    all: BTreeMap<DestinationId, Destination>,
    routes: Vec<Route>,
}

impl Destinations {
    /// Nobody is told.
    pub fn none() -> Self {
        Self::default()
    }

    /// Checks destinations and routes. Names every fault at once.
    pub fn new(all: Vec<Destination>, routes: Vec<Route>) -> Result<Self, Vec<DestinationFault>> {
        let mut faults = Vec::new();
        let mut fault = |path: String, reason: String| faults.push(DestinationFault { path, reason });
        if all.len() > MAX_DESTINATIONS {
            fault("destinations".into(), format!("are {}; give at most {MAX_DESTINATIONS}", all.len()));
        }
        if routes.len() > MAX_ROUTES {
            fault("routes".into(), format!("are {}; give at most {MAX_ROUTES}", routes.len()));
        }
        for destination in &all {
            check(destination, &mut fault);
        }
        let known: BTreeSet<&DestinationId> = all.iter().map(|destination| &destination.id).collect();
        for (index, route) in routes.iter().enumerate() {
            if route.to.is_empty() {
                fault(format!("routes[{index}].to"), "leads nowhere; name a destination".into());
            }
            for (place, to) in route.to.iter().enumerate().filter(|(_, to)| !known.contains(to)) {
                let names: Vec<&str> = known.iter().map(|id| id.as_str()).collect();
                let reason = format!("names `{to}`, which is no destination; there are: {}", names.join(", "));
                fault(format!("routes[{index}].to[{place}]"), reason);
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self { all: all.into_iter().map(|one| (one.id.clone(), one)).collect(), routes })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All of them, by name.
    pub fn all(&self) -> impl Iterator<Item = &Destination> {
        self.all.values()
    }

    /// One of them.
    pub fn get(&self, id: &DestinationId) -> Option<&Destination> {
        self.all.get(id)
    }

    /// Where a role is told of this severity, each once.
    pub fn of(&self, role: Role, severity: Severity) -> BTreeSet<&DestinationId> {
        self.routes.iter().filter(|route| route.leads(role, severity)).flat_map(|route| &route.to).collect()
    }
}

fn check(destination: &Destination, fault: &mut impl FnMut(String, String)) {
    let path = |field: &str| format!("destinations.{}.{field}", destination.id);
    let RateLimit { per_minute, burst } = destination.limit;
    if !(1..=MAX_PER_MINUTE).contains(&per_minute) {
        fault(path("per_minute"), format!("is {per_minute}; give 1 to {MAX_PER_MINUTE}"));
    }
    if burst == 0 || burst > per_minute.max(1) {
        fault(path("burst"), format!("is {burst}; give 1 to what `per_minute` says"));
    }
    match &destination.secret {
        Some(name) if is_name(name, "/_+=.@-") => {}
        Some(_) => fault(path("secret"), "is no name of a secret; give letters, digits and / _ + = . @ -".into()),
        // Mail is sent with the function's own rights.
        None if matches!(destination.kind, Kind::Email { .. }) => {}
        None => fault(path("secret"), "is missing; give the name under which the secret is kept".into()),
    }
    let mut name = |field: &str, text: &str, others: &str| {
        if !is_name(text, others) {
            fault(path(field), format!("`{text}` is no such name; give letters, digits and {others}"));
        }
    };
    match &destination.kind {
        Kind::Webhook { .. } | Kind::PagerDuty => {}
        Kind::Slack { channel } => name("channel", channel, "_-"),
        Kind::ServiceNow { table, .. } => name("table", table, "_"),
        Kind::Salesforce { object, external_id, .. } => {
            name("object", object, "_");
            name("external_id", external_id, "_");
        }
        Kind::Email { region, .. } => name("region", region, "-"),
    }
    match &destination.kind {
        Kind::Webhook { url } => check_address(path("url"), url, true, fault),
        Kind::ServiceNow { instance, .. } | Kind::Salesforce { instance, .. } => {
            check_address(path("instance"), instance, false, fault);
        }
        Kind::Email { from, to, .. } => {
            if to.is_empty() || to.len() > MAX_MAILBOXES {
                fault(path("to"), format!("names {} people; give 1 to {MAX_MAILBOXES}", to.len()));
            }
            let places = to.iter().enumerate().map(|(index, one)| (format!("to[{index}]"), one));
            for (field, mailbox) in places.chain([("from".to_owned(), from)]) {
                if !is_mailbox(mailbox) {
                    fault(path(&field), format!("`{mailbox}` is no address; write it as name@example.org"));
                }
            }
        }
        Kind::Slack { .. } | Kind::PagerDuty => {}
    }
}

fn is_name(text: &str, others: &str) -> bool {
    (1..=256).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

fn is_mailbox(text: &str) -> bool {
    let parts = text.split_once('@').filter(|(name, host)| !name.is_empty() && host.contains('.'));
    text.len() <= 254
        && parts.is_some_and(|(_, host)| !host.contains('@') && !host.starts_with('.') && !host.ends_with('.'))
        && text.chars().all(|c| c.is_ascii_graphic() && !"<>(),;:\"[]\\".contains(c))
}

/// Secrets go only where nobody listens in between: https, or http on the same machine, without a user name in the address.
fn check_address(path: String, text: &str, with_path: bool, fault: &mut impl FnMut(String, String)) {
    let on_this_machine =
        |rest: &&str| rest.split([':', '/', '?']).next().is_some_and(|host| ["127.0.0.1", "localhost"].contains(&host));
    let after = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://").filter(on_this_machine));
    let host = after.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let is_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:".contains(c));
    let is_plain = text.len() <= 2_000 && text.chars().all(|c| c.is_ascii_graphic()) && !text.contains('#');
    if !is_host || !is_plain {
        fault(path, format!("`{text}` is no address; write it as https://example.org, without a user name"));
    } else if !with_path && after != Some(host) {
        fault(path, format!("`{text}` has a path; give the host alone"));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn destination(id: &str, kind: Kind) -> Destination {
        Destination {
            id: DestinationId::new(id).unwrap(),
            kind,
            secret: Some(format!("cs-ops/{id}")),
            limit: RateLimit { per_minute: 60, burst: 60 },
            source: None,
            sla_owner: SlaOwner::Us,
        }
    }

    fn to(ids: &[&str]) -> Route {
        let to = ids.iter().map(|id| DestinationId::new(id).unwrap()).collect();
        Route { to, ..Route::default() }
    }

    #[test]
    fn a_route_leads_its_roles_and_severities_and_each_destination_is_named_once() {
        let all =
            vec![destination("pager", Kind::PagerDuty), destination("room", Kind::Slack { channel: "C1".into() })];
        let severe = Route { severities: [Severity::Critical].into(), ..to(&["pager", "room"]) };
        let executives = Route { roles: [Role::Executive].into(), ..to(&["pager"]) };
        let destinations = Destinations::new(all, vec![severe, executives]).unwrap();
        let names =
            |role, severity| destinations.of(role, severity).into_iter().map(DestinationId::as_str).collect::<Vec<_>>();
        assert_eq!(names(Role::Executive, Severity::Critical), ["pager", "room"]);
        assert_eq!(names(Role::Executive, Severity::Low), ["pager"]);
        assert_eq!(names(Role::Trainer, Severity::Low), Vec::<&str>::new());
    }

    #[test]
    fn http_is_for_this_machine_alone() {
        let faults = |url: &str| {
            let hook = destination("hook", Kind::Webhook { url: url.into() });
            Destinations::new(vec![hook], Vec::new()).map_or_else(|faults| faults.len(), |_| 0)
        };
        let good = ["https://hooks.example/x", "http://127.0.0.1:8080/x", "http://localhost/x", "http://localhost:1?x"];
        assert_eq!(good.map(faults), [0; 4]);
        let bad = [
            "http://hooks.example/x",
            "http://localhost.example/x",
            "http://me@127.0.0.1/x",
            "http://127.0.0.1@evil.example/x",
        ];
        assert_eq!(bad.map(faults), [1; 4]);
    }

    #[test]
    fn every_fault_is_named_at_once_with_its_path() {
        let mut hook = destination("hook", Kind::Webhook { url: "http://example.org/x".into() });
        hook.limit = RateLimit { per_minute: 0, burst: 0 };
        hook.secret = None;
        let desk = Kind::ServiceNow { instance: "https://me@desk.example".into(), table: "a b".into() };
        let mut desk = destination("desk", desk);
        desk.secret = Some("x y".into());
        let crm = Kind::Salesforce {
            instance: "https://crm.example/path".into(),
            object: "Case".into(),
            external_id: "Key__c".into(),
        };
        let mail = Kind::Email {
            region: "eu-central-1".into(),
            from: "ops".into(),
            to: vec!["a@b.example".into(), "<x@y.z>".into()],
        };
        let all = vec![hook, desk, destination("crm", crm), destination("mail", mail)];
        let routes = vec![to(&["hook", "desk", "crm", "nowhere"]), to(&[])];
        let faults = Destinations::new(all, routes).unwrap_err();
        let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        let expected = [
            "destinations.hook.per_minute",
            "destinations.hook.burst",
            "destinations.hook.secret",
            "destinations.hook.url",
            "destinations.desk.secret",
            "destinations.desk.table",
            "destinations.desk.instance",
            "destinations.crm.instance",
            "destinations.mail.to[1]",
            "destinations.mail.from",
            "routes[0].to[3]",
            "routes[1].to",
        ];
        assert_eq!(paths, expected);
    }
}
