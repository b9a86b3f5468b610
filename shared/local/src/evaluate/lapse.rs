//! Lapse on the CDNOW set, real buyers of a shop: who, of those who first bought in the spring of 1997, buys nothing in the
//! 39 weeks after 1997-09-30. Known is what they bought until then.

use super::folds::{mean, predict};
use super::{Better, Problem, Row, text};
use crate::examples::Sheet;
use domain::fixed::Quantity;
use domain::risk::examples::{Examples, Feature, Values};
use domain::risk::measure;
use domain::risk::model::Kind;
use jiff::civil::{Date, date};
use std::collections::BTreeMap;
use std::path::Path;

const FILE: &str = "cdnow.csv";
/// The last day that is known.
const KNOWN_UNTIL: Date = date(1997, 9, 30);
/// The last day that is predicted.
const UNTIL: Date = date(1998, 6, 30);

/// What a buyer did.
#[derive(Debug, Default)]
struct Buyer {
    fold: u8,
    /// Day, number of records, money.
    known: Vec<(Date, f64, f64)>,
    came_back: bool,
}

/// Measures it.
pub fn measure(folder: &Path) -> Result<Vec<Row>, Problem> {
    let malformed = |reason: String| Problem::Malformed { path: folder.join(FILE), reason };
    let sheet = Sheet::read(&text(folder, FILE)?).map_err(|error| malformed(error.to_string()))?;
    let buyers = buyers(&sheet).map_err(malformed)?;
    let folds: Vec<u8> = buyers.iter().map(|buyer| buyer.fold).collect();
    let examples = examples(&buyers).map_err(malformed)?;
    let all = predict(Kind::Churn, &examples, &folds, true)?;
    let row = |figure: &str, ours: f64, (theirs, theirs_by): (f64, &'static str), better: Better| Row {
        task: "lapse",
        set: "CDNOW".to_owned(),
        figure: figure.to_owned(),
        ours,
        theirs,
        theirs_by,
        better,
    };
    Ok(vec![
        row("AUC", mean(&all, measure::auc), (0.7725, "LightGBM"), Better::Higher),
        row("Brier", mean(&all, measure::brier), (0.1579, "logistic"), Better::Lower),
        row("accuracy", mean(&all, measure::accuracy), (0.7795, "logistic"), Better::Higher),
    ])
}

fn buyers(sheet: &Sheet) -> Result<Vec<Buyer>, String> {
    let column = |name: &str| sheet.column(name).map_err(|error| error.to_string());
    let (ids, days, cds) = (column("customer_id")?, column("date")?, column("cds")?);
    let (dollars, folds) = (column("dollars")?, column("fold")?);
    let mut buyers: BTreeMap<&str, Buyer> = BTreeMap::new();
    for (id, (day, (cds, (dollars, fold)))) in
        ids.into_iter().zip(days.iter().zip(cds.iter().zip(dollars.iter().zip(&folds))))
    {
        let day = Date::strptime("%Y%m%d", day).map_err(|error| format!("day `{day}`: {error}"))?;
        let number = |text: &str| text.parse::<f64>().map_err(|error| format!("`{text}`: {error}"));
        let buyer = buyers.entry(id).or_default();
        buyer.fold = fold.parse().map_err(|error| format!("fold `{fold}`: {error}"))?;
        if day <= KNOWN_UNTIL {
            buyer.known.push((day, number(cds)?, number(dollars)?));
        } else if day <= UNTIL {
            buyer.came_back = true;
        }
    }
    Ok(buyers.into_values().filter(|buyer| !buyer.known.is_empty()).collect())
}

/// Recency, frequency, tenure and money, and how these stand to each other.
fn examples(buyers: &[Buyer]) -> Result<Examples, String> {
    type Figure = fn(&Seen) -> Option<f64>;
    let figures: [(&str, Figure); 9] = [
        ("recency_days", |seen| Some(seen.since_last)),
        ("frequency", |seen| Some(seen.days)),
        ("tenure_days", |seen| Some(seen.since_first)),
        ("money", |seen| Some(seen.money)),
        ("cds", |seen| Some(seen.cds)),
        ("money_a_purchase", |seen| Some(seen.money / seen.days)),
        ("days_between", |seen| seen.between()),
        ("recency_to_days_between", |seen| seen.between().map(|between| seen.since_last / between)),
        ("days_in_last_90", |seen| Some(seen.recent)),
    ];
    let seen: Vec<Seen> = buyers.iter().map(Seen::of).collect();
    let feature = |(name, figure): (&str, Figure)| Feature {
        name: name.to_owned(),
        protected: false,
        values: Values::Numbers(
            seen.iter().map(|seen| figure(seen).and_then(|figure| Quantity::from_f64(figure).ok())).collect(),
        ),
    };
    let outcomes = buyers.iter().map(|buyer| !buyer.came_back).collect();
    Examples::new(figures.map(feature).into(), outcomes).map_err(|error| error.to_string())
}

/// What is known of a buyer.
#[derive(Debug)]
struct Seen {
    since_last: f64,
    since_first: f64,
    days: f64,
    recent: f64,
    money: f64,
    cds: f64,
}

impl Seen {
    fn of(buyer: &Buyer) -> Self {
        let mut ages: Vec<i32> = buyer.known.iter().map(|(day, _, _)| (KNOWN_UNTIL - *day).get_days()).collect();
        ages.sort_unstable();
        ages.dedup();
        Self {
            since_last: ages.first().copied().unwrap_or_default().into(),
            since_first: ages.last().copied().unwrap_or_default().into(),
            days: ages.len() as f64,
            recent: ages.iter().filter(|age| **age < 90).count() as f64,
            money: buyer.known.iter().map(|(_, _, money)| money).sum(),
            cds: buyer.known.iter().map(|(_, cds, _)| cds).sum(),
        }
    }

    /// The mean time between purchases; of a single one there is none.
    fn between(&self) -> Option<f64> {
        (self.days > 1.0).then(|| ((self.since_first - self.since_last) / (self.days - 1.0)).max(1.0))
    }
}
