//! What can go wrong is noticed, and whoever is called is told what it means, what to look at and what to do.

use crate::document::{FUNCTIONS, README, attribute, dead_letters, document, list, of_type, reference, wiring};
use contract::message::Lane;
use platform::metrics::{Metric, NAMESPACE};
use serde_json::{Value, json};

fn alarms() -> Vec<(String, Value)> {
    of_type("AWS::CloudWatch::Alarm")
}

/// The one alarm on this metric of this thing.
#[track_caller]
fn alarm_on(namespace: &str, metric: &str, dimension: &str, thing: &Value) -> Value {
    let dimensions = json!([{"Name": dimension, "Value": thing}]);
    let fits = |alarm: &Value| {
        alarm["Namespace"] == namespace && alarm["MetricName"] == metric && alarm["Dimensions"] == dimensions
    };
    let found: Vec<_> = alarms().into_iter().filter(|(_, alarm)| fits(alarm)).collect();
    assert_eq!(found.len(), 1, "alarms on {metric} of {thing}");
    found.into_iter().next().unwrap().1
}

#[track_caller]
fn fires_above(alarm: &Value, threshold: u64) {
    assert_eq!(alarm["ComparisonOperator"], "GreaterThanThreshold");
    assert_eq!(alarm["Threshold"], threshold);
    assert_eq!(alarm["TreatMissingData"], "notBreaching");
}

/// The names of an alarm's metrics, where it computes with several.
fn metrics(alarm: &Value) -> Vec<(Value, Value)> {
    let measured = list(&alarm["Metrics"]).into_iter().filter(|one| one["MetricStat"] != Value::Null);
    measured
        .map(|one| {
            (one["MetricStat"]["Metric"]["MetricName"].clone(), one["MetricStat"]["Metric"]["Dimensions"].clone())
        })
        .collect()
}

/// How many sentences a text has.
fn sentences(text: &str) -> usize {
    text.split_whitespace().filter(|word| word.ends_with('.')).count()
}

#[test]
fn a14_every_queue_of_dead_letters_has_an_alarm() {
    let queues = dead_letters();
    assert_eq!(queues.len(), 7, "{queues:?}");
    for queue in queues {
        let alarm =
            alarm_on("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", &attribute(&queue, "QueueName"));
        fires_above(&alarm, 0);
        assert_eq!(alarm["Statistic"], "Maximum");
        assert_eq!((&alarm["Period"], &alarm["EvaluationPeriods"]), (&json!(60), &json!(1)));
    }
}

#[test]
fn a14_every_queue_has_an_alarm_on_its_oldest_message() {
    for queue in wiring().queues {
        let alarm =
            alarm_on("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", &attribute(&queue.name, "QueueName"));
        let seconds = match (queue.lane, queue.name.as_str()) {
            (Lane::Urgent, _) => 60,
            (Lane::Bulk, _) => 3_600,
            (Lane::Standard, "ScoresQueue" | "FactsQueue") => 900,
            (Lane::Standard, _) => 300,
        };
        fires_above(&alarm, seconds);
        assert_eq!(alarm["Statistic"], "Maximum");
    }
}

#[test]
fn a14_every_function_has_alarms_on_errors_and_throttles() {
    for (_, prefix) in FUNCTIONS {
        for metric in ["Errors", "Throttles"] {
            let alarm = alarm_on("AWS/Lambda", metric, "FunctionName", &reference(&format!("{prefix}Function")));
            fires_above(&alarm, 0);
            assert_eq!(alarm["Statistic"], "Sum");
        }
    }
}

#[test]
fn a14_a_schedule_that_is_missed_is_noticed_by_the_absence_of_its_calls() {
    let document = document();
    let schedules = wiring().schedules;
    assert_eq!(schedules.len(), 5);
    for schedule in schedules {
        let alarm = alarm_on("AWS/Events", "Invocations", "RuleName", &reference(&schedule.name));
        assert_eq!(alarm["ComparisonOperator"], "LessThanThreshold");
        assert_eq!((&alarm["Threshold"], &alarm["TreatMissingData"]), (&json!(1), &json!("breaching")));
        // The alarm's yardstick is a parameter beside the schedule's: their defaults say the same.
        let period = alarm["Period"]["Ref"].as_str().unwrap();
        let expression =
            document["Resources"][&schedule.name]["Properties"]["ScheduleExpression"]["Ref"].as_str().unwrap();
        assert_eq!(period, format!("{expression}Seconds"));
        assert_eq!(document["Parameters"][period]["Default"], schedule.every_seconds, "{}", schedule.name);
    }
}

#[test]
fn a29_an_alert_that_takes_more_than_five_minutes_is_noticed() {
    let alarm = crate::document::properties("EventToAlertAlarm");
    fires_above(&alarm, 5 * 60 * 1000);
    let dimensions = |function: &str| json!([{"Name": "function", "Value": function}, {"Name": "stage", "Value": reference("Stage")}]);
    let name = json!(Metric::EventToEffectMilliseconds.name());
    assert_eq!(metrics(&alarm), [(name.clone(), dimensions("trigger")), (name, dimensions("escalate"))]);
    let measured = list(&alarm["Metrics"]).into_iter().filter(|one| one["MetricStat"] != Value::Null);
    for one in measured {
        assert_eq!(one["MetricStat"]["Metric"]["Namespace"], NAMESPACE);
        assert_eq!(one["MetricStat"]["Stat"], "p99");
    }
}

#[test]
fn a41_a_run_that_does_not_start_is_noticed() {
    let alarm = crate::document::properties("RunsSkippedAlarm");
    fires_above(&alarm, 0);
    let of = |function: &str| {
        let dimensions =
            json!([{"Name": "function", "Value": function}, {"Name": "stage", "Value": reference("Stage")}]);
        (json!(Metric::RunsSkipped.name()), dimensions)
    };
    assert_eq!(metrics(&alarm), ["ingest", "score", "trigger"].map(of), "all that have runs");
}

#[test]
fn a_rule_that_a_kill_switch_holds_is_noticed() {
    let alarm = crate::document::properties("RulesHeldAlarm");
    fires_above(&alarm, 0);
    assert_eq!((&alarm["MetricName"], &alarm["Namespace"]), (&json!(Metric::RulesHeld.name()), &json!(NAMESPACE)));
}

#[test]
fn a_destination_that_is_down_and_what_was_given_up_are_noticed() {
    for (name, metric) in
        [("DestinationDownAlarm", Metric::DestinationsDown), ("NoticesGivenUpAlarm", Metric::NoticesGivenUp)]
    {
        let alarm = crate::document::properties(name);
        fires_above(&alarm, 0);
        assert_eq!((&alarm["MetricName"], &alarm["Namespace"]), (&json!(metric.name()), &json!(NAMESPACE)));
    }
}

#[test]
fn the_table_the_api_and_the_last_resort_have_alarms() {
    let table = crate::document::properties("TableThrottlesAlarm");
    let names: Vec<_> = metrics(&table).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["ReadThrottleEvents", "WriteThrottleEvents"]);
    fires_above(&table, 0);
    let api = crate::document::properties("ApiErrorsAlarm");
    assert_eq!((&api["Namespace"], &api["MetricName"]), (&json!("AWS/ApiGateway"), &json!("5XXError")));
    let lost = ["EventsLostAlarm", "TicksLostAlarm"].map(|alarm| metrics(&crate::document::properties(alarm)));
    assert!(lost.iter().all(|metrics| metrics.len() <= 10), "an alarm takes ten metrics at most");
    let lost = lost.concat();
    assert_eq!(lost.len(), of_type("AWS::Events::Rule").len());
    assert!(lost.iter().all(|(name, _)| name == "InvocationsFailedToBeSentToDlq"));
}

#[test]
fn an_alarm_that_computes_uses_each_of_its_metrics() {
    for (id, alarm) in alarms() {
        let all = list(&alarm["Metrics"]);
        let expression = all.iter().find_map(|one| one["Expression"].as_str()).unwrap_or_default();
        for one in all.iter().filter(|one| one["MetricStat"] != Value::Null) {
            let metric = one["Id"].as_str().unwrap();
            let used = expression.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == metric);
            assert!(used, "{id} does not use `{metric}`");
        }
    }
}

#[test]
fn every_alarm_says_what_it_means_what_to_look_at_and_what_to_do() {
    for (id, alarm) in alarms() {
        let text = alarm["AlarmDescription"].as_str().unwrap();
        assert!(sentences(text) >= 3, "{id} has {} sentences", sentences(text));
        assert!(text.contains("Look at"), "{id} does not say what to look at");
        assert!(text.len() <= 1024, "{id}: CloudWatch takes 1024 characters");
        assert_eq!(alarm["AlarmActions"], json!([reference("AlarmTopic")]), "{id}");
        assert_eq!(alarm["OKActions"], json!([reference("AlarmTopic")]), "{id}");
    }
}

#[test]
fn the_manual_has_every_alarm_and_no_other() {
    let listed: Vec<_> =
        README.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|rest| rest.split_once('`')).collect();
    let mut listed: Vec<_> = listed.into_iter().map(|(name, _)| name).filter(|name| name.ends_with("Alarm")).collect();
    listed.sort_unstable();
    let alarms: Vec<_> = alarms().into_iter().map(|(id, _)| id).collect();
    assert_eq!(listed, alarms);
}

#[test]
fn a_sentence_is_counted_at_its_full_stop() {
    assert_eq!(sentences("One. Two; still two. Three and `a.b` too."), 3);
    assert_eq!(sentences("None"), 0);
}
