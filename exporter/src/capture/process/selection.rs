//! Which processes to watch.

use crate::capture::containers::Directory;
use crate::config::Filter;

/// Without anything in it: every process that is Traefik.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Exactly these processes, whatever they are called; ids as this `/proc` shows them.
    pub pids: Vec<u32>,
    /// Only processes of containers that have one of these names, or whose id starts with one.
    pub containers: Vec<String>,
    /// Further file names of executables that are Traefik: for renamed builds.
    pub executables: Vec<String>,
    /// Never those whose executable is one of these.
    pub excluded: Vec<Filter>,
    /// Names of containers, as far as they are known.
    pub names: Directory,
}

impl Selection {
    /// Says whether processes of this executable are left alone.
    pub(super) fn excludes(&self, executable: &str) -> bool {
        self.excluded.iter().any(|filter| filter.matches(executable))
    }

    /// Says whether the container, as its short id, is one of those asked for. `pod`: the name of the pod that it
    /// belongs to.
    pub(super) fn takes_container(&self, short_id: Option<&str>, pod: impl Fn() -> Option<String>) -> bool {
        if self.containers.is_empty() {
            return true;
        }
        let Some(id) = short_id else { return false };
        let name = self.names.name(id).map(|name| (*name).to_owned()).or_else(pod);
        let asked =
            |asked: &String| asked.starts_with(id) || id.starts_with(asked.as_str()) || name.as_ref() == Some(asked);
        self.containers.iter().filter(|asked| !asked.is_empty()).any(asked)
    }
}

/// Says whether a file is called as Traefik's executable is: `traefik`, with a version or a platform behind it
/// (`traefik-v3.6.12`, `traefik_linux-amd64`), or wrapped by a package manager (`.traefik-wrapped`). Others share
/// the name's start: `traefik-forward-auth`, `traefik-certs-dumper`, `traefikee`.
pub(super) fn is_traefik_name(name: &str) -> bool {
    let name = name.strip_prefix('.').unwrap_or(name);
    let Some(rest) = name.strip_prefix("traefik") else {
        return false;
    };
    let Some(suffix) = rest.strip_prefix(['-', '_', '.']) else {
        return rest.is_empty() || rest.bytes().all(|byte| byte.is_ascii_digit());
    };
    let version = suffix.strip_prefix('v').unwrap_or(suffix);
    version.starts_with(|first: char| first.is_ascii_digit())
        || ["linux", "wrapped", "bin", "unwrapped"].iter().any(|known| suffix.starts_with(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, expected) in [
            ("traefik", true),
            ("traefik3", true),
            ("traefik-v3.6.12", true),
            ("traefik-3.6", true),
            ("traefik_linux-amd64", true),
            (".traefik-wrapped", true),
            ("traefik.bin", true),
            ("traefik-forward-auth", false),
            ("traefik-certs-dumper", false),
            ("traefik-", false),
            ("traefikee", false),
            ("mytraefik", false),
            ("Traefik", false),
            ("", false),
        ] {
            assert_eq!(is_traefik_name(name), expected, "{name}");
        }
    }

    #[test]
    fn containers() {
        let asked = |ids: &[&str]| Selection {
            containers: ids.iter().map(|id| (*id).to_owned()).collect(),
            ..Selection::default()
        };
        let id = Some("0123456789ab");
        for (selection, id, expected) in [
            (asked(&[]), None, true),
            (asked(&[]), id, true),
            (asked(&["0123"]), id, true),
            (asked(&["x", "0123456789abcdef"]), id, true),
            (asked(&["123"]), id, false),
            (asked(&[""]), id, false),
            (asked(&["0123"]), None, false),
            (asked(&["demo-traefik-1"]), id, true),
            (asked(&["demo-traefik"]), id, false),
            (asked(&["edge-7d9f5"]), id, false),
        ] {
            selection.names.insert("0123456789ab", "demo-traefik-1");
            assert_eq!(selection.takes_container(id, || None), expected, "{selection:?}");
        }
        let pod = || Some("edge-7d9f5".to_owned());
        assert!(asked(&["edge-7d9f5"]).takes_container(id, pod));
        assert!(!asked(&["edge"]).takes_container(id, pod));
    }
}
