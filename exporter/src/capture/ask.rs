//! Asks the API of each traced Traefik, on a thread of its own, and tells the session what it said.

use std::fs::File;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crate::event::{Configuration, Own, Peer, Pid};
use crate::traefik::api::{Api, Error};

/// What a thread that asks has to say.
pub(super) enum Told {
    Configuration(Pid, Configuration),
    /// It is about to ask on this connection; the session answers once the stream knows.
    Own(Pid, Own, Sender<()>),
    /// It has said all it has to say, which is nothing where the API did not answer.
    Done(Pid),
    /// Whose a peer of the process is.
    Peer(Pid, Peer),
    /// Containers are called otherwise than before.
    Names,
}

/// However the asking ends.
struct Done(Pid, Sender<Told>);

impl Drop for Done {
    fn drop(&mut self) {
        let _ = self.1.send(Told::Done(self.0));
    }
}

const TIMEOUT: Duration = Duration::from_secs(5);

/// Asks once, in the process's own network, and ends.
pub(super) fn ask(pid: Pid, address: SocketAddr, base_path: &str, told: Sender<Told>) {
    let base_path = base_path.to_owned();
    // A thread that does not start drops it as well.
    let done = Done(pid, told.clone());
    let spawned = std::thread::Builder::new().name("api".into()).spawn(move || {
        let _done = done;
        if let Err(error) = enter_network(pid) {
            tracing::debug!(pid, %error, "cannot enter the network of the process: asking from here");
        }
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        let announce = told.clone();
        let api = Api::new(address, TIMEOUT).with_base_path(&base_path).announced(move |local| {
            let (done, wait) = channel();
            let own = Own { from: local, to: address.port() };
            if announce.send(Told::Own(pid, own, done)).is_ok() {
                // The session answers within milliseconds; without it the request is seen as a client's.
                let _ = wait.recv_timeout(Duration::from_secs(1));
            }
        });
        runtime.block_on(async {
            match api.entrypoints().await {
                Ok(answer) => {
                    let _ = told.send(Told::Configuration(pid, Configuration::EntryPoints(answer.text)));
                }
                Err(error) => {
                    tracing::debug!(pid, %error, "the api did not answer");
                    return;
                }
            }
            match api.raw_data().await {
                Ok(answer) => {
                    let _ = told.send(Told::Configuration(pid, Configuration::RawData(answer.text)));
                }
                Err(error) => tracing::debug!(pid, %error, "the api did not answer"),
            }
        });
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "no thread to ask Traefik's API");
    }
}

/// An answer that is under way.
#[derive(Debug)]
pub struct Asked(Receiver<Result<String, Error>>);

impl Asked {
    /// The version that it says, or why it does not; None where not even that came in time.
    pub fn wait(self, within: Duration) -> Option<Result<String, Error>> {
        self.0.recv_timeout(within).ok()
    }
}

/// Asks for the version, in the process's own network, without being waited for.
pub(super) fn version(pid: Pid, address: SocketAddr, base_path: &str, within: Duration) -> Asked {
    let base_path = base_path.to_owned();
    let (told, asked) = channel();
    let spawned = std::thread::Builder::new().name("api".into()).spawn(move || {
        if let Err(error) = enter_network(pid) {
            tracing::debug!(pid, %error, "cannot enter the network of the process: asking from here");
        }
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        let api = Api::new(address, within).with_base_path(&base_path);
        let answer = runtime.block_on(api.version());
        let _ = told.send(answer.map(|answer| version_in(&answer.text).unwrap_or_default()));
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "no thread to ask Traefik's API");
    }
    Asked(asked)
}

fn version_in(text: &str) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_str(text).ok()?;
    Some(answer.get("Version")?.as_str()?.to_owned())
}

/// Moves this thread into the network namespace of a process.
#[expect(unsafe_code, reason = "there is no safe call for it in the standard library")]
fn enter_network(pid: Pid) -> std::io::Result<()> {
    let path = format!("/proc/{pid}/ns/net");
    if std::fs::read_link(&path)? == std::fs::read_link("/proc/thread-self/ns/net")? {
        return Ok(());
    }
    let namespace = File::open(path)?;
    // SAFETY: an open file; it changes this thread only, which ends soon.
    if unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) } == 0 {
        Ok(())
    } else {
        Err(std::io::Error::last_os_error())
    }
}
