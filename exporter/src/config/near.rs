//! The known name that is nearest to one that is not known.

use crate::distance::distance;

/// Nobody mistypes a name as long as this, and the time grows with its square.
const MAX_LENGTH: usize = 64;

/// None where none is near enough to have been meant.
pub(super) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if name.len() > MAX_LENGTH {
        return None;
    }
    let folded = |name: &str| name.to_ascii_lowercase().replace(['-', ' ', '.'], "_");
    let name = folded(name);
    let near = |candidate: &str| {
        let candidate = folded(candidate);
        let part = name.len() >= 4 && (candidate.contains(&name) || name.contains(&candidate));
        let far = distance(&name, &candidate);
        if part { far.min(2) } else { far }
    };
    known
        .into_iter()
        .map(|candidate| (near(candidate), candidate))
        .filter(|(far, candidate)| *far <= (candidate.len() / 3).max(if candidate.len() < 4 { 1 } else { 2 }))
        .min_by_key(|(far, _)| *far)
        .map(|(_, candidate)| candidate)
}
