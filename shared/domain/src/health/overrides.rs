//! Overrides: a person's word over what was computed, with a reason, an author and an end.
//!
//! What was computed stays beside it and goes on being computed; a rescore never loses an override. Of each subject (the
//! score, the band, a measure) the last word holds until it ends or is taken back.

use crate::band::Band;
use crate::fixed::Points;
use crate::id::PersonId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The most overrides of an account at a time.
pub const MAX_OVERRIDES: usize = 50;
/// The longest that an override may hold, in days: longer than that it is the scorecard that is wrong.
pub const MAX_DAYS: i64 = 366;
/// The longest reason, in characters.
pub const MAX_REASON: usize = 500;

/// What a person says it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// The score is so much. Caps do not lower it.
    Score(Points),
    /// The account is in this band.
    Band(Band),
    /// This measure is worth so many points.
    Measure {
        /// Which measure.
        measure: String,
        /// What it is worth, 0-100.
        points: Points,
    },
}

impl Word {
    /// What it is about: `score`, `band` or the name of a measure.
    pub fn subject(&self) -> &str {
        match self {
            Self::Score(_) => "score",
            Self::Band(_) => "band",
            Self::Measure { measure, .. } => measure,
        }
    }
}

/// A person's word over what was computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// What it says.
    pub word: Word,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub author: PersonId,
    /// When.
    pub set_at: Timestamp,
    /// Until when it holds, that moment excluded.
    pub expires_at: Timestamp,
}

/// Why an override is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    /// The reason is empty or too long.
    #[error("the reason has {0} characters; give 1 to {MAX_REASON}")]
    Reason(usize),
    /// It would end in the past, or too late.
    #[error("it would end at {expires_at}; give a moment after {now} and at most {MAX_DAYS} days later")]
    Expiry {
        /// When it would end.
        expires_at: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// Points are out of range.
    #[error("`{0}` is not a number of points; give 0 to 100")]
    Points(Points),
    /// There are too many.
    #[error("the account has {MAX_OVERRIDES} overrides; take one back first")]
    TooMany,
}

/// The overrides of an account, one of a subject, in the order of their subjects.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Overrides(Vec<Override>);

impl Overrides {
    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Override> {
        self.0.iter()
    }

    /// The one about this subject.
    pub fn about(&self, subject: &str) -> Option<&Override> {
        self.0.iter().find(|held| held.word.subject() == subject)
    }

    /// The score that a person gave, if one did.
    pub fn score(&self) -> Option<Points> {
        self.0.iter().find_map(|held| if let Word::Score(points) = held.word { Some(points) } else { None })
    }

    /// The band that a person gave, if one did.
    pub fn band(&self) -> Option<Band> {
        self.0.iter().find_map(|held| if let Word::Band(band) = held.word { Some(band) } else { None })
    }

    /// What a person says that a measure is worth, if one does.
    pub fn points(&self, measure: &str) -> Option<Points> {
        self.0.iter().find_map(|held| match &held.word {
            Word::Measure { measure: of, points } if of == measure => Some(*points),
            _ => None,
        })
    }

    /// Those that hold at a moment.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Self {
        Self(self.0.iter().filter(|held| held.set_at <= now && now < held.expires_at).cloned().collect())
    }

    /// Without those that have ended. One that was said by a clock ahead of this one stays.
    #[must_use]
    pub fn unexpired(&self, now: Timestamp) -> Self {
        Self(self.0.iter().filter(|held| now < held.expires_at).cloned().collect())
    }

    /// With one more, in the place of what was said of its subject before.
    pub fn set(&self, word: Override, now: Timestamp) -> Result<Self, OverrideError> {
        let length = word.reason.trim().chars().count();
        if length == 0 || length > MAX_REASON {
            return Err(OverrideError::Reason(length));
        }
        let latest = now.checked_add(SignedDuration::from_hours(24 * MAX_DAYS)).unwrap_or(Timestamp::MAX);
        if word.expires_at <= now || word.expires_at > latest {
            return Err(OverrideError::Expiry { expires_at: word.expires_at, now });
        }
        if let Word::Score(points) | Word::Measure { points, .. } = word.word
            && (points < Points::MIN || points > Points::MAX)
        {
            return Err(OverrideError::Points(points));
        }
        let mut all = self.unexpired(now).without(word.word.subject()).0;
        if all.len() >= MAX_OVERRIDES {
            return Err(OverrideError::TooMany);
        }
        all.push(word);
        all.sort_by(|a, b| a.word.subject().cmp(b.word.subject()));
        Ok(Self(all))
    }

    /// Without what was said of this subject.
    #[must_use]
    pub fn without(&self, subject: &str) -> Self {
        Self(self.0.iter().filter(|held| held.word.subject() != subject).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + hours * 3600).unwrap()
    }

    fn word(word: Word, until: i64) -> Override {
        Override {
            word,
            reason: "they told me".into(),
            author: PersonId::new("kim").unwrap(),
            set_at: at(0),
            expires_at: at(until),
        }
    }

    #[test]
    fn of_a_subject_the_last_word_holds_until_it_ends() {
        let all = Overrides::default().set(word(Word::Score(Points::whole(40)), 5), at(0)).unwrap();
        let all = all.set(word(Word::Score(Points::whole(60)), 9), at(1)).unwrap();
        let all = all.set(word(Word::Band(Band::Critical), 3), at(1)).unwrap();
        assert_eq!((all.score(), all.band(), all.iter().count()), (Some(Points::whole(60)), Some(Band::Critical), 2));
        assert_eq!((all.at(at(3)).score(), all.at(at(3)).band()), (Some(Points::whole(60)), None));
        assert!(all.at(at(9)).is_empty(), "the moment of its end is excluded");
        assert_eq!(all.without("score").score(), None);
        assert_eq!((all.at(at(-1)).score(), all.unexpired(at(-1)).score()), (None, Some(Points::whole(60))));
    }

    #[test]
    fn an_override_needs_a_reason_an_end_and_points_that_exist() {
        let none = Overrides::default();
        let refused = |change: fn(&mut Override)| {
            let mut word = word(Word::Measure { measure: "csat".into(), points: Points::whole(70) }, 5);
            change(&mut word);
            none.set(word, at(0)).unwrap_err().to_string()
        };
        assert_eq!(refused(|word| word.reason = "  ".into()), "the reason has 0 characters; give 1 to 500");
        assert!(refused(|word| word.expires_at = at(0)).starts_with("it would end at 2023-11-14T22:13:20Z; give"));
        assert!(refused(|word| word.expires_at = at(24 * 367)).contains("at most 366 days later"));
        let high = |word: &mut Override| word.word = Word::Score(Points::whole(101));
        assert_eq!(refused(high), "`101` is not a number of points; give 0 to 100");
        let many = (0..MAX_OVERRIDES).fold(none.clone(), |all, n| {
            let measure = Word::Measure { measure: format!("m{n}"), points: Points::ZERO };
            all.set(word(measure, 5), at(0)).unwrap()
        });
        assert_eq!(many.set(word(Word::Band(Band::Healthy), 5), at(0)), Err(OverrideError::TooMany));
        assert!(many.set(word(Word::Band(Band::Healthy), 9), at(6)).is_ok(), "those that ended make room");
    }
}
