//! What telemetry says: usage with its weeks, holidays and plots, and how the service performed.

use super::desk::{Desk, MILLION, pull, within};
use super::story::{Actor, Plot};
use contract::signal::SignalBody;
use domain::signal::Metric;

/// How much of a working day's usage each weekday has, in percent, Monday first.
const WEEK: [i64; 7] = [100, 104, 103, 101, 94, 34, 30];

/// Public holidays of the sample's half year, as days from its start on 2026-01-05: Epiphany, Good Friday, Easter
/// Monday, Labour Day, Ascension and Whit Monday.
const HOLIDAYS: [i32; 6] = [1, 88, 91, 116, 129, 140];
/// How much of a working day's usage is left on a holiday, in percent.
const HOLIDAY: i64 = 38;

/// The telemetry of one account on one day of the sample.
pub(super) fn records(desk: &Desk) -> Vec<SignalBody> {
    let actor = desk.actor;
    if silent(actor, desk.day) || actor.gone(desk.day) {
        return Vec::new();
    }
    let mut records = Vec::new();
    let active = active_users(desk);
    records.extend(desk.daily("telemetry", Metric::ActiveUsers, active * MILLION));
    let logins = active * desk.dice(11).between(205, 225) / 100;
    records.extend(desk.daily("telemetry", Metric::Logins, logins * MILLION));
    let strain = actor.strain(desk.day);
    let uptime = pull(99_970_000, 99_000_000, strain) + desk.dice(12).noise(15_000);
    records.extend(desk.daily("telemetry", Metric::Uptime, uptime.min(100 * MILLION)));
    if desk.is_turn(7) {
        records.extend(weekly(desk, active, strain));
    }
    records
}

fn weekly(desk: &Desk, active: i64, strain: i64) -> Vec<SignalBody> {
    // (metric, when well, when broken, noise), in millionths.
    let measured = [
        (Metric::ErrorRate, 180_000, 4_000_000, 30_000),
        (Metric::ResponseTime, 62 * MILLION, 420 * MILLION, 6 * MILLION),
        (Metric::Throughput, 130 * MILLION, 20 * MILLION, 4 * MILLION),
        (Metric::MigrationSuccess, 98_400_000, 70 * MILLION, 400_000),
        (Metric::RollbackTime, 3 * MILLION, 25 * MILLION, 300_000),
        (Metric::FeatureAdoption, 90 * MILLION, 35 * MILLION, MILLION),
        (Metric::TrainingCompletion, 95 * MILLION, 55 * MILLION, 800_000),
    ];
    let mut records: Vec<SignalBody> = (30..)
        .zip(measured)
        .filter_map(|(stream, (metric, well, broken, noise))| {
            let value = pull(well, broken, strain) + desk.dice(stream).noise(noise);
            desk.daily("telemetry", metric, within(metric, value))
        })
        .collect();
    records.extend(desk.daily("telemetry", Metric::FeatureUses, active * desk.dice(13).between(18, 24) * MILLION));
    records.extend(desk.daily("telemetry", Metric::LicensedUsers, desk.actor.licensed * MILLION));
    records
}

fn silent(actor: &Actor, day: i32) -> bool {
    actor.plot == Plot::Outage && actor.plot_day(day).is_some_and(|into| into < 21)
}

/// People who used the product that day: three quarters to four fifths of the licensed ones on a working day.
fn active_users(desk: &Desk) -> i64 {
    let actor = desk.actor;
    let weekday = desk.start.plus(desk.day).weekday();
    let week = WEEK.get(usize::from(weekday)).copied().unwrap_or(100);
    let holiday = if HOLIDAYS.contains(&desk.day) && weekday < 5 { HOLIDAY } else { 100 };
    let share = 76 + actor.index % 6;
    let noise = 1_000 + desk.dice(10).noise(25);
    let expected = actor.licensed * share * week / 10_000;
    (expected * holiday / 100 * level(actor, desk.day) / 1_000_000 * noise / 1_000).clamp(0, actor.licensed)
}

/// Usage against the start of the sample, in millionths.
fn level(actor: &Actor, day: i32) -> i64 {
    let into = actor.plot_day(day);
    match actor.plot {
        Plot::Growth => MILLION * 85 / 100 + 850 * i64::from(day),
        Plot::GentleDecline => MILLION - 1_500 * i64::from(day),
        Plot::Decline => (0..into.map_or(0, |into| (into + 1).min(30))).fold(MILLION, |level, _| level * 98 / 100),
        Plot::Drop if into.is_some() => MILLION / 2,
        Plot::Dip if into.is_some_and(|into| into < 2) => MILLION * 60 / 100,
        Plot::Slide | Plot::DeepSlide => pull(MILLION, MILLION * 70 / 100, actor.strain(day)),
        Plot::Collapse => pull(MILLION, MILLION * 40 / 100, actor.strain(day)),
        _ => MILLION,
    }
}
