//! The keys of the table. The tenant leads every key but the list of tenants itself; there is no way to build another.
//!
//! Every item has one writer, named beside its constructor. Functions may read the `state#…` items of an account, which
//! lie together so that one query brings them all.

use domain::day::Day;
use domain::delivery::Notice;
use domain::digest::Digest;
use domain::id::{
    AccountId, CaseId, CauseId, CtaId, DestinationId, EscalationId, ExecutionId, ExperimentId, PersonId, SegmentId,
    SourceId, TenantId,
};
use domain::signal::Severity;
use domain::sla::ClockKind;
use jiff::Timestamp;

/// A partition and a place in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The partition.
    pub pk: String,
    /// The place in the partition; items of a partition are ordered by it.
    pub sk: String,
}

/// How many shards the portfolio of a tenant has.
pub const PORTFOLIO_SHARDS: u32 = 16;

/// What begins with this prefix: the places of all of an account's working state.
pub const STATE: &str = "state#";
/// What begins with this prefix: the places of an account's support cases.
pub const CASES: &str = "case#";
/// The place of the account's description.
pub const PROFILE: &str = "state#account";
/// The place of the account's rolling series.
pub const SERIES: &str = "state#series";
/// The place of the account's health.
pub const HEALTH: &str = "state#health";

/// The partition of an account.
pub fn account(tenant: &TenantId, account: &AccountId) -> String {
    format!("T#{tenant}#A#{account}")
}

fn of_account(tenant: &TenantId, id: &AccountId, sk: impl Into<String>) -> Key {
    Key { pk: account(tenant, id), sk: sk.into() }
}

/// The account's description. Writer: ingest.
pub fn profile(tenant: &TenantId, account: &AccountId) -> Key {
    of_account(tenant, account, PROFILE)
}

/// The account's rolling series. Writer: ingest.
pub fn series(tenant: &TenantId, account: &AccountId) -> Key {
    of_account(tenant, account, SERIES)
}

/// The account's health. Writer: score.
pub fn health(tenant: &TenantId, account: &AccountId) -> Key {
    of_account(tenant, account, HEALTH)
}

/// The account's episodes and their calls to action. Writer: trigger.
pub fn episodes(tenant: &TenantId, account: &AccountId) -> Key {
    of_account(tenant, account, EPISODES)
}

/// The place of the account's episodes.
pub const EPISODES: &str = "state#episodes";

/// The account's running executions of playbooks. Writer: trigger.
pub fn executions(tenant: &TenantId, account: &AccountId) -> Key {
    of_account(tenant, account, "state#executions")
}

/// The account's escalations. Writer: escalate.
pub fn escalations(tenant: &TenantId, account: &AccountId) -> Key {
    of_account(tenant, account, "state#escalations")
}

/// Who looks after the account. Writer: escalate.
pub fn allocation(tenant: &TenantId, account: &AccountId) -> Key {
    of_account(tenant, account, "allocation")
}

/// What somebody looks after in a role. Writer: escalate.
pub fn load(tenant: &TenantId, role: &str, person: &PersonId) -> Key {
    Key { pk: load_partition(tenant, role), sk: person.to_string() }
}

/// The partition of what everybody of a role looks after.
pub fn load_partition(tenant: &TenantId, role: &str) -> String {
    tenant_partition(tenant, &format!("LOAD#{role}"))
}

/// The signals of one day. Writer: ingest.
pub fn signal_page(tenant: &TenantId, account: &AccountId, day: Day) -> Key {
    of_account(tenant, account, format!("signal#{day}"))
}

/// A support case. Writer: ingest.
pub fn case(tenant: &TenantId, account: &AccountId, case: &CaseId) -> Key {
    of_account(tenant, account, format!("{CASES}{case}"))
}

/// A score as it was: by its time, then by the place of its decision in the chain. Writer: score.
pub fn score_history(tenant: &TenantId, account: &AccountId, at: Timestamp, sequence: u64) -> Key {
    of_account(tenant, account, format!("score#{}#{sequence:012}", time(at)))
}

/// A past moment scored anew, beside what was scored then and what was found of it before. Writer: score.
pub fn rescore(tenant: &TenantId, account: &AccountId, at: Timestamp, cause: &CauseId) -> Key {
    of_account(tenant, account, format!("rescore#{}#{cause}", time(at)))
}

/// A decision, chained to the one before. `chain` is the deciding function. Writer: that function.
pub fn audit(tenant: &TenantId, account: &AccountId, chain: &str, sequence: u64) -> Key {
    of_account(tenant, account, format!("audit#{chain}#{sequence:012}"))
}

/// A line of the account's timeline. Writer: report.
pub fn timeline(tenant: &TenantId, account: &AccountId, at: Timestamp, event: &CauseId) -> Key {
    of_account(tenant, account, format!("timeline#{}#{event}", time(at)))
}

/// The partition of one shard of the portfolio: its places are account ids. Writer: ingest.
pub fn shard(tenant: &TenantId, shard: u32) -> String {
    format!("T#{tenant}#SHARD#{shard:02}")
}

/// Where an account stands in its shard. Writer: ingest.
pub fn shard_entry(tenant: &TenantId, account: &AccountId) -> Key {
    Key { pk: shard(tenant, shard_of(account)), sk: account.to_string() }
}

/// The shard of an account: FNV-1a of its id, the same on every machine.
pub fn shard_of(account: &AccountId) -> u32 {
    let hash =
        account.as_str().bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash % PORTFOLIO_SHARDS
}

/// The partition of the due work in one hour. Writer: escalate.
pub fn due_bucket(tenant: &TenantId, hour: i64) -> String {
    format!("T#{tenant}#DUE#{hour:010}")
}

/// The hour in which a moment lies.
pub fn hour_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(3600)
}

/// One piece of due work. Writer: escalate.
pub fn due(tenant: &TenantId, at: Timestamp, account: &AccountId, escalation: &EscalationId) -> Key {
    Key { pk: due_bucket(tenant, hour_of(at)), sk: format!("{}#{account}#{escalation}", time(at)) }
}

/// The oldest hour that may still hold due work. Writer: escalate.
pub fn due_cursor(tenant: &TenantId) -> Key {
    of_tenant(tenant, "DUE", "cursor")
}

/// How a destination is, and what is told of it. Writer: escalate.
pub fn destination(tenant: &TenantId, destination: &DestinationId) -> Key {
    of_tenant(tenant, "DESTINATION", destination.to_string())
}

/// The partition of what waits for a destination, the next to be tried first; what is urgent has its own. Writer: escalate.
pub fn outbox_partition(tenant: &TenantId, destination: &DestinationId, urgent: bool) -> String {
    let lane = if urgent { "urgent" } else { "standard" };
    tenant_partition(tenant, &format!("OUTBOX#{destination}#{lane}"))
}

/// A message that waits for a destination. Writer: escalate.
pub fn outbox(notice: &Notice, due: Timestamp) -> Key {
    let pk = outbox_partition(&notice.tenant, &notice.destination, notice.is_urgent());
    Key { pk, sk: format!("{}#{}", time(due), notice.id()) }
}

/// What a destination was told of one of its records: an escalation or an effect. Writer: escalate.
pub fn thread(tenant: &TenantId, destination: &DestinationId, record: &str) -> Key {
    of_tenant(tenant, &format!("TOLD#{destination}"), record)
}

/// A message that was given up. Writer: escalate.
pub fn given_up(tenant: &TenantId, message: &str) -> Key {
    of_tenant(tenant, "UNDELIVERED", message.to_owned())
}

/// A key in a named partition of the tenant: runs, read models, quarantine and the like.
pub fn of_tenant(tenant: &TenantId, partition: &str, sk: impl Into<String>) -> Key {
    Key { pk: tenant_partition(tenant, partition), sk: sk.into() }
}

/// A named partition of the tenant.
pub fn tenant_partition(tenant: &TenantId, partition: &str) -> String {
    format!("T#{tenant}#{partition}")
}

/// A scorecard by which something was scored, named by its content. Writer: score.
pub fn scorecard(tenant: &TenantId, hash: Digest) -> Key {
    of_tenant(tenant, "SCORECARD", hash.to_string())
}

/// One shard of the ledger: what was predicted of accounts, and what happened to them. Writer: score.
pub fn ledger(tenant: &TenantId, shard: u32) -> String {
    tenant_partition(tenant, &format!("LEDGER#{shard:02}"))
}

/// What begins with this prefix in the ledger: what was predicted.
pub const PREDICTIONS: &str = "prediction#";
/// What begins with this prefix in the ledger: what happened.
pub const OUTCOMES: &str = "outcome#";

/// What was predicted of an account on a day. Writer: score.
pub fn prediction(tenant: &TenantId, account: &AccountId, kind: &str, day: Day) -> Key {
    Key { pk: ledger(tenant, shard_of(account)), sk: format!("{PREDICTIONS}{account}#{kind}#{day}") }
}

/// What happened to an account on a day. Writer: score.
pub fn outcome(tenant: &TenantId, account: &AccountId, kind: &str, day: Day) -> Key {
    Key { pk: ledger(tenant, shard_of(account)), sk: format!("{OUTCOMES}{account}#{kind}#{day}") }
}

/// A scorecard's dry run. Writer: score.
pub fn scorecard_dry_run(tenant: &TenantId, id: &CauseId) -> Key {
    of_tenant(tenant, "SCORECARD-DRY-RUN", id.to_string())
}

/// Which rules hold for a tenant, and which of them are held. Writer: trigger.
pub fn rulebook(tenant: &TenantId) -> Key {
    of_tenant(tenant, "RULES", "book".to_owned())
}

/// A set of rules that was activated, named by its content. Writer: trigger.
pub fn rule_set(tenant: &TenantId, version: Digest) -> Key {
    of_tenant(tenant, "RULES", format!("set#{version}"))
}

/// A dry run of rules. Writer: trigger.
pub fn rules_dry_run(tenant: &TenantId, id: &CauseId) -> Key {
    of_tenant(tenant, "RULES-DRY-RUN", id.to_string())
}

/// How much each rule opened in a shard of the portfolio lately. Writer: trigger.
pub fn openings(tenant: &TenantId, shard: u32) -> Key {
    of_tenant(tenant, "RULE-OPENINGS", format!("{shard:02}"))
}

/// A scheduled run of a function. Writer: that function.
pub fn run(tenant: &TenantId, function: &str, run: &str) -> Key {
    of_tenant(tenant, &format!("RUN#{function}"), run)
}

/// Which run of a function is under way. Writer: that function.
pub fn run_lock(tenant: &TenantId, function: &str) -> Key {
    // No run is called like this: a run's name holds the moment of its slot.
    run(tenant, function, "lock")
}

/// A record that was refused. Writer: ingest.
pub fn quarantine(tenant: &TenantId, id: &CauseId) -> Key {
    of_tenant(tenant, "QUARANTINE", id.to_string())
}

/// The partition of refused records.
pub fn quarantine_partition(tenant: &TenantId) -> String {
    tenant_partition(tenant, "QUARANTINE")
}

/// A source over all accounts, as the last watch found it. Writer: ingest.
pub fn source(tenant: &TenantId, source: &SourceId) -> Key {
    of_tenant(tenant, "SOURCE", source.to_string())
}

/// The partition of the sources.
pub fn source_partition(tenant: &TenantId) -> String {
    tenant_partition(tenant, "SOURCE")
}

/// Where a call to action is found by its id. Writer: trigger.
pub fn cta_index(tenant: &TenantId, cta: &CtaId) -> Key {
    of_tenant(tenant, "CTA", cta.to_string())
}

/// That an account is in a segment. Writer: trigger.
pub fn segment_member(tenant: &TenantId, segment: &SegmentId, account: &AccountId) -> Key {
    Key { pk: audience_partition(tenant, segment), sk: account.to_string() }
}

/// The partition of the accounts that are in a segment.
pub fn audience_partition(tenant: &TenantId, segment: &SegmentId) -> String {
    tenant_partition(tenant, &format!("SEGMENT#{segment}"))
}

/// That an account was exposed to an experiment. Writer: trigger.
pub fn exposure(tenant: &TenantId, experiment: &ExperimentId, account: &AccountId) -> Key {
    Key { pk: exposure_partition(tenant, experiment), sk: account.to_string() }
}

/// The partition of the accounts that were exposed to an experiment.
pub fn exposure_partition(tenant: &TenantId, experiment: &ExperimentId) -> String {
    tenant_partition(tenant, &format!("EXPERIMENT#{experiment}"))
}

/// Where an execution is found by its id. Writer: trigger.
pub fn execution_index(tenant: &TenantId, execution: &ExecutionId) -> Key {
    of_tenant(tenant, "EXECUTION", execution.to_string())
}

/// The changes of an execution up to the one with this number, from behind the entry before. Writer: trigger.
pub fn execution_log(tenant: &TenantId, execution: &ExecutionId, last: u64) -> Key {
    of_tenant(tenant, &format!("EXECUTION_LOG#{execution}"), format!("{last:012}"))
}

/// A playbook by which something runs, named by its content. Writer: trigger.
pub fn playbook(tenant: &TenantId, hash: Digest) -> Key {
    of_tenant(tenant, "PLAYBOOK", hash.to_string())
}

/// One of the places of those who work on executions. Writer: trigger.
pub fn workflow_slot(tenant: &TenantId, number: usize) -> Key {
    of_tenant(tenant, "WORKFLOW_SLOT", format!("{number:04}"))
}

/// Where an escalation is found by its id. Writer: escalate.
pub fn escalation_index(tenant: &TenantId, escalation: &EscalationId) -> Key {
    of_tenant(tenant, "ESCALATION", escalation.to_string())
}

/// What a change of an escalation came to, by the place of its decision in the account's chain. Writer: escalate.
pub fn escalation_log(tenant: &TenantId, escalation: &EscalationId, sequence: u64) -> Key {
    Key { pk: escalation_log_partition(tenant, escalation), sk: format!("{sequence:012}") }
}

/// The partition of what happened to an escalation.
pub fn escalation_log_partition(tenant: &TenantId, escalation: &EscalationId) -> String {
    tenant_partition(tenant, &format!("ESCALATION_LOG#{escalation}"))
}

/// That somebody has a case. Writer: escalate.
pub fn open_case(tenant: &TenantId, person: &PersonId, escalation: &EscalationId) -> Key {
    Key { pk: open_case_partition(tenant), sk: format!("{person}#{escalation}") }
}

/// The partition of who has which case.
pub fn open_case_partition(tenant: &TenantId) -> String {
    tenant_partition(tenant, "OPEN_CASE")
}

/// A clock that has stopped. Writer: escalate.
pub fn sla_history(
    tenant: &TenantId,
    clock: ClockKind,
    severity: Severity,
    at: Timestamp,
    escalation: &EscalationId,
) -> Key {
    Key { pk: sla_history_partition(tenant, clock, severity), sk: format!("{}#{escalation}", time(at)) }
}

/// The partition of the clocks of a kind and a severity that have stopped.
pub fn sla_history_partition(tenant: &TenantId, clock: ClockKind, severity: Severity) -> String {
    tenant_partition(tenant, &format!("SLA_HISTORY#{}#{}", clock.name(), severity.name()))
}

/// An account's row in the portfolio's read model. Writer: report.
pub fn portfolio_row(tenant: &TenantId, account: &AccountId) -> Key {
    of_tenant(tenant, "PORTFOLIO", account.to_string())
}

/// The partition of the portfolio's read model.
pub fn portfolio_partition(tenant: &TenantId) -> String {
    tenant_partition(tenant, "PORTFOLIO")
}

/// What the analytics keep of an account. Writer: report.
pub fn story(tenant: &TenantId, account: &AccountId) -> Key {
    of_tenant(tenant, "STORY", account.to_string())
}

/// The partition of what the analytics keep.
pub fn story_partition(tenant: &TenantId) -> String {
    tenant_partition(tenant, "STORY")
}

/// What people said of an account to proposals, to the customer and of references. Writer: report.
pub fn replies(tenant: &TenantId, account: &AccountId) -> Key {
    of_tenant(tenant, "REPLIES", account.to_string())
}

/// The partition of what people said.
pub fn replies_partition(tenant: &TenantId) -> String {
    tenant_partition(tenant, "REPLIES")
}

/// Which roles were last found to be fuller than is good. Writer: report.
pub fn capacity_watch(tenant: &TenantId) -> Key {
    of_tenant(tenant, "CAPACITY", "watch")
}

/// A fact about an account that has no line in its timeline, as it came. Writer: report.
pub fn kept_fact(tenant: &TenantId, account: &AccountId, at: Timestamp, event: &CauseId) -> Key {
    of_account(tenant, account, format!("fact#{}#{event}", time(at)))
}

/// How a function answered on a day. Writer: the edge of that function.
pub fn answers(tenant: &TenantId, day: Day, function: &str) -> Key {
    Key { pk: answers_partition(tenant), sk: format!("{day}#{function}") }
}

/// The partition of how functions answered.
pub fn answers_partition(tenant: &TenantId) -> String {
    tenant_partition(tenant, "ANSWERS")
}

/// The answer to a request with an `Idempotency-Key`. Writer: the edge of the function that was asked.
pub fn idempotency(tenant: &TenantId, function: &str, key: &str) -> Key {
    of_tenant(tenant, &format!("IDEMPOTENCY#{function}"), key)
}

/// The partition that lists the tenants: the only one that no tenant leads.
pub const TENANTS: &str = "TENANTS";

/// A tenant's place in the list. Writer: ingest.
pub fn tenant_entry(tenant: &TenantId) -> Key {
    Key { pk: TENANTS.to_owned(), sk: tenant.to_string() }
}

/// A moment as a part of a key: fixed width, so that text order is time order.
pub fn time(at: Timestamp) -> String {
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a1_every_key_is_led_by_its_tenant() {
        let (tenant, id) = (TenantId::new("t1").unwrap(), AccountId::new("acme").unwrap());
        for key in [profile(&tenant, &id), shard_entry(&tenant, &id), due_cursor(&tenant), portfolio_row(&tenant, &id)]
        {
            assert!(key.pk.starts_with("T#t1#"), "{key:?}");
        }
    }

    #[test]
    fn text_order_of_a_key_time_is_time_order() {
        let early = "2026-01-01T00:00:00Z".parse().unwrap();
        let late = "2026-01-01T00:00:00.500Z".parse().unwrap();
        assert_eq!(time(early), "2026-01-01T00:00:00.000Z");
        assert!(time(early) < time(late));
    }
}
