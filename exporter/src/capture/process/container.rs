//! The container of a process, from the names of its control groups.

/// As `docker ps` and `crictl ps` show ids.
const SHORT: usize = 12;

/// Short id of the container, from the text of `/proc/PID/cgroup` (version 1 or 2). Known are the ways in which
/// Docker, containerd, CRI-O and Podman name groups, by systemd or not, alone or under Kubernetes: the id is 64
/// hexadecimal digits, alone or between a runtime's name and `.scope`. The last one in a path counts: containers
/// run in containers.
pub(super) fn short_id(cgroup: &str) -> Option<String> {
    cgroup.lines().filter_map(|line| line.splitn(3, ':').nth(2)).find_map(|path| path.rsplit('/').find_map(id_in))
}

fn id_in(group: &str) -> Option<String> {
    let name = group.strip_suffix(".scope").unwrap_or(group);
    // `docker-ID.scope`, `cri-containerd-ID.scope`, `crio-ID.scope`, `libpod-ID.scope`, and with containerd's own
    // driver `kubepods-…:cri-containerd:ID`. `crio-conmon-ID` and `libpod-conmon-ID` are the monitors outside.
    if name.contains("conmon") {
        return None;
    }
    let id = name.rsplit(['-', ':']).next()?;
    let hexadecimal = id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (id.len() == 64 && hexadecimal).then(|| id.get(..SHORT).map(str::to_owned))?
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn check(cgroup: &str, expected: Option<&str>) {
        let found = short_id(&cgroup.replace("ID", ID));
        assert_eq!(found.as_deref(), expected, "{cgroup}");
    }

    #[test]
    fn cgroups() {
        let id = Some("0123456789ab");
        // Docker: version 2 with systemd and without, version 1, rootless.
        check("0::/system.slice/docker-ID.scope\n", id);
        check("0::/docker/ID\n", id);
        check("12:pids:/docker/ID\n1:name=systemd:/docker/ID\n0::/\n", id);
        check("0::/user.slice/user-1000.slice/user@1000.service/user.slice/docker-ID.scope", id);
        // Kubernetes: containerd, CRI-O, with systemd and without.
        check(
            "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-ID.scope",
            id,
        );
        check("0::/kubepods/besteffort/pod0d1e/ID", id);
        check("0::/kubepods.slice/kubepods-pod1.slice/crio-ID.scope/container", id);
        check("5:cpu:/system.slice/containerd.service/kubepods-besteffort-pod1.slice:cri-containerd:ID", id);
        check("0::/k8s.io/ID", id);
        // Podman.
        check("0::/machine.slice/libpod-ID.scope/container", id);
        check("0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope", id);
        check("0::/machine.slice/libpod-conmon-ID.scope", None);
        // Containers in containers: the inner one.
        check(&format!("0::/docker/{}/docker/ID", "f".repeat(64)), id);
        // Seen from inside a control group namespace, another container of it.
        check("0::/../ID", id);
        // No containers.
        check("0::/\n", None);
        check("0::/system.slice/traefik.service", None);
        check("0::/user.slice/session-1.scope", None);
        check("0::/docker/0123456789ab", None);
        check("", None);
        check("garbage", None);
    }
}
