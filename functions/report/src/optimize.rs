//! `POST /optimize`: where work waits, which step holds the others up, and what could be done about it. Nothing is changed:
//! an experiment is drafted, and a person gives it to trigger, which owns experiments.

use crate::story;
use contract::experiments::{ExperimentFile, GuardrailFile, VariantFile};
use contract::optimize::{ExperimentDraft, FlowBody, OptimizeAnswer, OptimizeRequest, OptionBody};
use contract::problem::Fault;
use domain::flow::{self, OptimizePolicy, Piece, Proposal};
use domain::id::{ArmId, ExperimentId, RuleId};
use jiff::{SignedDuration, Timestamp};
use platform::function::Ports;
use platform::http::{self, Caller, Problem, Request, Response};

/// Of how many steps options are named.
const STEPS: usize = 3;
/// The most steps in one answer.
const MAX_STEPS: usize = 100;

/// Answers the request.
pub async fn optimize(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let asked: OptimizeRequest =
        if request.body.is_empty() { OptimizeRequest::default() } else { http::read_json(request)? };
    if !(7..=365).contains(&asked.days) {
        let fault = Fault::new("days", format!("is {}; give 7 to 365", asked.days));
        return Err(Problem::invalid("the request has faults", vec![fault]));
    }
    let now = ports.clock.now();
    let stories = story::all(ports, &caller.tenant).await?;
    let pieces: Vec<Piece> = stories.iter().flat_map(flow::pieces).collect();
    Response::json(200, &answer(&pieces, &asked, &OptimizePolicy::default(), now))
}

fn answer(pieces: &[Piece], asked: &OptimizeRequest, policy: &OptimizePolicy, now: Timestamp) -> OptimizeAnswer {
    let days = u64::from(asked.days);
    let back = SignedDuration::from_hours(i64::from(asked.days) * 24);
    let since = now.checked_sub(back).unwrap_or(Timestamp::MIN);
    let flows = flow::flows(pieces, since, now);
    let proposals = flow::proposals(&flows, days, policy, STEPS);
    let constraint = flows.first().filter(|flow| flow.waiting > 0).map(|flow| flow.step.clone());
    let best = proposals.first().filter(|_| asked.draft_experiment);
    OptimizeAnswer {
        as_of: now,
        since,
        constraint,
        steps: flows.iter().take(MAX_STEPS).map(FlowBody::from).collect(),
        options: proposals.iter().map(OptionBody::from).collect(),
        assumptions: assumptions(policy),
        experiment: best.and_then(draft),
    }
}

fn assumptions(policy: &OptimizePolicy) -> Vec<String> {
    let mut words = vec![format!("an hour of waiting costs {} cents", policy.waiting_hour.cents())];
    words.extend(policy.assumed.iter().map(|assumed| {
        format!(
            "{} costs {} cents in 90 days and takes {} % of the waiting away",
            assumed.measure.name(),
            assumed.cost.cents(),
            assumed.relief_percent
        )
    }));
    words
}

/// The draft of an experiment that tries a proposal on half of the accounts, where its step is a rule's call to action.
fn draft(proposal: &Proposal) -> Option<ExperimentDraft> {
    let rule = RuleId::new(proposal.step.strip_prefix("call to action ")?).ok()?;
    let name = proposal.measure.name();
    let experiment = ExperimentFile {
        id: ExperimentId::new(format!("{rule}-{name}")).ok()?,
        description: format!("Does it help with {rule} that {}?", proposal.measure.words()),
        hold_out_percent: 50,
        variants: vec![VariantFile {
            id: ArmId::new(name).ok()?,
            weight_percent: 50,
            asks: format!("Try this: {}.", proposal.measure.words()),
        }],
        guardrail: GuardrailFile::default(),
    };
    Some(ExperimentDraft {
        registered: false,
        how: format!(
            "put it among the experiments that trigger works with, and name it as the experiment of the call to action of \
             `{rule}`; nothing was changed"
        ),
        rule: rule.to_string(),
        experiment,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::experiment::Experiments;

    fn at(hour: i64) -> Timestamp {
        "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hour)
    }

    #[test]
    fn a137_an_experiment_is_drafted_and_never_registered() {
        let wait = |number: i64| Piece {
            step: "call to action usage-decline".into(),
            came: at(number),
            begun: Some(at(number + 40)),
            done: Some(at(number + 40)),
        };
        let pieces: Vec<Piece> = (0..50).map(wait).collect();
        let look = |draft_experiment| {
            let asked = OptimizeRequest { days: 90, draft_experiment };
            answer(&pieces, &asked, &OptimizePolicy::default(), at(24 * 90))
        };
        assert_eq!(look(false).experiment, None);
        let found = look(true);
        let draft = found.experiment.unwrap();
        assert!(!draft.registered);
        assert_eq!((draft.rule.as_str(), found.options[0].measure.as_str()), ("usage-decline", "share_out"));
        let read = Experiments::with_paths("mine", vec![("one".into(), draft.experiment.into())]).unwrap();
        assert_eq!(read.iter().next().unwrap().id.as_str(), "usage-decline-share_out", "trigger takes it as it is");
        assert_eq!((found.steps[0].difference_percent, found.steps[0].waiting_seconds), (0, 50 * 40 * 3_600));
    }
}
