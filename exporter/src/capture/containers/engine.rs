//! Docker, or what speaks as it does: asked for the names of containers, and listened to while they change.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use serde::Deserialize;
use tokio::sync::Notify;

use super::Directory;
use super::request::{self, Error};
use super::settings::Socket;

/// `{"type":["container"],"event":["start","rename","die","destroy"]}`.
const EVENTS: &str = "/events?filters=%7B%22type%22%3A%5B%22container%22%5D%2C%22event%22%3A%5B%22start%22%2C\
    %22rename%22%2C%22die%22%2C%22destroy%22%5D%7D";

/// A name that is needed now is worth so much time.
const ONE_NAME: Duration = Duration::from_millis(500);

/// An engine that is not there is looked for again after so long, and after longer each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Longest event; labels of containers stand in it.
const LONGEST_EVENT: usize = 1 << 20;

/// As much of an id as people are shown.
const SHORT: usize = 12;

#[derive(Debug)]
pub(super) struct Engine {
    /// Key of the configuration.
    name: &'static str,
    /// Where its socket may be, best first.
    places: Vec<PathBuf>,
    /// The only place is one that somebody wrote down.
    named: bool,
    directory: Directory,
    /// Names are other ones than before.
    changed: Arc<Notify>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    id: String,
    names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    name: String,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    action: String,
    actor: Actor,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Actor {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "Attributes", default)]
    attributes: BTreeMap<String, String>,
}

impl Engine {
    /// None where it is switched off.
    pub(super) fn new(
        name: &'static str,
        socket: &Socket,
        usual: Vec<PathBuf>,
        directory: &Directory,
        changed: &Arc<Notify>,
    ) -> Option<Self> {
        let (places, named) = match socket {
            Socket::Off => return None,
            Socket::Auto => (usual, false),
            Socket::At(path) => (vec![path.clone()], true),
        };
        Some(Self { name, places, named, directory: directory.clone(), changed: Arc::clone(changed) })
    }

    fn socket(&self) -> Option<&Path> {
        self.places.iter().find(|place| place.exists()).map(PathBuf::as_path)
    }

    /// The name of one container, asked for now. None: it has none of that id, or does not answer.
    pub(super) async fn container(&self, short_id: &str) -> Option<Arc<str>> {
        let path = format!("/containers/{short_id}/json");
        let asked = request::get::<Inspected>(self.socket()?, &path);
        let Inspected { name } = tokio::time::timeout(ONE_NAME, asked).await.ok()?.ok()?;
        self.directory.insert(short_id, plain(&name));
        Some(plain(&name).into())
    }

    /// Keeps the directory as the engine has it, as long as the program runs.
    pub(super) async fn follow(self: Arc<Self>) {
        let mut pause = FIRST_PAUSE;
        let mut warned = false;
        let mut held = BTreeSet::new();
        loop {
            let (begun, outcome) = match self.socket() {
                Some(socket) => {
                    let begun = tokio::time::Instant::now();
                    (begun, Some((socket, self.listen(socket, &mut held).await)))
                }
                None => (tokio::time::Instant::now(), None),
            };
            match outcome {
                // It was there, and was stopped or started anew.
                Some((_, Ok(()))) => warned = false,
                Some((socket, Err(error))) if !warned => {
                    warned = true;
                    self.warn(socket, &error);
                }
                None if self.named && !warned => {
                    warned = true;
                    let socket = self.places.first().map(|place| place.display().to_string());
                    tracing::warn!(
                        socket,
                        "there is no such socket: containers are named without it; check `containers.{}`, or the mount",
                        self.name
                    );
                }
                _ => {}
            }
            pause = if begun.elapsed() > LONGEST_PAUSE { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            tokio::time::sleep(pause).await;
        }
    }

    fn warn(&self, socket: &Path, error: &Error) {
        let socket = socket.display();
        match error {
            Error::Connect(error) if error.kind() == ErrorKind::PermissionDenied => tracing::warn!(
                %socket,
                "it may not be asked for the names of containers: let hoptap run as root or in the socket's group, or \
                 say `containers: {{{}: off}}`",
                self.name
            ),
            // A socket that nobody listens on is what an engine leaves that was stopped.
            Error::Connect(error) if error.kind() == ErrorKind::ConnectionRefused && !self.named => {}
            error => tracing::warn!(%socket, %error, "it cannot be asked for the names of containers: trying again"),
        }
    }

    /// Takes what there is, and then every change. Ends well where the engine did.
    async fn listen(&self, socket: &Path, held: &mut BTreeSet<String>) -> Result<(), Error> {
        // Before the list: nothing can change between the two.
        let mut events = request::open(socket, EVENTS).await?;
        let list: Vec<Listed> = request::get(socket, "/containers/json").await?;
        tracing::info!(socket = %socket.display(), containers = list.len(), "containers are named by their engine");
        let before = std::mem::take(held);
        for Listed { id, names } in &list {
            if let (Some(id), Some(name)) = (id.get(..SHORT), names.iter().min_by_key(|name| name.matches('/').count()))
            {
                self.directory.insert(id, plain(name));
                held.insert(id.to_owned());
            }
        }
        before.difference(held).for_each(|id| self.directory.remove(id));
        self.changed.notify_one();
        let mut lines = Vec::new();
        while let Some(frame) = events.frame().await {
            let Ok(frame) = frame else { return Ok(()) };
            lines.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
            while let Some(end) = memchr::memchr(b'\n', &lines) {
                let line: Vec<u8> = lines.drain(..=end).collect();
                if let Ok(event) = serde_json::from_slice::<Event>(&line) {
                    self.take(&event, held);
                }
            }
            if lines.len() > LONGEST_EVENT {
                lines.clear();
            }
        }
        Ok(())
    }

    fn take(&self, event: &Event, held: &mut BTreeSet<String>) {
        let Some(id) = event.actor.id.get(..SHORT) else { return };
        match (event.action.as_str(), event.actor.attributes.get("name")) {
            ("start" | "rename", Some(name)) => {
                held.insert(id.to_owned());
                if self.directory.insert(id, plain(name)) {
                    self.changed.notify_one();
                }
            }
            ("die" | "destroy", _) => {
                held.remove(id);
                self.directory.remove(id);
            }
            _ => {}
        }
    }
}

/// The API puts a slash in front of names.
fn plain(name: &str) -> &str {
    name.strip_prefix('/').unwrap_or(name)
}

/// Where Docker's socket is by custom.
pub(super) fn docker() -> Vec<PathBuf> {
    let asked = std::env::var("DOCKER_HOST").ok();
    let asked = asked.as_deref().and_then(|host| host.strip_prefix("unix://")).map(PathBuf::from);
    asked.into_iter().chain(["/var/run/docker.sock", "/run/docker.sock"].map(PathBuf::from)).collect()
}

/// Where Podman's is.
pub(super) fn podman() -> Vec<PathBuf> {
    vec!["/run/podman/podman.sock".into()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    /// Each event as an engine writes it, and the name that is known after it.
    #[test]
    fn what_events_change() {
        let (directory, changed) = (Directory::default(), Arc::default());
        let engine = Engine::new("docker", &Socket::Auto, Vec::new(), &directory, &changed);
        let mut held = BTreeSet::new();
        for (event, expected) in [
            // Docker 20.10 and later, and Podman 4.
            (
                r#"{"status":"start","id":"ID","from":"scratch","Type":"container","Action":"start","Actor":{"ID":"ID",
                "Attributes":{"image":"scratch","name":"demo-api-1"}},"scope":"local","time":1,"timeNano":1}"#,
                Some("demo-api-1"),
            ),
            (
                r#"{"Type":"container","Action":"rename","Actor":{"ID":"ID","Attributes":{"name":"/api",
                "oldName":"/demo-api-1"}}}"#,
                Some("api"),
            ),
            // Of others, and what is no container's.
            (r#"{"Type":"container","Action":"exec_start: sh","Actor":{"ID":"ID"}}"#, Some("api")),
            (r#"{"Type":"container","Action":"die","Actor":{"ID":"0","Attributes":{}}}"#, Some("api")),
            (r#"{"Type":"container","Action":"die","Actor":{"ID":"ID","Attributes":{"name":"api"}}}"#, None),
        ] {
            let text = event.replace(":\"ID\"", &format!(":\"{ID}\""));
            if let (Some(engine), Ok(event)) = (&engine, serde_json::from_str(&text)) {
                engine.take(&event, &mut held);
            }
            assert_eq!(directory.name("0123456789ab").as_deref(), expected, "{event}");
        }
    }
}
