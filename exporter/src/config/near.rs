//! The known name that is nearest to one that is not known.

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

/// Levenshtein's: letters to add, to drop or to change; two that changed places count as one.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut least = (at(&row, j) + usize::from(a != b)).min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let swapped = i > 0 && j > 0 && left.get(i - 1) == Some(b) && right.get(j - 1) == Some(a);
            if swapped {
                least = least.min(at(&before, j - 1) + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}
