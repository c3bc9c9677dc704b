//! What people call a container: its engine's word, or its pod's name, or what they see of its id.

use std::path::Path;
use std::sync::Arc;

use super::Directory;
use super::census::{Member, Unit, network_id};
use super::engine::Engine;
use crate::capture::process::{Proc, pod_uid};
use crate::event::Pid;

/// Longest name that is taken; Kubernetes allows 253 letters.
const LONGEST: usize = 256;

/// Where the kubelet keeps logs: `NAMESPACE_NAME_UID`.
const POD_LOGS: &str = "var/log/pods";

pub(super) struct Names {
    pub(super) engines: Vec<Arc<Engine>>,
    pub(super) directory: Directory,
}

impl Names {
    pub(super) async fn of(&self, proc: &Proc, member: &Member) -> Option<String> {
        match &member.unit {
            // Nobody knows a pod by its uid.
            Unit::Pod(uid) => pod(proc, member.pid, uid),
            Unit::Container(id) => Some(self.container(id).await.map_or_else(|| id.clone(), |name| (*name).to_owned())),
        }
    }

    async fn container(&self, id: &str) -> Option<Arc<str>> {
        if let Some(name) = self.directory.name(id) {
            return Some(name);
        }
        for engine in &self.engines {
            if let Some(name) = engine.container(id).await {
                return Some(name);
            }
        }
        None
    }
}

/// The name of the pod that a process belongs to, if it belongs to one.
pub(in crate::capture) fn pod_of(proc: &Proc, pid: Pid) -> Option<String> {
    pod(proc, pid, &pod_uid(&proc.text(pid, "cgroup")?)?)
}

fn pod(proc: &Proc, pid: Pid, uid: &str) -> Option<String> {
    // The first process is outside of every container, if it is to be seen.
    let logs = [proc.of(1).join("root"), "/".into()].map(|root| root.join(POD_LOGS));
    let logged = logs.iter().find_map(|logs| logged(logs, uid));
    logged.or_else(|| hostname(proc, pid)).filter(|name| name.len() <= LONGEST)
}

fn logged(logs: &Path, uid: &str) -> Option<String> {
    let mut entries = std::fs::read_dir(logs).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    entries.find_map(|entry| {
        let mut parts = entry.rsplitn(2, '_');
        let of = parts.next()?;
        (of == uid).then(|| parts.next()?.split_once('_').map(|(_, name)| name.to_owned()))?
    })
}

/// A pod's host is called as the pod is, unless it has the network of the machine.
fn hostname(proc: &Proc, pid: Pid) -> Option<String> {
    if network_id(proc, pid) == network_id(proc, 1) {
        return None;
    }
    let text = proc.text(pid, "root/etc/hostname")?;
    let name = text.trim();
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (!name.is_empty() && name.bytes().all(letters)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn pods_by_their_logs() {
        let root = std::env::temp_dir().join(format!("hoptap-pods-{}", std::process::id()));
        let uid = "0f5c7a9e-1b2d-4c3f-8e6a-7d8b9c0a1e2f";
        let entries = [format!("shop_cart-7d9f5-x2x_{uid}"), "kube-system_etcd-node_0123".into(), "odd".into()];
        entries.iter().for_each(|entry| std::fs::create_dir_all(root.join(entry)).unwrap());
        let found = [uid, "0123", "123", ""].map(|uid| logged(&root, uid));
        std::fs::remove_dir_all(&root).unwrap();
        assert_eq!(found, [Some("cart-7d9f5-x2x".to_owned()), Some("etcd-node".into()), None, None]);
    }
}
