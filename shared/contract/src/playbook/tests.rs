//! The built-in playbooks, and what is said of files that are wrong.

use super::*;
use domain::account::{Account, Money, Segment};
use domain::band::Band;
use domain::contact::{ContactPolicy, Contacts, Door};
use domain::day::Day;
use domain::id::{AccountId, ExecutionId, PersonId};
use domain::page::{Bucket, DayFold};
use domain::playbook::{
    Command, Decision, Deed, Execution, Playbook, Progress, Refusal, Situation, StepState, Value as Given, decide,
    entry::refusals, start,
};
use domain::rule::{Facts, Standing};
use domain::series::Series;
use jiff::{SignedDuration, Timestamp};
use std::sync::LazyLock;

fn text(name: &str) -> String {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("defaults/playbooks").join(name).with_extension("yaml");
    std::fs::read_to_string(path).unwrap()
}

fn book(name: &str) -> Playbook {
    Playbook::try_from(read(&text(name)).unwrap()).unwrap_or_else(|faults| panic!("{name}: {faults:?}"))
}

fn faults(text: &str) -> Vec<(String, String)> {
    let file = match read(text) {
        Ok(file) => file,
        Err(faults) => return faults.into_iter().map(|fault| (fault.path, fault.reason)).collect(),
    };
    Playbook::try_from(file).unwrap_err().into_iter().map(|fault| (fault.path, fault.reason)).collect()
}

/// The built-in policy, for a customer who was not reached yet.
fn door() -> Door<'static> {
    static POLICY: LazyLock<(ContactPolicy, Contacts)> =
        LazyLock::new(|| (crate::contact::built_in().unwrap(), Contacts::default()));
    Door { policy: &POLICY.0, contacts: &POLICY.1 }
}

struct World {
    account: Account,
    series: Series,
    band: Option<Band>,
    now: Timestamp,
}

impl World {
    fn new(stage: LifecycleStage) -> Self {
        let account = Account {
            id: AccountId::new("acme").unwrap(),
            name: "Acme".into(),
            arr: Money::from_cents(100),
            segment: Segment::Enterprise,
            stage,
            renewal_on: Some("2027-11-22".parse().unwrap()),
            owner: None,
            contact: Default::default(),
        };
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        Self { account, series: Series::default(), band: Some(Band::Healthy), now }
    }

    fn facts(&self) -> Facts<'_> {
        let standing = self.band.map(|band| Standing { band, from: None, since: self.now, provisional: false });
        Facts { account: &self.account, series: &self.series, health: None, standing, now: self.now }
    }

    fn come_to_day(&mut self, execution: &Execution, day: i64) {
        self.now = execution.started_at + SignedDuration::from_hours(24 * (day - 1));
    }

    fn start(&self, book: &Playbook, arguments: &[(&str, &str)]) -> Execution {
        let given =
            arguments.iter().map(|(name, value)| ((*name).to_owned(), Given::Text((*value).to_owned()))).collect();
        start(book, ExecutionId::new("exec-1").unwrap(), given, kim(), &self.facts(), &door()).execution
    }

    fn run(&self, book: &Playbook, execution: &Execution, command: &Command) -> Decision {
        decide(book, execution, command, &self.facts(), &door())
            .unwrap_or_else(|refusal| panic!("{command:?}: {refusal:?}"))
    }

    fn opens(&self, book: &Playbook, open: &[CtaKind], since: Option<Timestamp>) -> bool {
        let open = open.iter().copied().collect();
        let situation =
            Situation { facts: self.facts(), open: &open, in_stage_since: since, is_running: false, ended_at: None };
        refusals(book, &situation).is_empty()
    }

    fn measure(&mut self, metric: Metric, value: i64) {
        let buckets = BTreeMap::from([(metric, Bucket { count: 1, sum: value * domain::fixed::ONE })]);
        self.series.set(Day::of(self.now), DayFold { buckets, ..DayFold::default() });
    }
}

fn kim() -> PersonId {
    PersonId::new("kim").unwrap()
}

fn id(text: &str) -> StepId {
    StepId::new(text).unwrap()
}

/// What settles a step that is open, with all evidence that it asks for.
fn deed(book: &Playbook, step: &StepId) -> Deed {
    let step = book.step(step).unwrap();
    let shown = |evidence: &domain::playbook::Evidence| match &evidence.kind {
        book::EvidenceKind::Document => Some(Given::Text("https://docs.example.com/x".into())),
        book::EvidenceKind::Number { least, .. } => Some(Given::Number(*least)),
        book::EvidenceKind::Metric { .. } => None,
    };
    let evidence: BTreeMap<String, Given> =
        step.evidence.iter().filter_map(|asked| Some((asked.name.clone(), shown(asked)?))).collect();
    match step.kind {
        book::StepKind::Gate { .. } => Deed::Approve { evidence },
        _ => Deed::Complete { evidence },
    }
}

/// Settles whatever is open, on this day and the following ones, until nothing is or nothing more can be.
fn drive(world: &mut World, book: &Playbook, mut execution: Execution, days: i64) -> Execution {
    for _ in 0..days {
        execution = world.run(book, &execution, &Command::Look).execution;
        loop {
            let open = book.in_order().find(|step| {
                step.kind.is_for_people()
                    && !matches!(step.kind, book::StepKind::Task { automatic: true })
                    && matches!(execution.steps[&step.id].state, StepState::Open { .. })
            });
            let Some(step) = open else { break };
            let command = Command::Settle { step: step.id.clone(), deed: deed(book, &step.id), by: kim() };
            execution = world.run(book, &execution, &command).execution;
        }
        if !execution.is_running() {
            break;
        }
        world.now += SignedDuration::from_hours(24);
    }
    execution
}

#[test]
fn a134_the_built_in_playbooks_hold_and_are_what_is_written() {
    let built_in = built_in().unwrap();
    let names: Vec<&str> = built_in.iter().map(|file| file.id.as_str()).collect();
    assert_eq!(names, ["expansion", "lifecycle", "onboarding", "renewal", "win-back"]);
    for file in built_in {
        let name = file.id.to_string();
        assert!(text(&name).contains("$schema=../schemas/playbook.json"), "{name}: an editor finds its schema");
        let written = serde_json::to_string(&file).unwrap();
        let again: PlaybookFile = serde_json::from_str(&written).unwrap();
        assert_eq!(Playbook::try_from(file).unwrap(), book(&name));
        assert_eq!(Playbook::try_from(again).unwrap().version(), book(&name).version(), "kept and read again");
    }
}

#[test]
fn a80_onboarding_has_the_twelve_tasks_and_ends_whole_within_thirty_days() {
    let (onboarding, mut world) = (book("onboarding"), World::new(LifecycleStage::Onboarding));
    for arguments in [&[("sponsor", "Kim")][..], &[("sponsor", "Kim"), ("training", "self_service")]] {
        let begun = world.start(&onboarding, arguments);
        let within = begun.steps.values().filter_map(|record| record.due_on).max().unwrap();
        assert_eq!(within.since(Day::of(world.now)), 29, "the last day is day 30");
        let ended = drive(&mut world, &onboarding, begun, 1);
        let progress = Progress::of(&onboarding, &ended, world.now);
        assert_eq!((progress.of, progress.completion_basis_points()), (12, 10_000));
        assert_eq!(progress.adherence_basis_points(), Some(10_000));
        assert_eq!(ended.status.name(), "completed");
    }
}

#[test]
fn a110_the_way_to_learn_follows_the_segment_where_nobody_chose() {
    let (onboarding, mut world) = (book("onboarding"), World::new(LifecycleStage::Onboarding));
    for (segment, passed) in
        [(Segment::Enterprise, "training-self-service"), (Segment::SmallBusiness, "training-guided")]
    {
        world.account.segment = segment;
        let begun = world.start(&onboarding, &[("sponsor", "Kim")]);
        let ended = drive(&mut world, &onboarding, begun, 1);
        assert_eq!(ended.steps[&id(passed)].state.name(), "passed");
    }
}

#[test]
fn a81_expansion_begins_from_healthy_and_champion_alone_and_never_beside_a_risk() {
    let (expansion, mut world) = (book("expansion"), World::new(LifecycleStage::Steady));
    let bands = [Band::Champion, Band::Healthy, Band::AtRisk, Band::Critical, Band::Emergency];
    let opens = bands.map(|band| {
        world.band = Some(band);
        world.opens(&expansion, &[], None)
    });
    assert_eq!(opens, [true, true, false, false, false]);
    world.band = None;
    assert!(!world.opens(&expansion, &[], None), "unknown is not healthy");
    world.band = Some(Band::Champion);
    assert!(!world.opens(&expansion, &[CtaKind::Risk], None), "a108");
    assert!(world.opens(&expansion, &[CtaKind::Lifecycle], None));
    let begun = world.start(&expansion, &[("sponsor", "Kim")]);
    let ended = drive(&mut world, &expansion, begun, 1);
    assert_eq!(
        (Progress::of(&expansion, &ended, world.now).of, ended.status.name()),
        (13, "completed"),
        "twelve and a gate"
    );
}

#[test]
fn a82_renewal_has_its_stages_and_survives_the_date_that_the_renewal_itself_moves() {
    let (renewal, mut world) = (book("renewal"), World::new(LifecycleStage::Steady));
    let date = world.account.renewal_on.unwrap();
    let mut execution = world.start(&renewal, &[("sponsor", "Kim")]);
    assert_eq!(execution.steps[&id("early")].due_on, Some(date.plus(-180)));
    assert_eq!(execution.steps[&id("talks")].due_on, Some(date.plus(-90)));
    world.now = date.plus(-90).start();
    execution = drive(&mut world, &renewal, execution, 1);
    for step in ["success-review", "legal", "signature"] {
        assert_eq!(execution.steps[&id(step)].state.name(), "done", "{step}");
    }
    assert_eq!(execution.status.name(), "completed");

    let mut signed = World::new(LifecycleStage::Steady);
    signed.now = date.plus(-90).start();
    let begun = signed.start(&renewal, &[("sponsor", "Kim")]);
    let mut open = begun;
    while open.steps[&id("signature")].state.name() != "done" {
        let next =
            renewal.in_order().find(|step| matches!(open.steps[&step.id].state, StepState::Open { .. })).unwrap();
        let command = Command::Settle { step: next.id.clone(), deed: deed(&renewal, &next.id), by: kim() };
        open = signed.run(&renewal, &open, &command).execution;
    }
    let due = open.steps[&id("story")].due_on;
    signed.account.renewal_on = Some(date.plus(365));
    let moved = signed.run(&renewal, &open, &Command::Look);
    assert_eq!((moved.changes.len(), moved.execution.steps[&id("story")].due_on), (0, due), "not a year later");
}

#[test]
fn a120_nobody_is_won_back_before_the_cool_off_and_nothing_goes_out_unapproved() {
    let (win_back, mut world) = (book("win-back"), World::new(LifecycleStage::Churned));
    let since = world.now;
    for (days, opens) in [(0, false), (89, false), (90, true)] {
        world.now = since + SignedDuration::from_hours(24 * days);
        assert_eq!(world.opens(&win_back, &[], Some(since)), opens, "day {days}");
    }
    world.account.stage = LifecycleStage::Steady;
    assert!(!world.opens(&win_back, &[], Some(since)), "a customer need not be won back");
    world.account.stage = LifecycleStage::Churned;
    let begun = world.start(&win_back, &[("contact", "Lee"), ("offer", "The old trouble is over.")]);
    let reasons = Command::Settle { step: id("reasons"), deed: deed(&win_back, &id("reasons")), by: kim() };
    let reviewed = world.run(&win_back, &begun, &reasons);
    assert_eq!(reviewed.effects, [], "a94");
    let release = Command::Settle { step: id("release"), deed: deed(&win_back, &id("release")), by: kim() };
    let released = world.run(&win_back, &reviewed.execution, &release);
    assert_eq!(released.effects.len(), 1);
    let ended = drive(&mut world, &win_back, released.execution, 30);
    assert_eq!((ended.status.name(), ended.steps[&id("welcome")].state.name()), ("completed", "passed"));
}

#[test]
fn a52_a_kick_off_that_is_missing_on_day_eight_opens_one_call_to_action() {
    let (way, mut world) = (book("lifecycle"), World::new(LifecycleStage::Onboarding));
    let mut execution = world.start(&way, &[("sponsor", "Kim")]);
    let mut opened = Vec::new();
    for day in 1..=12 {
        world.come_to_day(&execution, day);
        let looked = world.run(&way, &execution, &Command::Look);
        let kick_off = looked.ctas.iter().filter(|change| change.cta().reason.contains("Kick-off"));
        opened.extend(kick_off.map(|_| day));
        execution = looked.execution;
    }
    assert_eq!(opened, [8]);
}

/// The way up to where this step is open.
fn up_to(world: &mut World, way: &Playbook, step: &str) -> Execution {
    let mut execution = world.start(way, &[("sponsor", "Kim")]);
    while !matches!(execution.steps[&id(step)].state, StepState::Open { .. }) {
        let next = way.in_order().find(|next| {
            let automatic = matches!(next.kind, book::StepKind::Task { automatic: true });
            next.id != id(step) && !automatic && matches!(execution.steps[&next.id].state, StepState::Open { .. })
        });
        let next = next.unwrap_or_else(|| panic!("nothing is open before `{step}`"));
        let command = Command::Settle { step: next.id.clone(), deed: deed(way, &next.id), by: kim() };
        execution = world.run(way, &execution, &command).execution;
    }
    execution
}

#[test]
fn a55_the_pilot_is_done_with_fifty_to_a_hundred_users_by_what_is_measured() {
    let way = book("lifecycle");
    for (users, state) in [(49, "open"), (50, "done"), (100, "done"), (101, "open")] {
        let mut world = World::new(LifecycleStage::Onboarding);
        let execution = up_to(&mut world, &way, "pilot");
        world.measure(Metric::PilotUsers, users);
        let looked = world.run(&way, &execution, &Command::Look).execution;
        assert_eq!(looked.steps[&id("pilot")].state.name(), state, "{users}");
    }
}

#[test]
fn a53_departments_are_done_with_five_hundred_users_by_what_is_measured() {
    let way = book("lifecycle");
    for (users, state) in [(499, "open"), (500, "done"), (1_000, "done"), (1_001, "done")] {
        let mut world = World::new(LifecycleStage::Onboarding);
        world.measure(Metric::PilotUsers, 60);
        let execution = up_to(&mut world, &way, "departments");
        world.measure(Metric::MigratedUsers, users);
        let looked = world.run(&way, &execution, &Command::Look).execution;
        assert_eq!(looked.steps[&id("departments")].state.name(), state, "{users}");
    }
}

#[test]
fn a54_the_production_licence_is_refused_without_the_record_of_the_return() {
    let (way, mut world) = (book("lifecycle"), World::new(LifecycleStage::Onboarding));
    world.measure(Metric::PilotUsers, 60);
    let mut execution = up_to(&mut world, &way, "departments");
    world.now += SignedDuration::from_hours(24);
    world.measure(Metric::MigratedUsers, 700);
    execution = world.run(&way, &execution, &Command::Look).execution;
    loop {
        let gate = id("production-licence");
        let next =
            way.in_order().find(|step| matches!(execution.steps[&step.id].state, StepState::Open { .. })).unwrap();
        if next.id == gate {
            break;
        }
        let skipped = Deed::Skip { reason: "no time".into() };
        let deed = if next.id == id("return") { skipped } else { deed(&way, &next.id) };
        let command = Command::Settle { step: next.id.clone(), deed, by: kim() };
        execution = world.run(&way, &execution, &command).execution;
    }
    let approve =
        |evidence| Command::Settle { step: id("production-licence"), deed: Deed::Approve { evidence }, by: kim() };
    let refusal = decide(&way, &execution, &approve(BTreeMap::new()), &world.facts(), &door()).unwrap_err();
    let Refusal::Evidence(faults) = refusal else { panic!("{refusal:?}") };
    assert_eq!(faults[0].path, "evidence.roi_record");
    let record = BTreeMap::from([("roi_record".to_owned(), Given::Text("https://docs.example.com/roi".into()))]);
    let opened = world.run(&way, &execution, &approve(record)).execution;
    assert_eq!(opened.status.name(), "completed");
    let journey = domain::lifecycle::journey(&way, &opened, Day::of(world.now)).unwrap();
    assert_eq!(journey.stage, LifecycleStage::Steady);
}

#[test]
fn a102_a_goal_is_met_only_with_what_shows_it() {
    let (onboarding, world) = (book("onboarding"), World::new(LifecycleStage::Onboarding));
    let begun = world.start(&onboarding, &[("sponsor", "Kim")]);
    let empty =
        Command::Settle { step: id("environment"), deed: Deed::Complete { evidence: BTreeMap::new() }, by: kim() };
    assert!(matches!(decide(&onboarding, &begun, &empty, &world.facts(), &door()), Err(Refusal::Evidence(_))));
    let shown = Command::Settle { step: id("environment"), deed: deed(&onboarding, &id("environment")), by: kim() };
    assert_eq!(world.run(&onboarding, &begun, &shown).execution.steps[&id("environment")].state.name(), "done");
}

#[test]
fn a134_every_fault_of_a_file_is_named_at_once_with_its_path() {
    let faulty = text("expansion")
        .replace("after: [presentation]", "after: [presentaton]")
        .replace(
            "kind: { notify: { role: customer_success_manager,",
            "kind: { notify: { roles: customer_success_manager,",
        )
        .replace("from: step:approval, days: 45", "from: step:aproval, days: 45")
        .replace("band_at_most: at_risk", "band_at_most: at_ease")
        .replace("requires: [return_analysis, business_case]", "requires: [return_analysis, busines_case]");
    let found = faults(&faulty);
    let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "steps[9].kind.notify.roles",
            "entry.when.all[1].not.band_at_most",
            "steps[8].after",
            "steps[8].requires[1]",
            "steps[11].due.from"
        ],
        "{found:?}"
    );
    assert!(
        found[2].1.contains("perhaps `presentation`") && found[3].1.contains("perhaps `business_case`"),
        "{found:?}"
    );
}

#[test]
fn a_file_of_another_shape_says_where() {
    assert_eq!(faults("title: x")[0].0, "id");
    assert_eq!(faults(&(text("renewal") + "extra: 1\n"))[0].0, "extra");
    assert_eq!(
        faults(&text("renewal").replace("kind: { wait: { from: renewal_on, days: -90 } }", "kind: { sleep: 90 }"))[0].0,
        "steps[5].kind"
    );
}
