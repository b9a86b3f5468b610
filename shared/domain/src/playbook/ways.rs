//! The ways through a playbook: in which order its steps can be settled, and which of them each choice reaches.
//!
//! A choice is an arm of a branch, or the yes or no of a gate. Playbooks are small, so every combination is gone
//! through: what holds on each of them holds.

use super::Draft;
use super::step::{Step, StepKind};
use crate::id::StepId;
use std::collections::{BTreeMap, BTreeSet};

/// The most combinations of choices of a playbook.
pub const MAX_WAYS: usize = 4_096;

/// What becomes of a step on one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is done.
    Taken,
    /// The way goes past it.
    Passed,
    /// A gate before it was refused.
    Barred,
}

/// What each step follows: what stands in its `after`, and the branch or gate that chooses it.
pub fn follows(draft: &Draft) -> Vec<BTreeSet<usize>> {
    let places: BTreeMap<&StepId, usize> =
        draft.steps.iter().enumerate().map(|(place, step)| (&step.id, place)).collect();
    let mut follows: Vec<BTreeSet<usize>> =
        draft.steps.iter().map(|step| step.after.iter().filter_map(|id| places.get(id).copied()).collect()).collect();
    for (place, step) in draft.steps.iter().enumerate() {
        for (_, to) in step.choices() {
            for chosen in to.iter().filter_map(|id| places.get(id)) {
                if let Some(before) = follows.get_mut(*chosen) {
                    before.insert(place);
                }
            }
        }
    }
    follows
}

/// The steps so that each comes after all that it follows, otherwise as they are written; or those that wait for one
/// another.
pub fn order(follows: &[BTreeSet<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let (mut order, mut left): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..follows.len()).collect());
    while !left.is_empty() {
        let ready =
            |place: &usize| follows.get(*place).is_none_or(|before| before.iter().all(|other| order.contains(other)));
        let Some(found) = left.iter().position(ready) else {
            return Err(circle(follows, &left));
        };
        order.push(left.remove(found));
    }
    Ok(order)
}

/// One circle among steps that all wait for one of them.
fn circle(follows: &[BTreeSet<usize>], left: &[usize]) -> Vec<usize> {
    let mut path: Vec<usize> = left.first().copied().into_iter().collect();
    loop {
        let next = path.last().and_then(|last| follows.get(*last)?.iter().find(|other| left.contains(other)).copied());
        let Some(next) = next else { return path };
        if let Some(begin) = path.iter().position(|place| *place == next) {
            return path.split_off(begin);
        }
        path.push(next);
    }
}

/// All that comes before each step, however far.
pub fn ancestors(follows: &[BTreeSet<usize>], order: &[usize]) -> Vec<BTreeSet<usize>> {
    let mut all: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); follows.len()];
    for place in order {
        let Some(before) = follows.get(*place) else { continue };
        let mut found = before.clone();
        found.extend(before.iter().filter_map(|other| all.get(*other)).flatten().copied().collect::<Vec<_>>());
        if let Some(slot) = all.get_mut(*place) {
            *slot = found;
        }
    }
    all
}

/// How many choices a step has.
fn choices(step: &Step) -> usize {
    match &step.kind {
        StepKind::Branch { arms, .. } => arms.len() + 1,
        StepKind::Gate { .. } => 2,
        _ => 1,
    }
}

/// Calls `look` with the fate of every step and the choice of each, on each way; nothing where there are too many ways.
pub fn each(
    draft: &Draft,
    order: &[usize],
    follows: &[BTreeSet<usize>],
    mut look: impl FnMut(&[Fate], &[usize]),
) -> Option<()> {
    let sizes: Vec<usize> = draft.steps.iter().map(choices).collect();
    let ways = sizes.iter().try_fold(1_usize, |ways, size| ways.checked_mul(*size).filter(|ways| *ways <= MAX_WAYS))?;
    for way in 0..ways {
        let mut rest = way;
        let chosen: Vec<usize> = sizes
            .iter()
            .map(|size| {
                let choice = rest % size;
                rest /= size;
                choice
            })
            .collect();
        look(&fates(draft, order, follows, &chosen), &chosen);
    }
    Some(())
}

/// For a gate the first choice is no, and the second is yes.
pub const YES: usize = 1;

fn fates(draft: &Draft, order: &[usize], follows: &[BTreeSet<usize>], chosen: &[usize]) -> Vec<Fate> {
    let mut fates = vec![Fate::Taken; draft.steps.len()];
    for place in order {
        let (Some(step), Some(before)) = (draft.steps.get(*place), follows.get(*place)) else { continue };
        let links: Vec<Link> = before
            .iter()
            .filter_map(|other| {
                let (from, choice) = (draft.steps.get(*other)?, chosen.get(*other)?);
                Some(link(from, *fates.get(*other)?, *choice, &step.id))
            })
            .collect();
        if let Some(fate) = fates.get_mut(*place) {
            *fate = fate_of(&links);
        }
    }
    fates
}

/// Whether a settled step lets one that follows it begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Go on.
    Live,
    /// This way is not gone; another may lead there.
    Dead,
    /// This step is not chosen, whatever else leads there.
    NotChosen,
    /// Not to be done.
    Barred,
}

/// What a settled step says to one that follows it.
pub fn link(from: &Step, fate: Fate, choice: usize, to: &StepId) -> Link {
    let chooses = from.choices().any(|(_, steps)| steps.contains(to));
    match (&from.kind, fate) {
        (_, Fate::Barred) => Link::Barred,
        (_, Fate::Passed) if chooses => Link::NotChosen,
        (_, Fate::Passed) => Link::Dead,
        (StepKind::Branch { .. }, Fate::Taken) if chooses => {
            let taken = from.choices().nth(choice).is_some_and(|(_, steps)| steps.contains(to));
            if taken { Link::Live } else { Link::NotChosen }
        }
        (StepKind::Gate { .. }, Fate::Taken) => match (chooses, choice == YES) {
            (true, false) | (false, true) => Link::Live,
            (true, true) => Link::NotChosen,
            (false, false) => Link::Barred,
        },
        (_, Fate::Taken) => Link::Live,
    }
}

/// What becomes of a step to which all these links lead. A step without any begins at once.
pub fn fate_of(links: &[Link]) -> Fate {
    if links.contains(&Link::Barred) {
        Fate::Barred
    } else if links.contains(&Link::NotChosen) || (!links.is_empty() && links.iter().all(|link| *link == Link::Dead)) {
        Fate::Passed
    } else {
        Fate::Taken
    }
}
