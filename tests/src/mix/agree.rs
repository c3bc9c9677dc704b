//! A mix without hoptap: client, access log and backends must agree, or the comparison with hoptap is worth nothing.

use std::collections::HashMap;

use crate::access_log::Row;
use crate::backend::Received;
use crate::case::Shot;

/// Where they differ.
pub(super) fn differences(shots: &[Shot], rows: &[Row], received: &[Received]) -> Vec<String> {
    let mut differences = Vec::new();
    let mut by_id: HashMap<&str, Vec<&Row>> = HashMap::new();
    for row in rows {
        by_id.entry(row.id.as_deref().unwrap_or_default()).or_default().push(row);
    }
    for shot in shots {
        let found = by_id.remove(shot.id.as_str()).unwrap_or_default();
        if found.len() != usize::from(shot.logged) {
            differences.push(format!("expected {} rows of {shot:?}, found {found:?}", usize::from(shot.logged)));
        }
        let [row] = found.as_slice() else { continue };
        if shot.status.is_some_and(|seen| !row.may_be(seen)) || row.client.1 != shot.port {
            differences.push(format!("{shot:?} is {row:?} in the access log"));
        }
    }
    differences.extend(by_id.into_iter().map(|(id, rows)| format!("nobody sent {id:?}: {rows:?}")));
    let ids: HashMap<_, _> = shots.iter().map(|shot| (shot.id.as_str(), shot)).collect();
    for one in received {
        if one.id.as_deref().is_some_and(|id| !ids.contains_key(id)) {
            differences.push(format!("nobody sent {one:?}"));
        }
    }
    differences
}
