//! Looks through the processes for those that are Traefik.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::container;
use super::executable::Executable;
use super::selection::is_traefik_name;
use super::{Proc, Selection};
use crate::capture::containers::pod_of;

/// Commands of Traefik that end by themselves: a container's health check starts one every few seconds.
const SHORT_LIVED: [&str; 2] = ["healthcheck", "version"];

/// What a search gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    pub found: Vec<Found>,
    /// Processes that were asked for, or are called like Traefik, whose executable may not be looked at: the
    /// capability `CAP_SYS_PTRACE` is missing.
    pub denied: Vec<u32>,
    /// Processes that are called like Traefik and are something else.
    pub alike: Vec<Alike>,
}

/// A process that is called like Traefik and is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike {
    pub pid: u32,
    /// Path of the executable.
    pub executable: String,
    pub why: Unlike,
}

/// Why a program is not taken for Traefik.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unlike {
    #[error("no Go program, or one that was packed")]
    NotGo,
    #[error("the Go program {0}")]
    OtherGo(String),
    #[error("a file that cannot be read")]
    Unreadable,
    #[error("a Go program that does not say which one it is, and no release of Traefik is called so")]
    Unnamed,
}

/// A process to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub pid: u32,
    /// In clock ticks since boot: another value under the same pid is another process.
    pub start_time: u64,
    /// Path of the executable as the process's own mount namespace names it.
    pub executable: String,
    /// The file was replaced or removed since it was started; `open` still reads it.
    pub deleted: bool,
    /// Where to open the executable from here: `/proc/PID/exe`.
    pub open: PathBuf,
    /// Device and inode of the executable: the same for processes that share probes.
    pub device: u64,
    pub inode: u64,
    /// Short id.
    pub container: Option<String>,
    pub arguments: Vec<String>,
    /// Only the variables that Traefik reads: `TRAEFIK_…`. Empty where they may not be read.
    pub environment: BTreeMap<String, String>,
    /// As the process's own mount namespace names it; empty where it may not be read.
    pub working_directory: String,
    /// What to put in front of a path of the process to open it from here: `/proc/PID/root`.
    pub root: PathBuf,
}

impl Proc {
    /// See [`super::find`].
    pub fn find(&self, selection: &Selection) -> Search {
        let explicit = !selection.pids.is_empty();
        let mut pids = if explicit { selection.pids.clone() } else { self.pids() };
        pids.sort_unstable();
        pids.dedup();
        let mut search = Search::default();
        for pid in pids {
            if pid == std::process::id() {
                continue;
            }
            match self.look_at(pid, selection) {
                Looked::Found(found) => search.found.push(*found),
                Looked::Denied => search.denied.push(pid),
                Looked::Alike(alike) => search.alike.push(alike),
                Looked::Other => {}
            }
        }
        search
    }

    fn look_at(&self, pid: u32, selection: &Selection) -> Looked {
        let explicit = !selection.pids.is_empty();
        let Some(stat) = self.stat(pid) else {
            return Looked::Other;
        };
        if stat.zombie || stat.kernel_thread || explicit && !self.is_process(pid) {
            return Looked::Other;
        }
        let name = self.text(pid, "comm").unwrap_or_default();
        let name = name.trim_end_matches('\n');
        let open = self.of(pid).join("exe");
        let (link, file) = match (std::fs::read_link(&open), std::fs::metadata(&open)) {
            (Ok(link), Ok(file)) => (link, file),
            (Err(error), _) | (_, Err(error)) => {
                let denied = error.kind() == std::io::ErrorKind::PermissionDenied;
                let wanted = explicit || is_traefik_name(name);
                return if denied && wanted { Looked::Denied } else { Looked::Other };
            }
        };
        let (path, deleted) = self.without_deleted(pid, &link);
        let arguments = self.strings(pid, "cmdline");
        let looks = if explicit { Looks::Wanted } else { looks(&path, name, &arguments, &open, selection) };
        if looks == Looks::Other {
            return Looked::Other;
        }
        let container = self.text(pid, "cgroup").and_then(|cgroup| container::short_id(&cgroup));
        if !selection.takes_container(container.as_deref(), || pod_of(self, pid)) {
            return Looked::Other;
        }
        if let Looks::Alike(why) = looks {
            return Looked::Alike(Alike { pid, executable: self.as_the_process_names(pid, &path), why });
        }
        let found = Found {
            pid,
            start_time: stat.start_time,
            executable: self.as_the_process_names(pid, &path),
            deleted,
            open,
            device: file.dev(),
            inode: file.ino(),
            container,
            arguments,
            environment: self.environment(pid),
            working_directory: std::fs::read_link(self.of(pid).join("cwd"))
                .map(|path| self.as_the_process_names(pid, &path))
                .unwrap_or_default(),
            root: self.of(pid).join("root"),
        };
        if selection.excludes(&found.executable) {
            return Looked::Other;
        }
        // The pid may have gone to another process between two reads.
        if self.stat(pid).map(|stat| stat.start_time) == Some(found.start_time) {
            Looked::Found(Box::new(found))
        } else {
            Looked::Other
        }
    }

    /// The kernel marks a file that has no name any more; a file may really be called so.
    fn without_deleted(&self, pid: u32, link: &Path) -> (PathBuf, bool) {
        let from_here = |path: &str| self.of(pid).join("root").join(path.trim_start_matches('/'));
        let link = link.to_string_lossy();
        match link.strip_suffix(" (deleted)") {
            Some(path) if !from_here(&link).exists() => (PathBuf::from(path), true),
            _ => (PathBuf::from(link.as_ref()), false),
        }
    }

    fn environment(&self, pid: u32) -> BTreeMap<String, String> {
        self.strings(pid, "environ")
            .iter()
            .filter(|variable| variable.starts_with("TRAEFIK_"))
            .filter_map(|variable| variable.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// Links under `/proc` name files from the root of a mount namespace: right for containers, one prefix too
    /// much for a process that changed its root.
    fn as_the_process_names(&self, pid: u32, path: &Path) -> String {
        let root = std::fs::read_link(self.of(pid).join("root"));
        let inside = root.ok().and_then(|root| path.strip_prefix(root).ok().map(|path| Path::new("/").join(path)));
        inside.as_deref().unwrap_or(path).to_string_lossy().into_owned()
    }
}

enum Looked {
    Found(Box<Found>),
    Denied,
    Alike(Alike),
    Other,
}

/// What a process looks like from outside.
#[derive(PartialEq, Eq)]
enum Looks {
    Wanted,
    /// By its name only.
    Alike(Unlike),
    Other,
}

/// A name, of the file or of the process (a link's), gets a file looked into; what is in the file decides.
fn looks(path: &Path, name: &str, arguments: &[String], open: &Path, selection: &Selection) -> Looks {
    let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
    if selection.executables.iter().any(|asked| asked == file) {
        return Looks::Wanted;
    }
    // Inside `execve` the new executable is there before its arguments are: they tell what it is, so the next
    // search takes it.
    if arguments.is_empty() {
        return Looks::Other;
    }
    let short_lived = arguments.get(1).is_some_and(|command| SHORT_LIVED.contains(&command.as_str()));
    if short_lived || !(file.starts_with("traefik") || is_traefik_name(file) || is_traefik_name(name)) {
        return Looks::Other;
    }
    match Executable::read(open) {
        Executable::Traefik => Looks::Wanted,
        Executable::UnnamedGo if is_traefik_name(file) => Looks::Wanted,
        // Many a program is called `traefik-something`: only of those that are called as releases are it is news.
        _ if !is_traefik_name(file) && !is_traefik_name(name) => Looks::Other,
        Executable::UnnamedGo => Looks::Alike(Unlike::Unnamed),
        Executable::OtherGo(package) => Looks::Alike(Unlike::OtherGo(package)),
        Executable::NotGo => Looks::Alike(Unlike::NotGo),
        Executable::Unreadable => Looks::Alike(Unlike::Unreadable),
    }
}
