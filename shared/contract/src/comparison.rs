//! The bodies of a scorecard's dry run: what another scorecard would make of the portfolio, and how it would have done.

use crate::problem::Fault;
use crate::scorecard::ScorecardFile;
use domain::band::Band;
use domain::comparison::{Comparison, Judgement, Mover, Side, Terms};
use domain::fixed::{Points, Quantity, divide_half_even};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Within how many days whoever leaves is looked for where nobody says.
const HORIZON_DAYS: u16 = 90;

/// `POST /scorecards/dry-run`: scores the portfolio and its past by a candidate beside the scorecard that holds. Nothing
/// is changed by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DryRunRequest {
    /// The candidate. Where it names segments, only their accounts are compared; where it names none, those whose segment
    /// has no scorecard of its own, or all where `against` names the other one.
    pub scorecard: ScorecardFile,
    /// The fingerprint of another scorecard than the one that holds, to compare with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// How many days of the past are looked at, 7 to 365; 182 where nothing is given. Data are kept for 400 days, so the
    /// beginning of a long past rests on less.
    #[serde(default = "half_a_year")]
    pub days: u16,
    /// Every so many days of the past an account is scored, 1 to 28; 7 where nothing is given. Between two of them the
    /// score is taken to be that of the later; with 1 it is scored as often as by daily runs.
    #[serde(default = "a_week")]
    pub step_days: u16,
    /// A score is judged by whether the account left within so many days after it: from 1 to the earliest day that is
    /// looked at; where nothing is given 90, or that day where it is less far back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizon_days: Option<u16>,
    /// An account in this band or a lower one is an alert; `critical` where nothing is given.
    #[serde(default = "critical")]
    #[schemars(with = "String")]
    pub alert_at: Band,
}

const fn half_a_year() -> u16 {
    182
}

const fn a_week() -> u16 {
    7
}

const fn critical() -> Band {
    Band::Critical
}

impl DryRunRequest {
    /// A request with nothing but a candidate.
    pub const fn of(scorecard: ScorecardFile) -> Self {
        Self {
            scorecard,
            against: None,
            days: half_a_year(),
            step_days: a_week(),
            horizon_days: None,
            alert_at: critical(),
        }
    }

    /// What is looked at, or everything that is wrong with it.
    pub fn terms(&self) -> Result<Terms, Vec<Fault>> {
        let Self { days, step_days, alert_at, .. } = *self;
        let mut terms = Terms { days, step_days, horizon_days: 1, alert_at };
        terms.horizon_days = self.horizon_days.unwrap_or_else(|| HORIZON_DAYS.min(terms.earliest()));
        let faults: Vec<Fault> = terms.faults().into_iter().map(|(name, reason)| Fault::new(name, reason)).collect();
        if faults.is_empty() { Ok(terms) } else { Err(faults) }
    }
}

/// `GET /scorecards/dry-runs/{id}`: how far a dry run has come, and what it has found so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DryRunAnswer {
    /// Which dry run.
    pub dry_run: String,
    /// `running`, `complete`, or `stalled`: nothing has moved for six hours, because its messages are dead letters; it goes
    /// on when they are put back.
    pub status: String,
    /// How many accounts were looked at so far.
    pub visited: u64,
    /// How many of them the candidate would not score: of other segments, or with a scorecard of their own.
    pub not_compared: u64,
    /// The moment that today stands for.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// Who asked.
    pub asked_by: String,
    /// The candidate's name and version.
    pub scorecard: String,
    /// The fingerprint of its content.
    pub scorecard_hash: String,
    /// The fingerprint of the scorecard to compare with; absent where each account was compared by the one that holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// How many days of the past were looked at.
    pub days: u16,
    /// Every so many days.
    pub step_days: u16,
    /// Scores were judged by who left within so many days.
    pub horizon_days: u16,
    /// Accounts in this band or a lower one were alerts.
    pub alert_at: String,
    /// What came of it.
    #[serde(flatten)]
    pub found: ComparisonBody,
}

/// Two scorecards side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComparisonBody {
    /// Customers that were scored by either.
    pub accounts: u64,
    /// Customers of which neither knows anything within the days.
    pub unscored: u64,
    /// Accounts that have left.
    pub left: u64,
    /// Those of them of which nobody recorded when; nothing is judged by them.
    pub left_undated: u64,
    /// Customers that would be in another band.
    pub changed_band: u64,
    /// How many customers are in which band by the one and by the other; together they are `accounts`.
    pub moves: Vec<MoveBody>,
    /// The mean of the differences, candidate less today's, of those that are scored by both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_difference: Option<String>,
    /// The accounts whose score differs most, 20 at most.
    pub movers: Vec<MoverBody>,
    /// By the scorecard that holds, or that was named.
    pub today: SideBody,
    /// By the candidate.
    pub candidate: SideBody,
}

/// Customers that are in one band by today's scorecard and in another, or the same, by the candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MoveBody {
    /// The band by today's; absent where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The band by the candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How many customers.
    pub accounts: u64,
    /// What they pay in a year, in hundredths of the currency unit.
    pub arr_cents: i64,
}

/// An account whose score differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MoverBody {
    /// Which account.
    pub account: String,
    /// Its score by today's scorecard.
    pub today: String,
    /// Its score by the candidate.
    pub candidate: String,
    /// Its band by today's scorecard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Its band by the candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// What one scorecard makes of the portfolio. Shares are of 1; they are absent where there is nothing to divide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SideBody {
    /// How often an account fell into the alert bands within the days.
    pub alerts: u64,
    /// The same for a week.
    pub alerts_per_week: String,
    /// Customers that are there today.
    pub alerting: u64,
    /// Customers that have too little data today; where all have aged, the last score stands.
    pub provisional: u64,
    /// How many accounts are judged: customers at the last look of which it is known who left within the horizon.
    pub judged: u64,
    /// How many of them left within the horizon.
    pub judged_left: u64,
    /// Their share: what alerts for everybody would have as precision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_rate: Option<String>,
    /// How often one that left had the lower score than one that stayed, equal ones counted half (area under the ROC
    /// curve; scores are told apart to a tenth of a point).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc: Option<String>,
    /// The share of the alerts that left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<String>,
    /// The share of those that left that were alerts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall: Option<String>,
    /// How many accounts left within the days.
    pub leavers: u64,
    /// How many of them were alerts when they left.
    pub warned: u64,
    /// How many accounts left within the days that were looked at for at least 90 days before.
    pub leavers_90_days: u64,
    /// How many of those had been alerts for as long.
    pub warned_90_days: u64,
    /// The median of the days for which they had been. Nobody is looked at for longer than `days`, so it may be more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_lead_days: Option<i32>,
}

impl ComparisonBody {
    /// A comparison in words and numbers.
    pub fn of(comparison: &Comparison, terms: &Terms) -> Self {
        let both = i128::from(comparison.scored_by_both);
        let mean = (both > 0).then(|| divide_half_even(comparison.shift_micros.into(), both));
        let mean = mean.and_then(|micros| i64::try_from(micros).ok()).map(Points::from_micros);
        Self {
            accounts: comparison.accounts,
            unscored: comparison.unscored,
            left: comparison.left,
            left_undated: comparison.left_undated,
            changed_band: comparison.changed_band(),
            moves: comparison
                .moves
                .iter()
                .map(|moved| MoveBody {
                    from: name(moved.from),
                    to: name(moved.to),
                    accounts: moved.accounts,
                    arr_cents: moved.arr.cents(),
                })
                .collect(),
            mean_difference: mean.map(|mean| mean.to_string()),
            movers: comparison.movers.iter().map(MoverBody::from).collect(),
            today: SideBody::of(&comparison.today, terms),
            candidate: SideBody::of(&comparison.candidate, terms),
        }
    }
}

fn name(band: Option<Band>) -> Option<String> {
    band.map(|band| band.to_string())
}

impl From<&Mover> for MoverBody {
    fn from(mover: &Mover) -> Self {
        Self {
            account: mover.account.to_string(),
            today: mover.today.to_string(),
            candidate: mover.candidate.to_string(),
            from: name(mover.from),
            to: name(mover.to),
        }
    }
}

impl SideBody {
    fn of(side: &Side, terms: &Terms) -> Self {
        let Side { alerts, alerting, provisional, judgement } = side;
        let text = |share: Option<Quantity>| share.map(|share| share.to_string());
        let micros = divide_half_even(i128::from(*alerts) * 7_000_000, i128::from(terms.earliest().max(1)));
        let (warned_90_days, leavers_90_days) = judgement.warned_early();
        let of_judgement = |of: fn(&Judgement) -> Option<Quantity>| text(of(judgement));
        Self {
            alerts: *alerts,
            alerts_per_week: Quantity::from_micros(i64::try_from(micros).unwrap_or(i64::MAX)).rounded(2),
            alerting: *alerting,
            provisional: *provisional,
            judged: judgement.judged(),
            judged_left: judgement.left(),
            base_rate: of_judgement(Judgement::base_rate),
            auc: of_judgement(Judgement::auc),
            precision: of_judgement(Judgement::precision),
            recall: of_judgement(Judgement::recall),
            leavers: judgement.leavers(),
            warned: judgement.warned(),
            leavers_90_days,
            warned_90_days,
            median_lead_days: judgement.median_lead_days(),
        }
    }
}
