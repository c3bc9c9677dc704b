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
    let missing: Vec<(&Probe, &NotPlaced)> =
        own.iter().filter_map(|probe| Some((*probe, probe.placed.as_ref().err()?))).collect();
    let Some((_, first)) = missing.first() else {
        let placed: Vec<&str> = own.iter().map(|probe| probe.name).collect();
        return Finding::ok(check, placed.join(", "));
    };
    let mut losses: Vec<&str> = missing.iter().map(|(probe, _)| probe.loss).collect();
    losses.dedup();
    let advice = match first {
        NotPlaced::NoFunction(_) if gives.is_names() => {
            "run Traefik 3.5 or later; with older ones, let hoptap reach the API (api.insecure, or --api)"
        }
        NotPlaced::NoFunction(_) | NotPlaced::NoPlace(_) => "run an official build of Traefik 3.5 or later",
        NotPlaced::Refused(_) => "mend what is wrong above: CAP_SYS_ADMIN, perf_event_paranoid, uprobes",
    };
    Finding::warning(check, reasons(&missing)).lost(losses.join("; ")).advice(advice)
}

/// Probes that are missing for one reason together.
fn reasons(missing: &[(&Probe, &NotPlaced)]) -> String {
    let mut reasons: Vec<(Vec<&str>, &NotPlaced)> = Vec::new();
    for (probe, why) in missing {
        match reasons.iter_mut().find(|(_, known)| known == why) {
            Some((names, _)) => names.push(probe.name),
            None => reasons.push((vec![probe.name], why)),
        }
    }
    let texts: Vec<String> = reasons.iter().map(|(names, why)| format!("{}: {why}", names.join(", "))).collect();
    texts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    fn probe(name: &'static str, gives: Gives, loss: &'static str, placed: Result<(), NotPlaced>) -> Probe {
        Probe { name, gives, loss, placed }
    }

    #[test]
    fn one_thing_of_several_probes() {
        let refused = || Err(NotPlaced::Refused("no".into()));
        let probes = [
            probe("a", Gives::Links, "x", refused()),
            probe("b", Gives::Links, "x", refused()),
            probe("c", Gives::Links, "y", Err(NotPlaced::NoFunction("f".into()))),
            probe("d", Gives::Names, "z", Ok(())),
            probe("e", Gives::TlsIn, "z", Ok(())),
            probe("f", Gives::TlsIn, "z", Ok(())),
        ];
        let found = |gives| one(gives, &probes, NamesFrom::Auto);
        let links = found(Gives::Links);
        assert_eq!(links.found, "a, b: the kernel refused it: no; c: this Traefik has no function f");
        assert_eq!((links.result, links.lost.as_deref()), (Outcome::Warning, Some("x; y")));
        assert_eq!((found(Gives::TlsIn).result, found(Gives::TlsIn).found.as_str()), (Outcome::Ok, "e, f"));
        let api = one(Gives::EntryPoints, &probes, NamesFrom::Api);
        assert_eq!((api.result, api.found.as_str()), (Outcome::NotApplicable, "not wanted: names come from the API"));
        assert_eq!(one(Gives::Links, &[], NamesFrom::Api).found, "not tried: no hook can be used");
    }
}
