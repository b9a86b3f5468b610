//! The list of active escalations, and what happened to one of them.

use crate::Plan;
use crate::history::{self, Histories};
use contract::escalate::{ActiveEscalations, EscalationItem, EscalationLine, EscalationTimeline};
use contract::problem::Fault;
use domain::id::EscalationId;
use domain::signal::Severity;
use jiff::Timestamp;
use platform::function::Ports;
use platform::http::{Caller, Problem, Request, Response};
use platform::keys;
use platform::table::{self, Range};

/// The most escalations in one answer.
const MAX_PAGE: usize = 100;
/// The most active escalations that are put in order.
const MAX_LISTED: usize = 10_000;

/// Where an escalation stands in the list: the next to breach first, then those without a clock; the worst first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    no_clock: bool,
    breach_at: Option<Timestamp>,
    severity: Severity,
    escalation: String,
}

impl Place {
    fn of(item: &EscalationItem) -> Self {
        Self {
            no_clock: item.breach_at.is_none(),
            breach_at: item.breach_at,
            severity: item.severity,
            escalation: item.escalation.clone(),
        }
    }

    /// As the cursor says it.
    fn written(&self) -> String {
        let breach_at = self.breach_at.map_or_else(|| "none".to_owned(), |at| at.to_string());
        format!("{breach_at}~{}~{}", self.severity.name(), self.escalation)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '~');
        let (breach_at, severity, escalation) = (parts.next()?, parts.next()?, parts.next()?);
        let breach_at = if breach_at == "none" { None } else { Some(breach_at.parse().ok()?) };
        let severity = Severity::ALL.into_iter().find(|known| known.name() == severity)?;
        Some(Self { no_clock: breach_at.is_none(), breach_at, severity, escalation: escalation.to_owned() })
    }
}

/// `GET /escalations/active`.
pub async fn active(ports: &Ports, plan: &Plan, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let now = ports.clock.now();
    let behind = read_cursor(request)?;
    let mut all = Vec::new();
    let mut range = Range::prefix(keys::tenant_partition(&caller.tenant, "ESCALATION"), "");
    loop {
        let page = ports.table.query(&range).await?;
        for item in &page.items {
            all.extend(Some(table::read::<EscalationItem>(item)?).filter(|item| is_wanted(item, request)));
        }
        if all.len() > MAX_LISTED {
            // A part of them would leave out some that breach next.
            let detail = format!("there are more than {MAX_LISTED}; ask by severity, status or account");
            return Err(Problem::invalid(detail, Vec::new()));
        }
        match page.next {
            Some(next) => range.after = Some(next),
            None => break,
        }
    }
    let mut placed: Vec<(Place, EscalationItem)> = all.into_iter().map(|item| (Place::of(&item), item)).collect();
    placed.retain(|(place, _)| behind.as_ref().is_none_or(|behind| place > behind));
    placed.sort_by(|(one, _), (other, _)| one.cmp(other));
    let more = placed.len() > MAX_PAGE;
    placed.truncate(MAX_PAGE);
    let cursor = placed.last().filter(|_| more).map(|(place, _)| place.written());
    let items: Vec<EscalationItem> = placed.into_iter().map(|(_, item)| item).collect();
    let histories = Histories::read(ports, &caller.tenant, &items).await?;
    let escalations = history::foreseen(items, plan, &histories, now);
    Response::json(200, &ActiveEscalations { as_of: now, escalations, calibration: histories.calibration(), cursor })
}

fn is_wanted(item: &EscalationItem, request: &Request) -> bool {
    let wanted = |name: &str, value: &str| request.query.get(name).is_none_or(|wanted| wanted == value);
    let involved = |person: &String| {
        let to = item.route.as_ref().and_then(|route| route.person.as_ref());
        [item.by.as_ref(), item.handed_to.as_ref(), to].contains(&Some(person))
            || item.told.iter().any(|told| told.person == *person)
    };
    item.status != "resolved"
        && wanted("status", &item.status)
        && wanted("account", &item.account)
        && wanted("severity", item.severity.name())
        && wanted("tier", &item.tier.to_string())
        && wanted("channel", item.channel.as_deref().unwrap_or_default())
        && request.query.get("person").is_none_or(involved)
}

fn read_cursor(request: &Request) -> Result<Option<Place>, Problem> {
    let fault = || {
        Problem::invalid(
            "the cursor is not one of ours",
            vec![Fault::new("cursor", "give the `cursor` of the page before, or none")],
        )
    };
    request.query.get("cursor").map(|cursor| Place::read(cursor).ok_or_else(fault)).transpose()
}

/// `GET /escalations/{id}/timeline`.
pub async fn timeline(ports: &Ports, plan: &Plan, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let name = request.parameters.get("id").map(String::as_str).unwrap_or_default();
    let not_found = || Problem::not_found("escalation", name);
    let id = EscalationId::new(name).map_err(|_| not_found())?;
    let item = ports.table.get(&keys::escalation_index(&caller.tenant, &id)).await?.ok_or_else(not_found)?;
    let now = ports.clock.now();
    let items = vec![table::read::<EscalationItem>(&item)?];
    let histories = Histories::read(ports, &caller.tenant, &items).await?;
    let escalation = history::foreseen(items, plan, &histories, now).pop().ok_or_else(not_found)?;
    let range = Range::prefix(keys::escalation_log_partition(&caller.tenant, &id), "")
        .newest_first()
        .limit(MAX_PAGE)
        .after(request.query.get("cursor").cloned());
    let page = ports.table.query(&range).await?;
    let mut lines = Vec::new();
    for item in &page.items {
        let mut of_a_change: Vec<EscalationLine> = table::read(item)?;
        of_a_change.reverse();
        lines.extend(of_a_change);
    }
    Response::json(200, &EscalationTimeline { as_of: now, escalation, lines, cursor: page.next })
}
