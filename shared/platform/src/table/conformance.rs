//! The suite that every table is held to: what the port promises, as named cases.
//!
//! An adapter's test runs each case as a test of its own. A case works in partitions that no other case and no other run
//! touches, so the suite may run against a shared table, in any order and at the same time. A case never waits and never
//! moves a clock: expiry is tried with items that were to expire long ago or far ahead.

use super::{Expect, Item, Key, MAX_BODY_BYTES, MAX_WRITES, Page, Range, Table, TableError, Write, query_all};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// What a case says: nothing, or what was not as promised.
pub type Verdict = Result<(), String>;

/// A promise and how it is tried.
#[derive(Clone, Copy)]
pub struct Case {
    /// The promise, as a name.
    pub name: &'static str,
    /// Tries it.
    pub run: for<'a> fn(&'a Fixture<'a>) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>,
}

/// The table that a case tries, and where in it.
pub struct Fixture<'a> {
    table: &'a dyn Table,
    now: Timestamp,
    pk: String,
}

impl<'a> Fixture<'a> {
    /// A place for one case in this table. `now` is what the table's clock says; `place` tells runs and cases apart.
    pub fn new(table: &'a dyn Table, now: Timestamp, place: &str) -> Self {
        Self { table, now, pk: format!("T#conformance#{place}") }
    }

    fn key(&self, sk: &str) -> Key {
        Key { pk: self.pk.clone(), sk: sk.to_owned() }
    }

    fn put(&self, sk: &str, expect: Expect, body: &[u8]) -> Write {
        Write::Put { key: self.key(sk), expect, body: Bytes::copy_from_slice(body), expires_at: None }
    }

    fn expiring(&self, sk: &str, expect: Expect, body: &[u8], in_seconds: i64) -> Write {
        let expires_at = Some(self.now + SignedDuration::from_secs(in_seconds));
        Write::Put { key: self.key(sk), expect, body: Bytes::copy_from_slice(body), expires_at }
    }

    async fn get(&self, sk: &str) -> Result<Option<Item>, String> {
        self.table.get(&self.key(sk)).await.map_err(|error| format!("get `{sk}`: {error}"))
    }

    async fn version(&self, sk: &str) -> Result<Option<u64>, String> {
        Ok(self.get(sk).await?.map(|item| item.version))
    }

    async fn commit(&self, writes: Vec<Write>) -> Verdict {
        self.table.commit(writes).await.map_err(|error| format!("commit: {error}"))
    }

    async fn fill(&self, places: &[&str]) -> Verdict {
        self.commit(places.iter().map(|sk| self.put(sk, Expect::Absent, sk.as_bytes())).collect()).await
    }

    async fn query(&self, range: &Range) -> Result<Page, String> {
        self.table.query(range).await.map_err(|error| format!("query {range:?}: {error}"))
    }

    async fn places(&self, range: Range) -> Result<Vec<String>, String> {
        let items = query_all(self.table, range).await.map_err(|error| format!("query: {error}"))?;
        Ok(items.into_iter().map(|item| item.key.sk).collect())
    }

    fn range(&self, first: &str, last: &str) -> Range {
        Range { first: first.into(), last: last.into(), ..Range::prefix(self.pk.clone(), "") }
    }

    async fn loses(&self, writes: Vec<Write>, at: &[&str]) -> Verdict {
        match self.table.commit(writes).await {
            Err(TableError::Conflict(keys)) => {
                let mut places: Vec<String> = keys.into_iter().map(|key| key.sk).collect();
                places.sort();
                same(places.as_slice(), at, "the places of the lost race")
            }
            other => Err(format!("expected a lost race at {at:?}, got {other:?}")),
        }
    }
}

fn same<A: PartialEq<B> + std::fmt::Debug + ?Sized, B: std::fmt::Debug + ?Sized>(
    actual: &A,
    expected: &B,
    what: &str,
) -> Verdict {
    if actual == expected { Ok(()) } else { Err(format!("{what}: expected {expected:?}, got {actual:?}")) }
}

macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        /// Every case.
        pub const CASES: &[Case] = &[$(Case { name: stringify!($name), run: |fixture| Box::pin($name(fixture)) }),*];
    };
}

cases![
    what_was_put_is_read_back,
    an_item_that_is_not_there_is_nothing,
    versions_begin_at_one_and_grow_by_one,
    a_put_that_expects_nothing_loses_to_an_item,
    a_put_of_an_old_version_loses_and_changes_nothing,
    a_put_of_a_version_loses_where_nothing_is,
    a_deleted_item_is_gone_and_begins_again_at_one,
    deleting_nothing_is_done_already,
    a_group_is_written_as_a_whole,
    a_group_with_one_lost_race_writes_nothing_and_names_it,
    a_group_names_every_lost_race,
    a_group_may_reach_over_partitions,
    a_check_holds_or_fails_the_group_and_writes_nothing,
    an_empty_commit_does_nothing,
    two_writes_at_one_key_are_refused,
    an_item_over_the_limit_is_refused_and_one_at_it_is_not,
    too_many_writes_are_refused_and_the_most_are_not,
    too_many_bytes_are_refused,
    an_empty_or_overlong_key_is_refused,
    a_range_includes_both_its_ends,
    a_range_stays_in_its_partition,
    a_prefix_ends_where_it_ends,
    an_empty_prefix_is_the_whole_partition,
    pages_follow_one_another_upwards,
    pages_follow_one_another_downwards,
    a_page_goes_on_behind_a_place_that_was_deleted,
    a_page_goes_on_behind_a_place_outside_the_range,
    large_items_come_in_pages_and_all_of_them,
    places_are_ordered_by_their_bytes,
    a_body_is_bytes_and_may_be_empty,
    an_expired_item_is_absent_in_get,
    an_expired_item_is_absent_in_a_query_and_pages_go_on,
    an_expired_item_is_absent_to_conditions,
    an_item_that_expires_later_is_there,
    expiry_is_told_in_whole_seconds_and_can_be_taken_away,
    of_concurrent_commits_of_one_version_one_wins,
    concurrent_commits_that_retry_lose_nothing,
    concurrent_groups_never_mix,
];

async fn what_was_put_is_read_back(at: &Fixture<'_>) -> Verdict {
    at.commit(vec![at.put("a", Expect::Absent, b"{\"x\":1}")]).await?;
    let expected = Item { key: at.key("a"), version: 1, body: Bytes::from_static(b"{\"x\":1}"), expires_at: None };
    same(&at.get("a").await?, &Some(expected), "the item")
}

async fn an_item_that_is_not_there_is_nothing(at: &Fixture<'_>) -> Verdict {
    same(&at.get("never written").await?, &None, "the item")?;
    same(&at.query(&at.range("a", "z")).await?, &Page::default(), "a range of nothing")
}

async fn versions_begin_at_one_and_grow_by_one(at: &Fixture<'_>) -> Verdict {
    let mut expect = Expect::Absent;
    for version in 1..=4 {
        at.commit(vec![at.put("a", expect, b"")]).await?;
        let item = at.get("a").await?;
        same(&item.as_ref().map(|item| item.version), &Some(version), "version")?;
        expect = Expect::of(item.as_ref());
    }
    Ok(())
}

async fn a_put_that_expects_nothing_loses_to_an_item(at: &Fixture<'_>) -> Verdict {
    at.fill(&["a"]).await?;
    at.loses(vec![at.put("a", Expect::Absent, b"other")], &["a"]).await?;
    same(&at.get("a").await?.map(|item| item.body), &Some(Bytes::from_static(b"a")), "the body")
}

async fn a_put_of_an_old_version_loses_and_changes_nothing(at: &Fixture<'_>) -> Verdict {
    at.fill(&["a"]).await?;
    at.commit(vec![at.put("a", Expect::Version(1), b"second")]).await?;
    at.loses(vec![at.put("a", Expect::Version(1), b"late")], &["a"]).await?;
    at.loses(vec![at.put("a", Expect::Version(3), b"early")], &["a"]).await?;
    let item = at.get("a").await?;
    same(&item.map(|item| (item.version, item.body)), &Some((2, Bytes::from_static(b"second"))), "the item")
}

async fn a_put_of_a_version_loses_where_nothing_is(at: &Fixture<'_>) -> Verdict {
    at.loses(vec![at.put("a", Expect::Version(1), b"")], &["a"]).await?;
    same(&at.get("a").await?, &None, "the item")
}

async fn a_deleted_item_is_gone_and_begins_again_at_one(at: &Fixture<'_>) -> Verdict {
    at.fill(&["a"]).await?;
    at.commit(vec![at.put("a", Expect::Version(1), b"")]).await?;
    at.commit(vec![Write::Delete { key: at.key("a") }]).await?;
    same(&at.get("a").await?, &None, "the deleted item")?;
    at.commit(vec![at.put("a", Expect::Absent, b"")]).await?;
    same(&at.version("a").await?, &Some(1), "the version of the new item")
}

async fn deleting_nothing_is_done_already(at: &Fixture<'_>) -> Verdict {
    at.commit(vec![Write::Delete { key: at.key("a") }, at.put("b", Expect::Absent, b"")]).await?;
    same(&(at.version("a").await?, at.version("b").await?), &(None, Some(1)), "versions")
}

async fn a_group_is_written_as_a_whole(at: &Fixture<'_>) -> Verdict {
    at.fill(&["a", "b"]).await?;
    at.commit(vec![
        at.put("a", Expect::Version(1), b"new"),
        Write::Delete { key: at.key("b") },
        at.put("c", Expect::Absent, b""),
    ])
    .await?;
    let versions = (at.version("a").await?, at.version("b").await?, at.version("c").await?);
    same(&versions, &(Some(2), None, Some(1)), "versions")
}

async fn a_group_with_one_lost_race_writes_nothing_and_names_it(at: &Fixture<'_>) -> Verdict {
    at.fill(&["a", "b"]).await?;
    let group = vec![
        at.put("a", Expect::Version(1), b"new"),
        at.put("b", Expect::Version(7), b"new"),
        at.put("c", Expect::Absent, b"new"),
        Write::Delete { key: at.key("a2") },
    ];
    at.loses(group, &["b"]).await?;
    let versions = (at.version("a").await?, at.version("b").await?, at.version("c").await?);
    same(&versions, &(Some(1), Some(1), None), "versions")
}

async fn a_group_names_every_lost_race(at: &Fixture<'_>) -> Verdict {
    at.fill(&["a", "b", "c"]).await?;
    let group = vec![
        at.put("a", Expect::Absent, b""),
        at.put("b", Expect::Version(1), b""),
        Write::Check { key: at.key("c"), expect: Expect::Version(2) },
    ];
    at.loses(group, &["a", "c"]).await
}

async fn a_group_may_reach_over_partitions(at: &Fixture<'_>) -> Verdict {
    let other = Key { pk: format!("{}#other", at.pk), sk: "a".into() };
    let there = Write::Put { key: other.clone(), expect: Expect::Absent, body: Bytes::new(), expires_at: None };
    at.commit(vec![at.put("a", Expect::Absent, b""), there.clone()]).await?;
    let item = at.table.get(&other).await.map_err(|error| error.to_string())?;
    same(&item.map(|item| item.version), &Some(1), "the other partition's item")?;
    at.loses(vec![at.put("b", Expect::Absent, b""), there], &["a"]).await?;
    same(&at.version("b").await?, &None, "the item beside the lost race")
}

async fn a_check_holds_or_fails_the_group_and_writes_nothing(at: &Fixture<'_>) -> Verdict {
    at.fill(&["a"]).await?;
    let check = |sk: &str, expect| Write::Check { key: at.key(sk), expect };
    at.commit(vec![check("a", Expect::Version(1)), check("nothing", Expect::Absent), at.put("b", Expect::Absent, b"")])
        .await?;
    same(&(at.version("a").await?, at.version("nothing").await?), &(Some(1), None), "versions of what was checked")?;
    at.loses(vec![check("a", Expect::Version(2)), at.put("c", Expect::Absent, b"")], &["a"]).await?;
    at.loses(vec![check("a", Expect::Absent), at.put("c", Expect::Absent, b"")], &["a"]).await?;
    at.loses(vec![check("nothing", Expect::Version(1)), at.put("c", Expect::Absent, b"")], &["nothing"]).await?;
    same(&at.version("c").await?, &None, "the item beside the failed checks")
}

async fn an_empty_commit_does_nothing(at: &Fixture<'_>) -> Verdict {
    at.commit(Vec::new()).await
}

async fn two_writes_at_one_key_are_refused(at: &Fixture<'_>) -> Verdict {
    let twice = vec![at.put("a", Expect::Absent, b"1"), Write::Delete { key: at.key("a") }];
    match at.table.commit(twice).await {
        Err(TableError::Refused(_)) => same(&at.get("a").await?, &None, "the item"),
        other => Err(format!("expected a refusal, got {other:?}")),
    }
}

async fn an_item_over_the_limit_is_refused_and_one_at_it_is_not(at: &Fixture<'_>) -> Verdict {
    at.commit(vec![at.put("most", Expect::Absent, &vec![b'x'; MAX_BODY_BYTES])]).await?;
    same(&at.get("most").await?.map(|item| item.body.len()), &Some(MAX_BODY_BYTES), "the largest body")?;
    match at.table.commit(vec![at.put("over", Expect::Absent, &vec![b'x'; MAX_BODY_BYTES + 1])]).await {
        Err(TableError::TooLarge(_)) => same(&at.get("over").await?, &None, "the item over the limit"),
        other => Err(format!("expected it to be too large, got {other:?}")),
    }
}

async fn too_many_writes_are_refused_and_the_most_are_not(at: &Fixture<'_>) -> Verdict {
    let puts = |count: usize, kind: &str| -> Vec<Write> {
        (0..count).map(|n| at.put(&format!("{kind}{n:04}"), Expect::Absent, b"x")).collect()
    };
    at.commit(puts(MAX_WRITES, "most")).await?;
    same(&at.places(Range::prefix(at.pk.clone(), "most")).await?.len(), &MAX_WRITES, "items written")?;
    match at.table.commit(puts(MAX_WRITES + 1, "over")).await {
        Err(TableError::TooLarge(_)) => {
            same(&at.places(Range::prefix(at.pk.clone(), "over")).await?.len(), &0, "items written of too many")
        }
        other => Err(format!("expected it to be too large, got {other:?}")),
    }
}

async fn too_many_bytes_are_refused(at: &Fixture<'_>) -> Verdict {
    let body = vec![b'x'; MAX_BODY_BYTES];
    let writes = (0..11).map(|n| at.put(&format!("{n:02}"), Expect::Absent, &body)).collect();
    match at.table.commit(writes).await {
        Err(TableError::TooLarge(_)) => same(&at.get("00").await?, &None, "the first item"),
        other => Err(format!("expected it to be too large, got {other:?}")),
    }
}

async fn an_empty_or_overlong_key_is_refused(at: &Fixture<'_>) -> Verdict {
    for key in [at.key(""), at.key(&"k".repeat(1025)), Key { pk: String::new(), sk: "a".into() }] {
        let write = Write::Put { key, expect: Expect::Absent, body: Bytes::new(), expires_at: None };
        match at.table.commit(vec![write]).await {
            Err(TableError::Refused(_) | TableError::TooLarge(_)) => {}
            other => return Err(format!("expected a refusal, got {other:?}")),
        }
    }
    Ok(())
}

async fn a_range_includes_both_its_ends(at: &Fixture<'_>) -> Verdict {
    at.fill(&["a", "b", "c", "d", "e"]).await?;
    same(&at.places(at.range("b", "d")).await?, &["b", "c", "d"], "upwards")?;
    same(&at.places(at.range("b", "d").newest_first()).await?, &["d", "c", "b"], "downwards")?;
    same(&at.places(at.range("c", "c")).await?, &["c"], "of one place")?;
    same(&at.places(at.range("bb", "bc")).await?.len(), &0, "between two places")
}

async fn a_range_stays_in_its_partition(at: &Fixture<'_>) -> Verdict {
    at.fill(&["a", "z"]).await?;
    for pk in [format!("{}!", at.pk), format!("{}\u{7f}", at.pk)] {
        let write = Write::Put {
            key: Key { pk, sk: "m".into() },
            expect: Expect::Absent,
            body: Bytes::new(),
            expires_at: None,
        };
        at.commit(vec![write]).await?;
    }
    same(&at.places(Range::prefix(at.pk.clone(), "")).await?, &["a", "z"], "the partition's places")
}

async fn a_prefix_ends_where_it_ends(at: &Fixture<'_>) -> Verdict {
    at.fill(&["state", "state#", "state#a", "state#z#9", "state#é", "state#\u{10FFFE}", "state$", "statf", "stat"])
        .await?;
    let expected = ["state#", "state#a", "state#z#9", "state#é", "state#\u{10FFFE}"];
    same(&at.places(Range::prefix(at.pk.clone(), "state#")).await?, &expected, "places with the prefix")
}

async fn an_empty_prefix_is_the_whole_partition(at: &Fixture<'_>) -> Verdict {
    at.fill(&["!", "0", "Z", "z", "é"]).await?;
    same(&at.places(Range::prefix(at.pk.clone(), "")).await?, &["!", "0", "Z", "z", "é"], "places")
}

/// Reads a range in pages of two, holding each page to its limit.
async fn paged(at: &Fixture<'_>, mut range: Range) -> Result<Vec<String>, String> {
    let mut places = Vec::new();
    range = range.limit(2);
    for _ in 0..100 {
        let page = at.query(&range).await?;
        if page.items.len() > 2 {
            return Err(format!("a page of two holds {}", page.items.len()));
        }
        places.extend(page.items.into_iter().map(|item| item.key.sk));
        let Some(next) = page.next else { return Ok(places) };
        range = range.after(Some(next));
    }
    Err("the pages do not end".to_owned())
}

async fn pages_follow_one_another_upwards(at: &Fixture<'_>) -> Verdict {
    at.fill(&["a", "b", "c", "d", "e", "f", "g"]).await?;
    same(&paged(at, at.range("b", "f")).await?, &["b", "c", "d", "e", "f"], "an odd number")?;
    same(&paged(at, at.range("b", "e")).await?, &["b", "c", "d", "e"], "an even number")
}

async fn pages_follow_one_another_downwards(at: &Fixture<'_>) -> Verdict {
    at.fill(&["a", "b", "c", "d", "e", "f", "g"]).await?;
    same(&paged(at, at.range("b", "f").newest_first()).await?, &["f", "e", "d", "c", "b"], "an odd number")?;
    same(&paged(at, at.range("b", "e").newest_first()).await?, &["e", "d", "c", "b"], "an even number")
}

async fn a_page_goes_on_behind_a_place_that_was_deleted(at: &Fixture<'_>) -> Verdict {
    at.fill(&["a", "b", "c", "d"]).await?;
    at.commit(vec![Write::Delete { key: at.key("b") }]).await?;
    same(&at.places(at.range("a", "d").after(Some("b".into()))).await?, &["c", "d"], "upwards")?;
    same(&at.places(at.range("a", "d").newest_first().after(Some("b".into()))).await?, &["a"], "downwards")
}

async fn a_page_goes_on_behind_a_place_outside_the_range(at: &Fixture<'_>) -> Verdict {
    at.fill(&["a", "b", "c", "d", "e"]).await?;
    same(&at.places(at.range("b", "d").after(Some("a".into()))).await?, &["b", "c", "d"], "upwards, before it")?;
    same(&at.places(at.range("b", "d").after(Some("d".into()))).await?.len(), &0, "upwards, at its end")?;
    same(
        &at.places(at.range("b", "d").newest_first().after(Some("e".into()))).await?,
        &["d", "c", "b"],
        "downwards, before it",
    )?;
    same(
        &at.places(at.range("b", "d").newest_first().after(Some("b".into()))).await?.len(),
        &0,
        "downwards, at its end",
    )
}

async fn large_items_come_in_pages_and_all_of_them(at: &Fixture<'_>) -> Verdict {
    let body = vec![b'x'; 300 * 1024];
    let places: Vec<String> = (0..8).map(|n| format!("{n}")).collect();
    for sk in &places {
        at.commit(vec![at.put(sk, Expect::Absent, &body)]).await?;
    }
    same(&at.places(at.range("0", "9")).await?, &places, "places")
}

async fn places_are_ordered_by_their_bytes(at: &Fixture<'_>) -> Verdict {
    // Upper case before lower case, accents behind ASCII, and by UTF-8, not by UTF-16: U+FFFD sorts before U+1F600.
    let sorted = [" ", "#", "10", "9", "A", "Z", "a", "a b", "aa", "zürich", "é", "東京", "\u{fffd}", "\u{1F600}"];
    let mut shuffled = sorted;
    shuffled.reverse();
    shuffled.swap(2, 9);
    at.fill(&shuffled).await?;
    same(&at.places(Range::prefix(at.pk.clone(), "")).await?, &sorted, "upwards")?;
    for sk in sorted {
        same(&at.get(sk).await?.map(|item| item.body), &Some(Bytes::copy_from_slice(sk.as_bytes())), sk)?;
    }
    Ok(())
}

async fn a_body_is_bytes_and_may_be_empty(at: &Fixture<'_>) -> Verdict {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    at.commit(vec![at.put("bytes", Expect::Absent, &every_byte), at.put("empty", Expect::Absent, b"")]).await?;
    same(&at.get("bytes").await?.map(|item| item.body), &Some(Bytes::from(every_byte)), "every byte")?;
    same(&at.get("empty").await?.map(|item| item.body), &Some(Bytes::new()), "no byte")
}

async fn an_expired_item_is_absent_in_get(at: &Fixture<'_>) -> Verdict {
    at.commit(vec![at.expiring("a", Expect::Absent, b"old", -60)]).await?;
    same(&at.get("a").await?, &None, "the expired item")
}

async fn an_expired_item_is_absent_in_a_query_and_pages_go_on(at: &Fixture<'_>) -> Verdict {
    let mut writes = Vec::new();
    for (n, sk) in ["a", "b", "c", "d", "e", "f", "g"].into_iter().enumerate() {
        writes.push(if matches!(n, 0 | 2 | 3 | 4) {
            at.expiring(sk, Expect::Absent, b"", -60)
        } else {
            at.put(sk, Expect::Absent, b"")
        });
    }
    at.commit(writes).await?;
    same(&at.places(at.range("a", "g")).await?, &["b", "f", "g"], "in one page")?;
    same(&paged(at, at.range("a", "g")).await?, &["b", "f", "g"], "in pages, upwards")?;
    same(&paged(at, at.range("a", "g").newest_first()).await?, &["g", "f", "b"], "in pages, downwards")
}

async fn an_expired_item_is_absent_to_conditions(at: &Fixture<'_>) -> Verdict {
    let old = |sk: &str| at.expiring(sk, Expect::Absent, b"old", -60);
    at.commit(vec![old("checked"), old("replaced"), old("updated"), old("deleted")]).await?;
    at.commit(vec![
        Write::Check { key: at.key("checked"), expect: Expect::Absent },
        at.put("beside", Expect::Absent, b""),
    ])
    .await?;
    at.loses(
        vec![Write::Check { key: at.key("checked"), expect: Expect::Version(1) }, at.put("more", Expect::Absent, b"")],
        &["checked"],
    )
    .await?;
    at.loses(vec![at.put("updated", Expect::Version(1), b"new")], &["updated"]).await?;
    at.commit(vec![Write::Delete { key: at.key("deleted") }]).await?;
    at.commit(vec![at.put("replaced", Expect::Absent, b"new")]).await?;
    let item = at.get("replaced").await?;
    let expected = Some((1, Bytes::from_static(b"new"), None));
    same(&item.map(|item| (item.version, item.body, item.expires_at)), &expected, "what took the expired item's place")
}

async fn an_item_that_expires_later_is_there(at: &Fixture<'_>) -> Verdict {
    at.commit(vec![at.expiring("a", Expect::Absent, b"", 3600)]).await?;
    same(&at.version("a").await?, &Some(1), "the version")?;
    same(&at.places(at.range("a", "a")).await?, &["a"], "in a query")?;
    at.loses(vec![at.put("a", Expect::Absent, b"")], &["a"]).await
}

async fn expiry_is_told_in_whole_seconds_and_can_be_taken_away(at: &Fixture<'_>) -> Verdict {
    let second = Timestamp::from_second(at.now.as_second() + 3600).map_err(|error| error.to_string())?;
    let within = second + SignedDuration::from_millis(250);
    let write = |expect, expires_at| Write::Put { key: at.key("a"), expect, body: Bytes::new(), expires_at };
    at.commit(vec![write(Expect::Absent, Some(within))]).await?;
    same(&at.get("a").await?.map(|item| item.expires_at), &Some(Some(second)), "the expiry")?;
    at.commit(vec![write(Expect::Version(1), None)]).await?;
    same(&at.get("a").await?.map(|item| item.expires_at), &Some(None), "the expiry taken away")
}

async fn of_concurrent_commits_of_one_version_one_wins(at: &Fixture<'_>) -> Verdict {
    at.fill(&["a"]).await?;
    let racers = (0..8_u8).map(|n| at.table.commit(vec![at.put("a", Expect::Version(1), &[n])])).collect();
    let results = together(racers).await;
    let winners: Vec<u8> = (0..8).zip(&results).filter(|(_, result)| result.is_ok()).map(|(n, _)| n).collect();
    for result in results {
        if !matches!(result, Ok(()) | Err(TableError::Conflict(_))) {
            return Err(format!("expected a lost race, got {result:?}"));
        }
    }
    same(&winners.len(), &1, "winners")?;
    same(&at.get("a").await?.map(|item| (item.version, item.body.to_vec())), &Some((2, winners)), "the winner's item")
}

async fn concurrent_commits_that_retry_lose_nothing(at: &Fixture<'_>) -> Verdict {
    let counted =
        together((0..6).map(|_| Box::pin(count_up(at)) as Pin<Box<dyn Future<Output = Verdict> + Send>>).collect());
    counted.await.into_iter().collect::<Verdict>()?;
    let item = at.get("count").await?;
    same(&item.map(|item| (item.version, item.body.len())), &Some((6, 6)), "the count")
}

/// Adds a byte to an item, again and again until no race is lost.
async fn count_up(at: &Fixture<'_>) -> Verdict {
    for _ in 0..100 {
        let item = at.get("count").await?;
        let length = item.as_ref().map_or(0, |item| item.body.len());
        let body = vec![b'+'; length + 1];
        match at.table.commit(vec![at.put("count", Expect::of(item.as_ref()), &body)]).await {
            Err(error) if error.is_retryable() => {}
            result => return result.map_err(|error| error.to_string()),
        }
    }
    Err("lost a hundred races".to_owned())
}

async fn concurrent_groups_never_mix(at: &Fixture<'_>) -> Verdict {
    let group = |n: u8| {
        vec![at.put("a", Expect::Absent, &[n]), at.put("b", Expect::Absent, &[n]), at.put("c", Expect::Absent, &[n])]
    };
    let results = together((0..6).map(|n| at.table.commit(group(n))).collect()).await;
    same(&results.iter().filter(|result| result.is_ok()).count(), &1, "winners")?;
    let bodies = [at.get("a").await?, at.get("b").await?, at.get("c").await?].map(|item| item.map(|item| item.body));
    if bodies.iter().all(|body| body.is_some() && *body == bodies[0]) {
        Ok(())
    } else {
        Err(format!("the groups mixed: {bodies:?}"))
    }
}

/// Runs futures at the same time in one task, and gives their results in order.
async fn together<T>(mut futures: Vec<Pin<Box<dyn Future<Output = T> + Send + '_>>>) -> Vec<T>
where
    T: Send,
{
    let mut results: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, result) in futures.iter_mut().zip(&mut results) {
            if result.is_none()
                && let Poll::Ready(value) = future.as_mut().poll(context)
            {
                *result = Some(value);
            }
        }
        if results.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    results.into_iter().flatten().collect()
}
