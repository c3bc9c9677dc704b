//! The container of a process, from the names of its control groups.

/// As `docker ps` and `crictl ps` show ids.
const SHORT: usize = 12;

/// Short id of the container, from the text of `/proc/PID/cgroup` (version 1 or 2). Known are the ways in which
/// Docker, containerd, CRI-O and Podman name groups, by systemd or not, alone or under Kubernetes: the id is 64
/// hexadecimal digits, alone or between a runtime's name and `.scope`. The last one in a path counts: containers
/// run in containers.
pub(in crate::capture) fn short_id(cgroup: &str) -> Option<String> {
    cgroup.lines().filter_map(|line| line.splitn(3, ':').nth(2)).find_map(|path| path.rsplit('/').find_map(id_in))
}

/// The uid of the Kubernetes pod that a container belongs to, as the API writes it. systemd has no dashes in names.
pub(in crate::capture) fn pod_uid(cgroup: &str) -> Option<String> {
    let paths = cgroup.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    paths.filter(|path| path.rsplit('/').find_map(id_in).is_some()).find_map(|path| path.rsplit('/').find_map(pod_in))
}

fn pod_in(group: &str) -> Option<String> {
    // `pod0d1e…`, `kubepods-burstable-pod0d1e_….slice`, and the same with `:cri-containerd:ID` behind it.
    let name = group.split(':').next()?;
    let name = name.strip_suffix(".slice").unwrap_or(name);
    let uid = name.strip_prefix("pod").or_else(|| name.rsplit_once("-pod").map(|(_, uid)| uid))?;
    let uid = uid.replace('_', "-");
    // A pod that the kubelet has from a file has the sum of that file for a uid.
    let letters = uid.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    (letters && uid.bytes().filter(|byte| *byte != b'-').count() == 32).then_some(uid)
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

    #[track_caller]
    fn check_pod(cgroup: &str, container: Option<&str>, pod: Option<&str>) {
        let cgroup = cgroup.replace("ID", ID);
        assert_eq!(short_id(&cgroup).as_deref(), container, "{cgroup}");
        assert_eq!(pod_uid(&cgroup).as_deref(), pod, "{cgroup}");
    }

    #[test]
    fn pods() {
        let (id, uid) = (Some("0123456789ab"), Some("0f5c7a9e-1b2d-4c3f-8e6a-7d8b9c0a1e2f"));
        let (dashed, flat) = ("0f5c7a9e-1b2d-4c3f-8e6a-7d8b9c0a1e2f", "0f5c7a9e_1b2d_4c3f_8e6a_7d8b9c0a1e2f");
        let slices = format!("kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{flat}.slice");
        for runtime in ["cri-containerd", "crio", "docker"] {
            // Version 2 and 1, driver systemd.
            check_pod(&format!("0::/{slices}/{runtime}-ID.scope"), id, uid);
            check_pod(&format!("12:memory:/{slices}/{runtime}-ID.scope\n0::/\n"), id, uid);
            // kind: a node is itself a container.
            let node = format!("docker-{}.scope", "f".repeat(64));
            check_pod(&format!("0::/system.slice/{node}/kubelet.slice/kubelet-{slices}/{runtime}-ID.scope"), id, uid);
        }
        // Driver cgroupfs, of all three classes, and k3s in a container.
        for class in ["", "besteffort/", "burstable/"] {
            check_pod(&format!("0::/kubepods/{class}pod{dashed}/ID"), id, uid);
            check_pod(&format!("9:cpu,cpuacct:/kubepods/{class}pod{dashed}/ID\n0::/\n"), id, uid);
            let node = "f".repeat(64);
            check_pod(&format!("0::/docker/{node}/kubepods/{class}pod{dashed}/ID"), id, uid);
        }
        check_pod(&format!("0::/kubepods/besteffort/pod{dashed}/crio-ID"), id, uid);
        // containerd's own way, and a guaranteed pod.
        let outside = "/system.slice/containerd.service";
        check_pod(&format!("5:cpu:{outside}/kubepods-besteffort-pod{flat}.slice:cri-containerd:ID"), id, uid);
        check_pod(&format!("0::/kubepods.slice/kubepods-pod{flat}.slice/cri-containerd-ID.scope"), id, uid);
        // A static pod; CRI-O's group inside the container's.
        let (hash, id_of_pod) = ("0123456789abcdef0123456789abcdef", Some("0123456789abcdef0123456789abcdef"));
        check_pod(&format!("0::/kubepods/burstable/pod{hash}/ID"), id, id_of_pod);
        check_pod(&format!("0::/kubepods.slice/kubepods-pod{flat}.slice/crio-ID.scope/container"), id, uid);
        // The monitor of a pod's container; a pod of Podman, which is none of Kubernetes; a name that looks like one.
        check_pod(&format!("0::/kubepods.slice/kubepods-pod{flat}.slice/crio-conmon-ID.scope"), None, None);
        check_pod("0::/machine.slice/machine-libpod_pod_ID.slice/libpod-ID.scope/container", id, None);
        check_pod("0::/docker/ID", id, None);
        check_pod("0::/podman/ID", id, None);
        check_pod("0::/podcast/ID", id, None);
    }
}
