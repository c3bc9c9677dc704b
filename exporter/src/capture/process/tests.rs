#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use object::{Object, ObjectSegment};

use super::*;

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("hoptap-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }

    /// A program that does nothing, with the build information of a Go program.
    fn program(&self, name: &str, package: &str, options: &[&str]) -> PathBuf {
        let source = self.0.join("program.c");
        let code = format!(
            "__attribute__((section(\".go.buildinfo\"), used)) static char info[] = \"go1.26path\\t{package}\\n\";\n\
             int pause(void); int main(void) {{ for (;;) pause(); }}\n"
        );
        std::fs::write(&source, code).unwrap();
        let program = self.0.join(name);
        let done = Command::new("cc").args(options).arg("-o").args([&program, &source]).status();
        assert!(done.is_ok_and(|done| done.success()), "a C compiler is needed");
        program
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A process that is ended at the end.
struct Running(Child);

impl Running {
    fn start(program: &Path, arguments: &[&str]) -> Self {
        let child = Command::new(program)
            .args(arguments)
            .env_clear()
            .env("TRAEFIK_API", "true")
            .env("SECRET", "x")
            .current_dir("/usr")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        // Until `execve` is done it is the test itself, then nothing.
        let (own, its) = (std::fs::read("/proc/self/cmdline").unwrap(), child.id());
        for _ in 0..500 {
            let arguments = std::fs::read(format!("/proc/{its}/cmdline")).unwrap();
            if !arguments.is_empty() && arguments != own {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        Self(child)
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn found(&self, selection: &Selection) -> Option<Found> {
        let pid = self.pid();
        let mut search = find(selection);
        search.found.retain(|found| found.pid == pid);
        search.found.pop()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const PACKAGE: &str = "github.com/traefik/traefik/v3/cmd/traefik";

#[test]
fn which_processes() {
    let folder = Folder::new("which");
    let any = Selection::default();
    for (name, package, arguments, expected) in [
        ("traefik", PACKAGE, [].as_slice(), true),
        ("traefik", PACKAGE, &["--api"], true),
        ("traefik", PACKAGE, &["healthcheck"], false),
        ("traefik-v3.6.12", PACKAGE, &[], true),
        ("traefik-of-ours", PACKAGE, &[], true),
        ("traefik-v3.6", "command-line-arguments", &[], true),
        ("traefik-auth", "command-line-arguments", &[], false),
        ("traefik", "example.com/other", &[], false),
        ("proxy", PACKAGE, &[], false),
    ] {
        let program = folder.program(name, package, &[]);
        let running = Running::start(&program, arguments);
        let found = running.found(&any).is_some();
        assert_eq!(found, expected, "{name} {package} {arguments:?}");
        let chosen = Selection { pids: vec![running.pid(), running.pid(), u32::MAX], ..Selection::default() };
        assert_eq!(find(&chosen).found.len(), 1, "chosen: {name}");
        let named = Selection { executables: vec!["proxy".to_owned()], ..Selection::default() };
        if name == "proxy" {
            assert!(running.found(&named).is_some());
        }
    }
}

#[test]
fn scripts_threads_zombies_and_hoptap_are_none() {
    let folder = Folder::new("none");
    let script = folder.0.join("traefik");
    std::fs::write(&script, "#!/bin/sh\nread line\nread line\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let child = Command::new(&script).stdin(Stdio::piped()).spawn().unwrap();
    assert!(Running(child).found(&Selection::default()).is_none());

    let program = folder.program("traefik", PACKAGE, &[]);
    let mut running = Running::start(&program, &[]);
    assert!(running.found(&Selection::default()).is_some());
    running.0.kill().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert!(running.found(&Selection::default()).is_none(), "a zombie");

    let thread = std::thread::spawn(|| {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let id: u32 = stat.split(' ').next().unwrap().parse().unwrap();
        let pids = vec![id, std::process::id(), 2];
        find(&Selection { pids, ..Selection::default() })
    });
    assert_eq!(thread.join().unwrap(), Search::default());
}

#[test]
fn what_is_found() {
    let folder = Folder::new("what");
    let program = folder.program("traefik", PACKAGE, &[]);
    let running = Running::start(&program, &["--api", ""]);
    let found = running.found(&Selection::default()).unwrap();
    let name = program.to_str().unwrap();
    assert_eq!(found.executable, name);
    assert!(!found.deleted);
    assert_eq!(found.arguments, [name, "--api", ""]);
    assert_eq!(found.environment.into_iter().collect::<Vec<_>>(), [("TRAEFIK_API".to_owned(), "true".to_owned())]);
    assert_eq!(found.working_directory, "/usr");
    assert_eq!(std::fs::read(&found.open).unwrap(), std::fs::read(&program).unwrap());
    assert!(found.root.join("usr").exists());
    assert!(found.start_time > 0);

    std::fs::remove_file(&program).unwrap();
    let gone = running.found(&Selection::default()).unwrap();
    assert_eq!((gone.executable.as_str(), gone.deleted), (name, true));
    assert_eq!((gone.inode, gone.start_time), (found.inode, found.start_time));
    assert_eq!(load_bias(running.pid(), 0), Some(bias_by_entry(running.pid())));
}

/// A process file system made by hand: containers, and processes that end while they are read.
#[test]
fn other_file_systems() {
    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let folder = Folder::new("proc");
    let program = folder.program("traefik", PACKAGE, &[]);
    let process = folder.0.join("7");
    std::fs::create_dir_all(&process).unwrap();
    // A root of its own: names lose what is in front of it.
    symlink(&program, process.join("exe")).unwrap();
    symlink(&folder.0, process.join("root")).unwrap();
    let write = |file: &str, text: &str| std::fs::write(process.join(file), text).unwrap();
    let proc = Proc::at(&folder.0);
    let container = |id: &str| Selection { containers: vec![id.to_owned()], ..Selection::default() };
    assert_eq!(proc.find(&Selection::default()), Search::default());
    write("stat", "7 (traefik) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 5 0 812 1 2 3");
    write("cmdline", "traefik\0");
    write("cgroup", &format!("0::/system.slice/docker-{ID}.scope\n"));
    let found = proc.find(&container("0123")).found.pop().unwrap();
    assert_eq!(found.container.as_deref(), Some("0123456789ab"));
    assert_eq!((found.executable.as_str(), found.start_time), ("/traefik", 812));
    assert_eq!(proc.find(&container("fff")), Search::default());
    assert!(proc.listening(7).is_empty());
    assert_eq!(proc.load_bias(7, 0), None);
    std::fs::remove_file(process.join("exe")).unwrap();
    assert_eq!(proc.find(&Selection::default()), Search::default());
}

#[test]
fn where_a_process_listens() {
    let sockets: Vec<TcpListener> =
        ["127.0.0.1:0", "[::1]:0", "[::]:0"].iter().filter_map(|address| TcpListener::bind(address).ok()).collect();
    let connected = std::net::TcpStream::connect(sockets.first().unwrap().local_addr().unwrap());
    let connected = connected.unwrap().local_addr().unwrap();
    let found = listening(std::process::id());
    for socket in &sockets {
        assert!(found.contains(&socket.local_addr().unwrap()), "{found:?}");
    }
    assert!(!found.contains(&connected));
    let folder = Folder::new("listening");
    let other = Running::start(&folder.program("traefik", PACKAGE, &[]), &[]);
    assert!(listening(other.pid()).is_empty(), "sockets of others");
    assert!(listening(u32::MAX).is_empty());
}

/// The oracle: the kernel tells each program where its entry point came to lie.
fn bias_by_entry(pid: u32) -> u64 {
    const AT_ENTRY: u64 = 9;
    let auxiliary = std::fs::read(format!("/proc/{pid}/auxv")).unwrap();
    let words: Vec<u64> = auxiliary.as_chunks::<8>().0.iter().map(|word| u64::from_ne_bytes(*word)).collect();
    let pair = words.as_chunks::<2>().0;
    let entry = pair.iter().find(|pair| pair[0] == AT_ENTRY).unwrap()[1];
    let file = std::fs::read(format!("/proc/{pid}/exe")).unwrap();
    entry - object::File::parse(file.as_slice()).unwrap().entry()
}

#[test]
fn where_code_lies() {
    let folder = Folder::new("bias");
    for (option, moved) in [("-pie", true), ("-no-pie", false)] {
        let program = folder.program("traefik", PACKAGE, &[option]);
        let running = Running::start(&program, &[]);
        let file = std::fs::read(&program).unwrap();
        let file = object::File::parse(file.as_slice()).unwrap();
        let lowest = file.segments().map(|segment| segment.address()).min();
        let found = load_bias(running.pid(), lowest.unwrap());
        assert_eq!(found, Some(bias_by_entry(running.pid())), "{option}");
        assert_eq!(found != Some(0), moved, "{option}");
    }
    assert_eq!(load_bias(u32::MAX, 0), None);
}
