//! What the probes of a process give: each was put in place and taken away.

use super::finding::Finding;
use crate::capture::{Examined, Gives, NotPlaced, Probe};
use crate::pipeline::NamesFrom;

/// A finding for each thing that probes give.
pub(super) fn check(examined: &Examined, names: NamesFrom) -> Vec<Finding> {
    Gives::ALL.into_iter().map(|gives| one(gives, &examined.probes, names)).collect()
}

fn one(gives: Gives, probes: &[Probe], names: NamesFrom) -> Finding {
    let check = gives.as_str();
    let own: Vec<&Probe> = probes.iter().filter(|probe| probe.gives == gives).collect();
    if own.is_empty() {
        let asked = gives.is_names() && names == NamesFrom::Api && !probes.is_empty();
        return Finding::not_applicable(
            check,
            match asked {
                true => "not wanted: names come from the API",
                false => "not tried: no hook can be used",
            },
        );
    }
    let missing: Vec<(&str, &NotPlaced, &str)> =
        own.iter().filter_map(|probe| Some((probe.name, probe.placed.as_ref().err()?, probe.loss))).collect();
    let Some((_, first, _)) = missing.first() else {
        let placed: Vec<&str> = own.iter().map(|probe| probe.name).collect();
        return Finding::ok(check, placed.join(", "));
    };
    let reasons = missing.iter().map(|(name, why, _)| format!("{name}: {why}"));
    let mut losses: Vec<&str> = missing.iter().map(|(.., loss)| *loss).collect();
    losses.dedup();
    let advice = match first {
        NotPlaced::NoFunction(_) if gives.is_names() => {
            "run Traefik 3.5 or later; with older ones, let hoptap reach the API (api.insecure, or --api)"
        }
        NotPlaced::NoFunction(_) | NotPlaced::NoPlace(_) => "run an official build of Traefik 3.5 or later",
        NotPlaced::Refused(_) => "mend what is wrong above: capabilities, perf_event_paranoid, uprobes",
    };
    Finding::warning(check, reasons.collect::<Vec<_>>().join("; ")).lost(losses.join("; ")).advice(advice)
}
