//! The table on Amazon DynamoDB.
//!
//! Attributes of an item: `pk` and `sk` (texts, the key), `version` (number), `body` (bytes) and, where it expires,
//! `expires_at` (epoch seconds; DynamoDB deletes some time after). Every read is consistent. An expired item counts as
//! absent in reads and in conditions alike, by this process's clock, whether DynamoDB has deleted it or not.
//!
//! One write is a single conditional request, several are a transaction. A request whose answer was lost is sent again
//! by the client: a transaction is recognised by its token and has its effect once; a single write then fails its own
//! condition and is told as a lost race, which sends the caller to look again.

use crate::clock::Clock;
use crate::lambda::failure::{self, Meaning};
use crate::table::{Expect, Item, Key, MAX_PAGE, Page, Range, Table, TableError, Write, check_limits};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::error::TransactionCanceledException;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem};
use bytes::Bytes;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

const PK: &str = "pk";
const SK: &str = "sk";
const VERSION: &str = "version";
const BODY: &str = "body";
const EXPIRES_AT: &str = "expires_at";

const NOT_THERE: &str = "attribute_not_exists(#pk) OR #expires_at <= :now";
const OF_THIS_VERSION: &str = "#version = :version AND (attribute_not_exists(#expires_at) OR #expires_at > :now)";
const IN_RANGE: &str = "#pk = :pk AND #sk BETWEEN :first AND :last";

/// The client's own map type; no order of it reaches any output.
type Attributes = HashMap<String, AttributeValue>;
type Names = HashMap<String, String>;

/// A table.
#[derive(Clone)]
pub struct DynamoDb {
    client: Client,
    name: String,
    clock: Arc<dyn Clock>,
}

impl DynamoDb {
    /// The table of this name.
    pub(crate) fn new(client: Client, name: String, clock: Arc<dyn Clock>) -> Self {
        Self { client, name, clock }
    }

    /// The item, unless it has expired.
    fn live(&self, attributes: &Attributes) -> Result<Option<Item>, TableError> {
        let now = self.clock.now().as_second();
        let item = read(attributes)?;
        Ok(item.expires_at.is_none_or(|at| at.as_second() > now).then_some(item))
    }
}

#[async_trait]
impl Table for DynamoDb {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        let request =
            self.client.get_item().table_name(&self.name).set_key(Some(key_attributes(key))).consistent_read(true);
        let answer = request.send().await.map_err(|error| failed(error, std::slice::from_ref(key)))?;
        answer.item().map_or(Ok(None), |attributes| self.live(attributes))
    }

    async fn query(&self, range: &Range) -> Result<Page, TableError> {
        let Some(start) = start(range) else {
            return Ok(Page::default());
        };
        let first = if range.first.is_empty() { "\0" } else { &range.first };
        let request = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression(IN_RANGE)
            .set_expression_attribute_names(Some(names([PK, SK])))
            .expression_attribute_values(":pk", text(&range.pk))
            .expression_attribute_values(":first", text(first))
            .expression_attribute_values(":last", text(&range.last))
            .scan_index_forward(!range.descending)
            .set_limit(i32::try_from(range.limit.clamp(1, MAX_PAGE)).ok())
            .set_exclusive_start_key(start.map(|sk| key_attributes(&Key { pk: range.pk.clone(), sk: sk.to_owned() })));
        let answer = request.send().await.map_err(|error| failed(error, &[]))?;
        let mut page = Page::default();
        for attributes in answer.items() {
            page.items.extend(self.live(attributes)?);
        }
        page.next = answer.last_evaluated_key().map(|key| read_text(key, SK)).transpose()?;
        Ok(page)
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), TableError> {
        check_limits(&writes)?;
        let now = self.clock.now();
        match <[Write; 1]>::try_from(writes) {
            Ok([Write::Put { key, expect, body, expires_at }]) => {
                self.put(&key, Condition::of(expect, now), attributes(&key, expect, body, expires_at)).await
            }
            Ok([Write::Delete { key }]) => self.delete(&key).await,
            Ok([check @ Write::Check { .. }]) => self.transact(vec![check], now).await,
            Err(writes) if writes.is_empty() => Ok(()),
            Err(writes) => self.transact(writes, now).await,
        }
    }
}

impl DynamoDb {
    async fn put(&self, key: &Key, condition: Condition, attributes: Attributes) -> Result<(), TableError> {
        let request = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(attributes))
            .condition_expression(condition.expression)
            .set_expression_attribute_names(Some(condition.names))
            .set_expression_attribute_values(Some(condition.values));
        request.send().await.map(drop).map_err(|error| failed(error, std::slice::from_ref(key)))
    }

    async fn delete(&self, key: &Key) -> Result<(), TableError> {
        let request = self.client.delete_item().table_name(&self.name).set_key(Some(key_attributes(key)));
        request.send().await.map(drop).map_err(|error| failed(error, std::slice::from_ref(key)))
    }

    async fn transact(&self, writes: Vec<Write>, now: Timestamp) -> Result<(), TableError> {
        let keys: Vec<Key> = writes.iter().map(|write| write.key().clone()).collect();
        let items = writes.into_iter().map(|write| self.transact_item(write, now)).collect::<Result<Vec<_>, _>>()?;
        match self.client.transact_write_items().set_transact_items(Some(items)).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    of_cancelled(cancelled, &keys)
                }
                _ => failed(error, &keys),
            }),
        }
    }

    fn transact_item(&self, write: Write, now: Timestamp) -> Result<TransactWriteItem, TableError> {
        let item = TransactWriteItem::builder();
        let item = match write {
            Write::Put { key, expect, body, expires_at } => {
                let condition = Condition::of(expect, now);
                let put = Put::builder()
                    .table_name(&self.name)
                    .set_item(Some(attributes(&key, expect, body, expires_at)))
                    .condition_expression(condition.expression)
                    .set_expression_attribute_names(Some(condition.names))
                    .set_expression_attribute_values(Some(condition.values));
                item.put(put.build().map_err(incomplete)?)
            }
            Write::Delete { key } => {
                let delete = Delete::builder().table_name(&self.name).set_key(Some(key_attributes(&key)));
                item.delete(delete.build().map_err(incomplete)?)
            }
            Write::Check { key, expect } => {
                let condition = Condition::of(expect, now);
                let check = ConditionCheck::builder()
                    .table_name(&self.name)
                    .set_key(Some(key_attributes(&key)))
                    .condition_expression(condition.expression)
                    .set_expression_attribute_names(Some(condition.names))
                    .set_expression_attribute_values(Some(condition.values));
                item.condition_check(check.build().map_err(incomplete)?)
            }
        };
        Ok(item.build())
    }
}

/// What must hold for a write, in DynamoDB's words. Names are given as placeholders, because some are reserved.
struct Condition {
    expression: &'static str,
    names: Names,
    values: Attributes,
}

impl Condition {
    fn of(expect: Expect, now: Timestamp) -> Self {
        let mut values = Attributes::from([(":now".to_owned(), number(now.as_second()))]);
        match expect {
            Expect::Absent => Self { expression: NOT_THERE, names: names([PK, EXPIRES_AT]), values },
            Expect::Version(version) => {
                values.insert(":version".to_owned(), number(version));
                Self { expression: OF_THIS_VERSION, names: names([VERSION, EXPIRES_AT]), values }
            }
        }
    }
}

/// Behind which place the query begins (the outer nothing: there is nothing to ask for). DynamoDB refuses an empty range
/// and a start outside the range; here these mean an empty page, and the range's own beginning.
fn start(range: &Range) -> Option<Option<&str>> {
    if range.first > range.last {
        return None;
    }
    let Some(after) = range.after.as_deref() else {
        return Some(None);
    };
    let (before_range, behind_range) = if range.descending {
        (after > range.last.as_str(), after <= range.first.as_str())
    } else {
        (after < range.first.as_str(), after >= range.last.as_str())
    };
    if behind_range { None } else { Some((!before_range).then_some(after)) }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn names<const N: usize>(attributes: [&str; N]) -> Names {
    attributes.into_iter().map(|name| (format!("#{name}"), name.to_owned())).collect()
}

fn key_attributes(key: &Key) -> Attributes {
    Attributes::from([(PK.to_owned(), text(&key.pk)), (SK.to_owned(), text(&key.sk))])
}

fn attributes(key: &Key, expect: Expect, body: Bytes, expires_at: Option<Timestamp>) -> Attributes {
    let mut attributes = key_attributes(key);
    attributes.insert(VERSION.to_owned(), number(expect.next_version()));
    attributes.insert(BODY.to_owned(), AttributeValue::B(Blob::new(body)));
    attributes.extend(expires_at.map(|at| (EXPIRES_AT.to_owned(), number(at.as_second()))));
    attributes
}

fn read(attributes: &Attributes) -> Result<Item, TableError> {
    let key = Key { pk: read_text(attributes, PK)?, sk: read_text(attributes, SK)? };
    let unreadable = |name: &str| TableError::Refused(format!("item {key:?} has no readable `{name}`"));
    let version = match attributes.get(VERSION) {
        Some(AttributeValue::N(version)) => version.parse().ok(),
        _ => None,
    };
    let body = match attributes.get(BODY) {
        Some(AttributeValue::B(body)) => Some(Bytes::copy_from_slice(body.as_ref())),
        _ => None,
    };
    let expires_at = match attributes.get(EXPIRES_AT) {
        None => Ok(None),
        Some(AttributeValue::N(at)) => at
            .parse()
            .ok()
            .and_then(|at| Timestamp::from_second(at).ok())
            .map(Some)
            .ok_or_else(|| unreadable(EXPIRES_AT)),
        Some(_) => Err(unreadable(EXPIRES_AT)),
    }?;
    let version = version.ok_or_else(|| unreadable(VERSION))?;
    let body = body.ok_or_else(|| unreadable(BODY))?;
    Ok(Item { key, version, body, expires_at })
}

fn read_text(attributes: &Attributes, name: &str) -> Result<String, TableError> {
    match attributes.get(name) {
        Some(AttributeValue::S(text)) => Ok(text.clone()),
        _ => Err(TableError::Refused(format!("an item has no readable `{name}`"))),
    }
}

fn incomplete(error: aws_sdk_dynamodb::error::BuildError) -> TableError {
    TableError::Refused(error.to_string())
}

/// What an error means for the caller. `keys` are those that the request wrote to.
fn failed<E>(error: SdkError<E, HttpResponse>, keys: &[Key]) -> TableError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let (code, message) = error.as_service_error().map_or((None, None), |service| (service.code(), service.message()));
    match (code, failure::meaning(&error)) {
        (
            Some(
                "ConditionalCheckFailedException" | "TransactionConflictException" | "ReplicatedWriteConflictException",
            ),
            _,
        ) => TableError::Conflict(keys.to_vec()),
        // Another try with the same token is still at work.
        (Some("TransactionInProgressException"), _) => TableError::Unavailable(Box::new(error)),
        (Some("ItemCollectionSizeLimitExceededException"), _) => TableError::TooLarge(failure::text(&error)),
        (Some("ValidationException"), _) if message.is_some_and(is_about_size) => {
            TableError::TooLarge(message.unwrap_or_default().to_owned())
        }
        (_, Meaning::Throttled) => TableError::Throttled(Some(Box::new(error))),
        (_, Meaning::Unavailable) => TableError::Unavailable(Box::new(error)),
        (_, Meaning::Refused) => TableError::Refused(failure::text(&error)),
    }
}

/// DynamoDB has one code for every fault of a request; a limit shows in the text alone.
fn is_about_size(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("size") && (message.contains("exceed") || message.contains("less than or equal"))
        || message.contains("too large")
}

/// Why a transaction was cancelled: there is one reason for each write, in order. What cannot go well later comes first.
fn of_cancelled(cancelled: &TransactionCanceledException, keys: &[Key]) -> TableError {
    let mut lost = Vec::new();
    let (mut throttled, mut too_large, mut refused) = (false, None, None);
    for (reason, key) in cancelled.cancellation_reasons().iter().zip(keys) {
        let message = reason.message().unwrap_or_default();
        match reason.code().unwrap_or("None") {
            "None" => {}
            "ConditionalCheckFailed" | "TransactionConflict" => lost.push(key.clone()),
            "ProvisionedThroughputExceeded" | "ThrottlingError" => throttled = true,
            "ItemCollectionSizeLimitExceeded" => too_large = Some(format!("{message} at {key:?}")),
            "ValidationError" if is_about_size(message) => too_large = Some(format!("{message} at {key:?}")),
            code => refused = Some(format!("{code}: {message} at {key:?}")),
        }
    }
    match (too_large, refused) {
        (Some(text), _) => TableError::TooLarge(text),
        (None, Some(text)) => TableError::Refused(text),
        (None, None) if !lost.is_empty() => TableError::Conflict(lost),
        (None, None) if throttled => TableError::Throttled(None),
        (None, None) => TableError::Refused(cancelled.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::types::CancellationReason;

    fn range(descending: bool, after: &str) -> Range {
        Range { pk: "p".into(), first: "c".into(), last: "m".into(), descending, limit: 1, after: Some(after.into()) }
    }

    #[test]
    fn a_start_outside_the_range_is_its_beginning_or_its_end() {
        assert_eq!(start(&range(false, "d")), Some(Some("d")));
        assert_eq!(start(&range(false, "a")), Some(None));
        assert_eq!(start(&range(false, "m")), None);
        assert_eq!(start(&range(true, "m")), Some(Some("m")));
        assert_eq!(start(&range(true, "z")), Some(None));
        assert_eq!(start(&range(true, "c")), None);
        assert_eq!(start(&Range { first: "z".into(), after: None, ..range(false, "") }), None);
    }

    fn cancelled(codes: [(&str, &str); 2]) -> TableError {
        let reasons = codes.map(|(code, message)| CancellationReason::builder().code(code).message(message).build());
        let keys = ["a", "b"].map(|sk| Key { pk: "p".into(), sk: sk.into() });
        of_cancelled(
            &TransactionCanceledException::builder().set_cancellation_reasons(Some(reasons.into())).build(),
            &keys,
        )
    }

    #[test]
    fn a_cancelled_transaction_names_the_keys_that_lost() {
        let TableError::Conflict(keys) = cancelled([("None", ""), ("ConditionalCheckFailed", "")]) else {
            panic!("not a conflict")
        };
        assert_eq!(keys.into_iter().map(|key| key.sk).collect::<Vec<_>>(), ["b"]);
        assert!(matches!(cancelled([("TransactionConflict", ""), ("None", "")]), TableError::Conflict(_)));
    }

    #[test]
    fn a_cancelled_transaction_tells_what_helps() {
        assert!(matches!(cancelled([("ThrottlingError", ""), ("None", "")]), TableError::Throttled(_)));
        assert!(matches!(
            cancelled([
                ("ConditionalCheckFailed", ""),
                ("ValidationError", "Item size to update has exceeded the maximum allowed size")
            ]),
            TableError::TooLarge(_)
        ));
        assert!(matches!(
            cancelled([("ValidationError", "The provided key element does not match the schema"), ("None", "")]),
            TableError::Refused(_)
        ));
    }
}
