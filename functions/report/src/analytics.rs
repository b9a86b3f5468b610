//! `GET /analytics/…`: what the stories of all accounts come to, as of now.

use crate::story;
use contract::analytics::{
    ActionTally, ActionsAnswer, AdoptionAnswer, AdviceBody, AdvocacyAnswer, AdvocateBody, AgentsAnswer,
    BenchmarksAnswer, DeskAnswer, JourneyAnswer, LiftAnswer, VoiceAnswer,
};
use contract::problem::Fault;
use domain::account::Money;
use domain::day::Day;
use domain::fixed::Points;
use domain::id::{AccountId, TenantId};
use domain::insight::advice::{self, Replies};
use domain::insight::advocacy::{self, AdvocacyPolicy};
use domain::insight::{adoption, agents, desk, journey, lift, peers, voice};
use domain::portfolio::Row;
use domain::story::Story;
use platform::function::Ports;
use platform::http::{Caller, Parameter, Problem, Request, Response};
use platform::table::{self, Range, TableError};
use platform::{keys, once};
use std::collections::BTreeMap;

/// Only so many days back.
pub const DAYS: Parameter =
    Parameter::text("days", "How many days back, today included: 1 to 365; 90 where it is left out.");
/// One account among the others.
pub const ACCOUNT: Parameter =
    Parameter::text("account", "Also how this account stands among the others of its segment.");
/// By which word cases are drawn.
pub const WORD: Parameter =
    Parameter::text("draw", "The word by which the sample is drawn; the first day where it is left out.");

/// The most proposals, and the most accounts that may be asked, in one answer.
const MAX_ACTIONS: usize = 100;
const MAX_ADVOCATES: usize = 200;
/// How many cases of each person are drawn.
const SAMPLE: usize = 5;

/// What people have said where nobody has said anything.
static NOTHING: std::sync::LazyLock<Replies> = std::sync::LazyLock::new(Replies::default);

/// `GET /analytics/journey`.
pub async fn journey(ports: &Ports, caller: &Caller) -> Result<Response, Problem> {
    let stories = story::all(ports, &caller.tenant).await?;
    Response::json(200, &JourneyAnswer::of(&journey::way(&stories), &journey::flows(&stories), ports.clock.now()))
}

/// `GET /analytics/adoption`.
pub async fn adoption(ports: &Ports, caller: &Caller) -> Result<Response, Problem> {
    let stories = story::all(ports, &caller.tenant).await?;
    Response::json(200, &AdoptionAnswer::of(&adoption::adoption(&stories), ports.clock.now()))
}

/// `GET /analytics/benchmarks`.
pub async fn benchmarks(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let values = values(ports, &caller.tenant).await?;
    let places = match request.query.get("account") {
        None => Vec::new(),
        Some(name) => {
            let not_found = || Problem::not_found("account", name);
            let account = AccountId::new(name).map_err(|_| not_found())?;
            story::one(ports, &caller.tenant, &account).await?.ok_or_else(not_found)?;
            peers::places(&values, &account)
        }
    };
    Response::json(200, &BenchmarksAnswer::of(&peers::benchmarks(&values), &places, ports.clock.now()))
}

/// What every customer has.
pub async fn values(ports: &Ports, tenant: &TenantId) -> Result<Vec<peers::Value>, TableError> {
    let stories = story::all(ports, tenant).await?;
    let scores = scores(ports, tenant).await?;
    Ok(stories.iter().flat_map(|story| peers::values(story, scores.get(&story.account).copied())).collect())
}

/// The scores that rest on enough.
async fn scores(ports: &Ports, tenant: &TenantId) -> Result<BTreeMap<AccountId, Points>, TableError> {
    let range = Range::prefix(keys::portfolio_partition(tenant), "");
    let items = table::query_all(ports.table.as_ref(), range).await?;
    let rows = items.iter().map(once::state_of).collect::<Result<Vec<Row>, _>>()?;
    let sound = |row: &Row| row.health().filter(|health| !health.provisional).map(|health| health.score);
    Ok(rows.iter().filter_map(|row| Some((row.account.clone(), sound(row)?))).collect())
}

/// `GET /analytics/support`.
pub async fn support(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let now = ports.clock.now();
    let [first, last] = days(request, Day::of(now))?;
    let stories = story::all(ports, &caller.tenant).await?;
    Response::json(200, &DeskAnswer::of(&desk::desk(&stories, first, last), first, last, now))
}

/// `GET /analytics/agents`.
pub async fn agents(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let now = ports.clock.now();
    let [first, last] = days(request, Day::of(now))?;
    let word = request.query.get("draw").cloned().unwrap_or_else(|| first.to_string());
    let stories = story::all(ports, &caller.tenant).await?;
    let found = agents::agents(&stories, first, last, &word, SAMPLE);
    let answer = AgentsAnswer {
        as_of: now,
        from: first.to_string(),
        to: last.to_string(),
        drawn_by: word,
        agents: found.iter().map(Into::into).collect(),
    };
    Response::json(200, &answer)
}

/// `GET /analytics/voice`.
pub async fn voice(ports: &Ports, caller: &Caller) -> Result<Response, Problem> {
    let now = ports.clock.now();
    let told = Told::read(ports, &caller.tenant).await?;
    let loops = voice::loops(told.pairs().map(|(story, replies)| (story, &replies.told)), now.as_second());
    let arr: BTreeMap<&AccountId, Money> =
        told.stories.iter().filter_map(|story| Some((&story.account, story.description()?.arr))).collect();
    let themes = voice::themes(&loops, |account| arr.get(account).copied().unwrap_or_default());
    Response::json(200, &VoiceAnswer::of(&loops, &themes, now))
}

/// `GET /analytics/actions`.
pub async fn actions(ports: &Ports, caller: &Caller) -> Result<Response, Problem> {
    let now = ports.clock.now();
    let told = Told::read(ports, &caller.tenant).await?;
    let all = advice::advise(told.pairs(), &AdvocacyPolicy::default(), now.as_second());
    let mut answered: BTreeMap<String, ActionTally> = BTreeMap::new();
    for (action, (accepted, dismissed)) in told.replies.values().flat_map(|replies| &replies.counts) {
        let tally = answered.entry(action.name().to_owned()).or_default();
        tally.accepted += accepted;
        tally.dismissed += dismissed;
    }
    let answer = ActionsAnswer {
        as_of: now,
        silent_days: advice::WINDOW_DAYS,
        actions: all.iter().take(MAX_ACTIONS).map(AdviceBody::from).collect(),
        action_count: all.len() as u64,
        answered,
    };
    Response::json(200, &answer)
}

/// `GET /analytics/advocacy`.
pub async fn advocacy(ports: &Ports, caller: &Caller) -> Result<Response, Problem> {
    let now = ports.clock.now();
    let policy = AdvocacyPolicy::default();
    let told = Told::read(ports, &caller.tenant).await?;
    let customers = told.pairs().filter(|(story, _)| story.is_customer());
    let one = |(story, replies): (&Story, &Replies)| {
        let objections = advocacy::objections(story, &replies.uses, &policy, now.as_second());
        AdvocateBody {
            account: story.account.to_string(),
            eligible: objections.is_empty(),
            objections,
            used_in_a_year: replies.uses.in_a_year(now.as_second()) as u64,
        }
    };
    let mut accounts: Vec<AdvocateBody> = customers.map(one).collect();
    accounts.sort_by(|one, other| (!one.eligible, &one.account).cmp(&(!other.eligible, &other.account)));
    let eligible = accounts.iter().filter(|account| account.eligible).count() as u64;
    accounts.truncate(MAX_ADVOCATES);
    let answer = AdvocacyAnswer {
        as_of: now,
        most_in_a_year: policy.most_in_a_year as u64,
        rest_days: policy.rest_days,
        accounts,
        eligible,
    };
    Response::json(200, &answer)
}

/// `GET /analytics/lift`.
pub async fn lift(ports: &Ports, caller: &Caller) -> Result<Response, Problem> {
    let now = ports.clock.now();
    let stories = story::all(ports, &caller.tenant).await?;
    Response::json(200, &LiftAnswer::of(&lift::lifts(&stories, now.as_second()), now))
}

/// The stories of a tenant, each with what people said.
struct Told {
    stories: Vec<Story>,
    replies: BTreeMap<AccountId, Replies>,
}

impl Told {
    async fn read(ports: &Ports, tenant: &TenantId) -> Result<Self, Problem> {
        Ok(Self { stories: story::all(ports, tenant).await?, replies: story::replies(ports, tenant).await? })
    }

    fn pairs(&self) -> impl Iterator<Item = (&Story, &Replies)> {
        self.stories.iter().map(|story| (story, self.replies.get(&story.account).unwrap_or(&NOTHING)))
    }
}

/// The days that are asked for, the last of which is today.
fn days(request: &Request, today: Day) -> Result<[Day; 2], Problem> {
    let Some(text) = request.query.get("days") else { return Ok([today.plus(-89), today]) };
    let days: Option<i32> = text.parse().ok();
    let days = days.filter(|days| (1..=365).contains(days)).ok_or_else(|| {
        let reason = format!("cannot be `{}`; give 1 to 365", text.escape_default());
        Problem::invalid("the query is not one that this route takes", vec![Fault::new("days", reason)])
    })?;
    Ok([today.plus(1 - days), today])
}
