//! What the stories of many accounts come to together. Every figure is an exact count or a value that some account has;
//! shares are rounded once, at the sixth place, and the order of the accounts does not matter.

pub mod adoption;
pub mod advice;
pub mod advocacy;
pub mod agents;
pub mod desk;
pub mod journey;
pub mod lift;
pub mod peers;
pub mod voice;

use crate::fixed::Quantity;
use crate::revenue::share;

/// A count for another, in one; none without any.
pub(crate) fn ratio(part: u64, whole: u64) -> Option<Quantity> {
    share(i64::try_from(part).ok()?, i64::try_from(whole).ok()?)
}

#[cfg(test)]
pub(crate) mod fixtures;
