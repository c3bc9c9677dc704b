//! Names in dashboards, rules and pages: a metric or a label that is renamed must not leave an empty panel behind.

use std::collections::BTreeSet;
use std::path::Path;

use crate::constants;
use crate::definition::Registry;

/// Words that begin like these are names of telemetry.
const STARTS: [&str; 4] = ["http_", "traefik_", "hoptap_", "process_"];

/// Every name in the files of `folder` that end so, `least` of them.
pub(crate) fn check(registry: &Registry, folder: &Path, ends: &[&str], but: &[&str], least: usize) {
    let mut known = known(registry);
    known.extend(but.iter().map(|name| (*name).to_owned()));
    let mut asked = 0;
    for entry in std::fs::read_dir(folder).expect("read the folder") {
        let path = entry.expect("an entry").path();
        if !path.extension().is_some_and(|extension| ends.iter().any(|end| extension == *end)) {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("read a file");
        let words = text.split(|character: char| !character.is_ascii_alphanumeric() && !"_:".contains(character));
        for word in words.filter(|word| STARTS.iter().any(|start| word.starts_with(start))) {
            // `traefik_router:http_server_requests:rate5m` is the name of a rule.
            let ours = word.trim_end_matches(':');
            assert!(ours.contains(':') || known.contains(ours), "{}: nothing is called {ours}", path.display());
            asked += 1;
        }
    }
    assert!(asked >= least, "expected names in {}, found {asked}", folder.display());
}

/// Metrics as they stand on the page, and labels.
fn known(registry: &Registry) -> BTreeSet<String> {
    let mut known: BTreeSet<String> = registry.references().map(|key| key.replace('.', "_")).collect();
    for metric in &registry.metrics {
        let name = constants::prometheus(metric);
        if metric.instrument == "histogram" {
            known.extend(["_bucket", "_count", "_sum"].map(|suffix| format!("{name}{suffix}")));
        }
        known.insert(name);
    }
    known
}
