//! Who is in which segment, and why: told once, kept with the account, and listed by keys.

use super::*;
use contract::membership::{AccountSegments, AudiencePage, SegmentAnswer, SegmentList};
use domain::rule::Truth;
use platform::doubles::Calls;
use platform::snapshot::Snapshot;

impl Stage {
    fn segments(&self, text: &str) -> domain::segment::Segments {
        contract::segments::read(text).unwrap_or_else(|faults| panic!("{faults:?}"))
    }

    fn ask_for<T: serde::de::DeserializeOwned>(&self, who: &str, route: &str, id: &str, cursor: Option<&str>) -> T {
        serde_json::from_value(self.try_to_ask_for(who, route, id, cursor).unwrap()).unwrap()
    }

    fn try_to_ask_for(&self, who: &str, route: &str, id: &str, cursor: Option<&str>) -> Result<Value, Problem> {
        let parameters = BTreeMap::from([("id".to_owned(), id.to_owned())]);
        let query = cursor.map(|cursor| ("cursor".to_owned(), cursor.to_owned())).into_iter().collect();
        let (method, route) = ("GET".into(), route.to_owned());
        self.ask(who, Request { method, route, parameters, query, ..Request::default() })
    }

    fn why(&self, segment: &str) -> SegmentAnswer {
        let all: AccountSegments = self.ask_for("t", "/accounts/{id}/segments", "acme", None);
        all.segments.into_iter().find(|one| one.segment == segment).unwrap()
    }

    fn audience(&self, segment: &str) -> Vec<String> {
        let (mut accounts, mut cursor) = (Vec::new(), None);
        loop {
            let page: AudiencePage = self.ask_for("t", "/segments/{id}/accounts", segment, cursor.as_deref());
            accounts.extend(page.accounts.into_iter().map(|item| item.account));
            cursor = page.cursor;
            if cursor.is_none() {
                return accounts;
            }
        }
    }

    /// What was told of segments, in short.
    fn moves(&self) -> Vec<String> {
        let told = |event: Event| match event.fact {
            Fact::SegmentEntered(fact) => Some(format!("in {}: {}", fact.segment, fact.reasons.join("; "))),
            Fact::SegmentLeft(fact) => Some(format!("out of {}: {}", fact.segment, fact.reasons.join("; "))),
            _ => None,
        };
        self.doubles.published().into_iter().filter_map(told).collect()
    }
}

/// The people that come, and nothing else that changes.
const BUSY: &str = "
name: mine
segments:
  - id: busy
    description: Many people come.
    when: { value: { metric: active_users, statistic: sum, days: 3, least_values: 1, above: 100 } }
";

fn with_segments(text: &str) -> Stage {
    let mut stage = stage();
    let (rules, library) = (contract::rules::built_in().unwrap(), Library::built_in().unwrap());
    stage.trigger = Trigger::with(stage.doubles.ports(), rules, stage.segments(text), library);
    stage
}

#[test]
fn a116_an_account_enters_and_leaves_once_and_is_told_why_at_any_time() {
    let stage = with_segments(BUSY);
    stage.hear("1");
    let nothing = stage.why("busy");
    assert_eq!((nothing.member, nothing.fits, nothing.since), (false, Truth::Unknown, None), "unknown is not in");
    stage.learn(vec![stage.signal(1, Metric::ActiveUsers, 120, Detail::None)]);
    let ahead = stage.why("busy");
    assert_eq!((ahead.member, ahead.fits), (false, Truth::True), "the next look takes it in");
    stage.hear("2");
    stage.hear("2");
    stage.hear("3");
    let entered = stage.doubles.now();
    let inside = stage.why("busy");
    assert_eq!((inside.member, inside.since, inside.unknown_since), (true, Some(entered), None));
    let [leaf] = &inside.leaves[..] else { panic!("{inside:?}") };
    assert_eq!(
        (leaf.leaf.as_str(), leaf.value.as_deref(), leaf.age_days),
        ("sum of active_users", Some("120"), Some(1))
    );
    assert_eq!(stage.audience("busy"), ["acme"]);

    stage.pass(5);
    stage.sweep();
    let stale = stage.why("busy");
    assert_eq!((stale.member, stale.fits, stale.since), (true, Truth::Unknown, Some(entered)), "who is in it stays");
    assert_eq!(stale.unknown_since, Some(stage.doubles.now()), "and the staleness is shown");
    stage.learn(vec![stage.signal(0, Metric::ActiveUsers, 100, Detail::None)]);
    stage.hear("4");
    assert!(!stage.why("busy").member);
    assert_eq!(stage.audience("busy"), Vec::<String>::new());
    let expected = [
        "in busy: sum of active_users: of 1 values in 3 days is 120.0; asked for: above 100",
        "out of busy: sum of active_users: of 1 values in 3 days is 100.0; asked for: above 100",
    ];
    assert_eq!(stage.moves(), expected, "each once");
}

#[test]
fn a116_a_look_that_changes_no_membership_reads_as_before_and_writes_nothing() {
    let stage = with_segments(BUSY);
    stage.learn(vec![stage.signal(0, Metric::ActiveUsers, 120, Detail::None)]);
    stage.hear("1");
    stage.doubles.take_calls();
    stage.hear("2");
    assert_eq!(
        stage.doubles.take_calls(),
        Calls { reads: 3, commits: 0 },
        "which rules hold; rules and segments in one; playbooks"
    );
}

#[test]
fn a116_every_change_of_membership_is_a_link_in_the_chain_of_decisions() {
    let stage = with_segments(BUSY);
    stage.learn(stage.usage(80));
    stage.hear("1");
    let range = platform::table::Range::prefix(keys::account(&tenant(), &acme().id), "audit#trigger#");
    let items = block_on(platform::table::query_all(stage.doubles.ports().table.as_ref(), range)).unwrap();
    let links: Vec<audit::Link> = items.iter().map(|item| platform::table::read(item).unwrap()).collect();
    let head = audit::verify(audit::Head::start(&tenant(), &acme().id), &links).unwrap();
    let told: Vec<(&str, &str)> =
        links.iter().map(|link| (link.record.what.as_str(), link.record.outcome.split(' ').next().unwrap())).collect();
    assert_eq!(told, [("rules", "opened"), ("segments", "entered")], "one look, two decisions");
    assert_eq!(links[1].record.outcome, "entered busy");
    assert_eq!(head.seq, 2);
}

#[test]
fn a112_an_audience_is_exactly_the_accounts_whose_predicate_says_so() {
    let stage = stage();
    let stages = [LifecycleStage::Onboarding, LifecycleStage::Steady, LifecycleStage::Churned];
    let mut accounts = vec![acme()];
    for number in 0..60_i32 {
        let at = |days: i32| Day::of(stage.doubles.now()).plus(days);
        accounts.push(Account {
            id: AccountId::new(format!("account-{number:02}")).unwrap(),
            stage: stages[usize::try_from(number).unwrap() % 3],
            renewal_on: (number % 4 > 0).then(|| at(number * 7 - 60)),
            owner: acme().owner.filter(|_| number % 5 > 0),
            ..acme()
        });
    }
    accounts.iter().for_each(|account| stage.beside(account));
    stage.learn(stage.usage(80));
    let equals_its_segment = |stage: &Stage| {
        let segments = contract::segments::built_in().unwrap();
        let mut members = Vec::new();
        for segment in segments.segments() {
            let fits = |account: &&Account| {
                let (ports, tenant) = (stage.doubles.ports(), tenant());
                let snapshot = Snapshot::read(ports.table.as_ref(), &tenant, &account.id);
                let known = executions::Known::read(&block_on(snapshot).unwrap()).unwrap().unwrap();
                segments.why(&segment.id, &known.facts(stage.doubles.now())).unwrap().truth.is_true()
            };
            let mut expected: Vec<String> = accounts.iter().filter(fits).map(|one| one.id.to_string()).collect();
            expected.sort();
            assert_eq!(stage.audience(segment.id.as_str()), expected, "{}", segment.id);
            members.extend(expected.into_iter().map(|account| (segment.id.clone(), account)));
        }
        members
    };
    stage.sweep();
    let before = equals_its_segment(&stage);
    assert!(before.len() > 30, "{before:?}");
    stage.pass(100);
    stage.learn(stage.usage(100));
    stage.sweep();
    assert_ne!(equals_its_segment(&stage), before, "others are meant now");
}

#[test]
fn who_is_in_a_segment_that_was_withdrawn_leaves_it_and_its_audience() {
    let mut stage = with_segments(BUSY);
    stage.learn(vec![stage.signal(0, Metric::ActiveUsers, 120, Detail::None)]);
    stage.hear("1");
    let (rules, library) = (contract::rules::built_in().unwrap(), Library::built_in().unwrap());
    let none = stage.segments("name: none\nsegments: []");
    stage.trigger = Trigger::with(stage.doubles.ports(), rules, none, library);
    stage.sweep();
    assert_eq!(stage.moves()[1..], ["out of busy: the segment was withdrawn"]);
    let key = keys::segment_member(&tenant(), &domain::id::SegmentId::new("busy").unwrap(), &acme().id);
    assert_eq!(block_on(stage.doubles.ports().table.get(&key)).unwrap(), None);
    assert_eq!(stage.try_to_ask_for("t", "/segments/{id}/accounts", "busy", None).unwrap_err().status, 404);
}

#[test]
fn segments_are_listed_and_what_is_not_there_is_not_found() {
    let stage = stage();
    let list: SegmentList = stage.ask_for("t", "/segments", "", None);
    let built_in = contract::segments::built_in().unwrap();
    assert_eq!((list.name.as_str(), list.segments.len()), ("default", built_in.segments().count()));
    assert_eq!(list.definitions, built_in.version().to_string());
    assert_eq!(list.segments[2].when, json!({ "stage": ["onboarding"] }), "{}", list.segments[2].segment);
    let status = |who, route, id| stage.try_to_ask_for(who, route, id, None).unwrap_err().status;
    assert_eq!(status("t", "/segments/{id}/accounts", "busy"), 404);
    assert_eq!(status("t", "/segments/{id}/accounts", "a#b"), 404);
    assert_eq!(status("t", "/accounts/{id}/segments", "globex"), 404);
    assert_eq!(status("u", "/accounts/{id}/segments", "acme"), 404, "another tenant's account");
    stage.hear("1");
    let page: AudiencePage = stage.ask_for("u", "/segments/{id}/accounts", "quiet", None);
    assert_eq!(page.accounts, []);
}
