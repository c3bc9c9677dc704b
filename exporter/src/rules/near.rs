//! The known name that is nearest to one that is not known.

use crate::distance::distance;

/// Longer names are not worth the time: nobody mistypes one.
const MAX_LENGTH: usize = 64;

/// None where none is near enough to have been meant.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > MAX_LENGTH {
        return None;
    }
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        let mut far = distance(&name.to_ascii_lowercase(), &candidate.to_ascii_lowercase());
        // `status` for `http.res.status`: the path is left out more often than a letter.
        if last(candidate) == last(name) {
            far = far.min(1);
        }
        if best.is_none_or(|(least, _)| far < least) {
            best = Some((far, candidate));
        }
    }
    best.filter(|(far, _)| *far <= 2.max(name.len() / 4)).map(|(_, candidate)| candidate)
}
