//! How a person gives hoptap what it lacks, in the words of the tools that start it.

use crate::capture::permissions::{Capability, Permissions};

/// How to give it a capability. Where even root has not got it, `sudo` would not help.
pub(super) fn capability(capability: Capability, permissions: &Permissions) -> String {
    let name = capability.name();
    if permissions.can_have(capability) {
        // setcap takes away what it does not name.
        let mut all = permissions.needed();
        if !all.contains(&capability) {
            all.push(capability);
        }
        let all: Vec<String> = all.iter().map(|needed| needed.to_string().to_lowercase()).collect();
        format!("run hoptap as root (sudo), or let the program have all it needs: setcap {}+ep hoptap", all.join(","))
    } else {
        format!(
            "even root lacks it here: docker run --cap-add {name}; in a pod, capabilities: {{add: [{name}]}}; in a unit, \
             CapabilityBoundingSet={capability}"
        )
    }
}
