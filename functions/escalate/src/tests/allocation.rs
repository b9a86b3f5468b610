//! Accounts are given to people: ranked with reasons, once, within limits, and told.

use super::*;
use contract::allocate::AllocateAnswer;
use domain::account::{Account, LifecycleStage, Money, Segment};
use domain::id::PersonId;
use platform::function::Ports;
use platform::table::{Item, Page, Range, Table, TableError, Write};
use std::sync::{Arc, Mutex};

/// A table at which somebody else is served between a reading and the first write.
struct Raced {
    inner: Arc<dyn Table>,
    rival: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

#[async_trait]
impl Table for Raced {
    async fn get(&self, key: &keys::Key) -> Result<Option<Item>, TableError> {
        self.inner.get(key).await
    }

    async fn query(&self, range: &Range) -> Result<Page, TableError> {
        self.inner.query(range).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), TableError> {
        let rival = self.rival.lock().unwrap().take();
        if let Some(rival) = rival {
            rival();
        }
        self.inner.commit(writes).await
    }
}

pub(super) fn accounts(doubles: &Doubles, names: &[&str]) {
    for name in names {
        let account = Account {
            id: AccountId::new(name).unwrap(),
            name: (*name).to_owned(),
            arr: Money::from_cents(0),
            segment: Segment::Enterprise,
            stage: LifecycleStage::Steady,
            renewal_on: None,
            owner: None,
            contact: Default::default(),
        };
        doubles.put(&keys::profile(&tenant(), &account.id), &json!({ "state": account }));
    }
}

fn ask(ports: Ports, who: &str, account: &str, body: &Value) -> Result<AllocateAnswer, Problem> {
    let request = Request {
        method: "POST".into(),
        route: "/allocate/{customer_id}".into(),
        parameters: BTreeMap::from([("customer_id".into(), account.into())]),
        body: body.to_string().into(),
        request_id: format!("{who}-{account}-{body}"),
        ..Request::default()
    };
    let response = block_on(Escalate::new(ports).unwrap().call(&caller("t", who), &request))?;
    Ok(serde_json::from_str(&response.body).unwrap())
}

fn manager(person: &str) -> Value {
    json!({ "role": "customer_success_manager", "commit": true, "person": person })
}

#[test]
fn a131_candidates_are_ranked_with_reasons_and_nothing_changes_until_asked() {
    let doubles = Doubles::new();
    accounts(&doubles, &["acme"]);
    let body = json!({ "role": "customer_success_manager", "skills": { "renewal": 3 } });
    let answer = ask(doubles.ports(), "kim", "acme", &body).unwrap();
    let order: Vec<&str> = answer.ranked.iter().map(|ranked| ranked.person.as_str()).collect();
    assert_eq!(order, ["csm-03", "csm-04", "csm-02"]);
    assert_eq!(answer.ranked[0].parts[0].reason, "knows renewal 5");
    assert_eq!(answer.refused[0].reason, "does not know `renewal` at 3");
    assert_eq!((answer.holder, doubles.published().len()), (None, 0));
    let answer =
        ask(doubles.ports(), "kim", "acme", &json!({ "role": "customer_success_manager", "commit": true })).unwrap();
    assert_eq!(answer.holder.unwrap().person, "csm-01");
    let [event] = &doubles.published()[..] else { panic!("one fact") };
    let Fact::AccountAllocated(fact) = &event.fact else { panic!("{:?}", event.fact) };
    assert_eq!((fact.person.as_str(), fact.by.as_str()), ("csm-01", "kim"));
}

#[test]
fn a131_of_two_concurrent_commits_one_wins_and_the_other_gets_409_with_the_winner() {
    let doubles = Doubles::new();
    accounts(&doubles, &["acme"]);
    let first = doubles.ports();
    let rival = move || drop(ask(first, "lee", "acme", &manager("csm-02")).unwrap());
    let raced = Raced { inner: doubles.ports().table, rival: Mutex::new(Some(Box::new(rival))) };
    let ports = Ports { table: Arc::new(raced), ..doubles.ports() };
    let refused = ask(ports, "kim", "acme", &manager("csm-01")).unwrap_err();
    assert_eq!((refused.status, refused.detail.as_str()), (409, "`csm-02` looks after it"));
    assert_eq!(refused.errors[0].reason, "csm-02");
    let load = |person: &str| {
        let key = keys::load(&tenant(), "customer_success_manager", &PersonId::new(person).unwrap());
        doubles.value(&key).map(|load| load["accounts"].as_object().unwrap().len())
    };
    assert_eq!((load("csm-01"), load("csm-02")), (None, Some(1)));
    assert_eq!(doubles.published().len(), 1);
}

#[test]
fn a49_two_who_give_away_somebodys_last_place_at_once_do_not_both_succeed() {
    let doubles = Doubles::new();
    accounts(&doubles, &["a", "b", "c", "d"]);
    for account in ["a", "b"] {
        ask(doubles.ports(), "kim", account, &manager("csm-01")).unwrap();
    }
    let first = doubles.ports();
    let rival = move || drop(ask(first, "lee", "c", &manager("csm-01")).unwrap());
    let raced = Raced { inner: doubles.ports().table, rival: Mutex::new(Some(Box::new(rival))) };
    let refused = ask(Ports { table: Arc::new(raced), ..doubles.ports() }, "kim", "d", &manager("csm-01")).unwrap_err();
    assert_eq!(refused.status, 409);
    let expected = "`csm-01` has 3 accounts and may have 3; `csm-02`, `csm-03`, `csm-04` could";
    assert_eq!(refused.detail, expected);
}

#[test]
fn a49_an_exception_is_a_vice_presidents_and_stands_in_the_chain_of_decisions() {
    let doubles = Doubles::new();
    accounts(&doubles, &["a", "b", "c", "d"]);
    for account in ["a", "b", "c"] {
        ask(doubles.ports(), "kim", account, &manager("csm-01")).unwrap();
    }
    let mut body = manager("csm-01");
    body["exception"] = json!("they asked for her");
    assert_eq!(ask(doubles.ports(), "kim", "d", &body).unwrap_err().status, 403);
    let answer = ask(doubles.ports(), "vp-01", "d", &body).unwrap();
    assert_eq!(answer.holder.unwrap().exception.as_deref(), Some("they asked for her"));
    let link = doubles.value(&keys::audit(&tenant(), &AccountId::new("d").unwrap(), "allocation", 1)).unwrap();
    let reasons = link["record"]["reasons"].to_string();
    assert!(reasons.contains("beyond the limit, by vp-01: they asked for her"), "{reasons}");
}

#[test]
fn a131_who_replaces_somebody_says_whom_and_the_place_is_free_again() {
    let doubles = Doubles::new();
    accounts(&doubles, &["acme"]);
    ask(doubles.ports(), "kim", "acme", &manager("csm-01")).unwrap();
    assert_eq!(ask(doubles.ports(), "kim", "acme", &manager("csm-02")).unwrap_err().status, 409);
    let mut body = manager("csm-02");
    body["replaces"] = json!("csm-01");
    let answer = ask(doubles.ports(), "kim", "acme", &body).unwrap();
    assert_eq!(answer.holder.unwrap().person, "csm-02");
    let accounts = |name: &str| answer.ranked.iter().find(|ranked| ranked.person == name).unwrap().accounts;
    assert_eq!((accounts("csm-01"), accounts("csm-02")), (0, 1));
}

#[test]
fn what_cannot_be_asked_is_refused_and_says_why() {
    let doubles = Doubles::new();
    accounts(&doubles, &["acme"]);
    let refused = |account: &str, body: Value| ask(doubles.ports(), "kim", account, &body).unwrap_err();
    assert_eq!(refused("nobody", manager("csm-01")).status, 404);
    let wrong = refused("acme", json!({ "role": "trainer", "skills": { "adoption": 9 } }));
    let paths: Vec<&str> = wrong.errors.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!((wrong.status, paths), (422, vec!["role", "skills.adoption"]));
    assert_eq!(
        refused("acme", manager("tam-01")).detail,
        "`tam-01` is not in the role; `csm-01`, `csm-02`, `csm-03`, `csm-04` could"
    );
}

fn ask_team(ports: Ports, who: &str, body: &Value) -> Result<contract::allocate::AllocateTeamAnswer, Problem> {
    let request = Request {
        method: "POST".into(),
        route: "/allocate".into(),
        body: body.to_string().into(),
        request_id: format!("{who}-{body}"),
        ..Request::default()
    };
    let response = block_on(Escalate::new(ports).unwrap().call(&caller("t", who), &request))?;
    Ok(serde_json::from_str(&response.body).unwrap())
}

fn outcomes(answer: &contract::allocate::AllocateTeamAnswer) -> Vec<(&str, Option<&str>, &str)> {
    answer.accounts.iter().map(|at| (at.account.as_str(), at.person.as_deref(), at.outcome.as_str())).collect()
}

#[test]
fn a139_a_whole_team_is_planned_dry_and_given_away_where_that_is_asked() {
    let doubles = Doubles::new();
    let names: Vec<String> = (0..13).map(|number| format!("a{number:02}")).collect();
    accounts(&doubles, &names.iter().map(String::as_str).collect::<Vec<_>>());
    ask(doubles.ports(), "kim", "a00", &manager("csm-02")).unwrap();
    let published = doubles.published().len();
    let mut body = json!({ "role": "customer_success_manager", "accounts": names });
    let dry = ask_team(doubles.ports(), "kim", &body).unwrap();
    assert_eq!(outcomes(&dry)[0], ("a00", Some("csm-02"), "has"));
    let count = |answer: &contract::allocate::AllocateTeamAnswer, outcome: &str| {
        answer.accounts.iter().filter(|place| place.outcome == outcome).count()
    };
    // Four managers have three places each, and one is taken.
    assert_eq!((count(&dry, "would_get"), count(&dry, "nobody"), dry.committed), (11, 1, false));
    assert_eq!(doubles.published().len(), published, "nothing changes");
    body["commit"] = json!(true);
    let given = ask_team(doubles.ports(), "kim", &body).unwrap();
    let planned: Vec<_> = dry.accounts.iter().map(|place| place.person.clone()).collect();
    assert_eq!(given.accounts.iter().map(|place| place.person.clone()).collect::<Vec<_>>(), planned);
    assert_eq!((count(&given, "given"), doubles.published().len()), (11, published + 11));
    let again = ask_team(doubles.ports(), "lee", &body).unwrap();
    assert_eq!((count(&again, "has"), doubles.published().len()), (12, published + 11), "nothing is given twice");
}

#[test]
fn a131_where_somebody_is_faster_with_one_account_the_others_are_given_all_the_same() {
    let doubles = Doubles::new();
    accounts(&doubles, &["a", "b"]);
    let first = doubles.ports();
    let rival = move || drop(ask(first, "lee", "a", &manager("csm-04")).unwrap());
    let raced = Raced { inner: doubles.ports().table, rival: Mutex::new(Some(Box::new(rival))) };
    let ports = Ports { table: Arc::new(raced), ..doubles.ports() };
    let body = json!({ "role": "customer_success_manager", "accounts": ["b", "a"], "commit": true });
    let answer = ask_team(ports, "kim", &body).unwrap();
    assert_eq!(outcomes(&answer)[0], ("a", Some("csm-04"), "taken"));
    assert_eq!(answer.accounts[0].reason.as_deref(), Some("`csm-04` looks after it"));
    assert_eq!((outcomes(&answer)[1].0, outcomes(&answer)[1].2), ("b", "given"));
}

#[test]
fn what_cannot_be_shared_out_is_refused_and_says_why() {
    let doubles = Doubles::new();
    accounts(&doubles, &["a"]);
    let many: Vec<String> = (0..301).map(|number| format!("a{number}")).collect();
    for accounts in [json!([]), json!(["a", "a"]), json!(["a", "nobody"]), json!(many)] {
        let body = json!({ "role": "customer_success_manager", "accounts": accounts });
        let refused = ask_team(doubles.ports(), "kim", &body).unwrap_err();
        assert_eq!((refused.status, refused.errors[0].path.as_str()), (422, "accounts"), "{}", refused.detail);
    }
    let refused = ask_team(doubles.ports(), "kim", &json!({ "role": "trainer", "accounts": ["a"] })).unwrap_err();
    assert_eq!(refused.errors[0].path, "role");
}
