//! A real Traefik for one test: its process, its files, its access log.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use hoptap::traefik::api::Api;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use crate::random::Plan;

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Traefik {
    process: Child,
    folder: PathBuf,
    addresses: HashMap<&'static str, SocketAddr>,
    runtime: tokio::runtime::Runtime,
    sent: usize,
    pub(crate) raw_data: String,
    pub(crate) entrypoints: String,
}

/// A request that was sent, and what Traefik's log says of it.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    case: String,
    pub(crate) entrypoint: String,
    pub(crate) version: String,
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) client: String,
    status: u16,
    /// None: refused before the chain that logs.
    pub(crate) log: Option<Value>,
}

fn binary() -> PathBuf {
    let usual = || {
        let home = PathBuf::from(env::var_os("HOME").unwrap_or_default());
        home.join(".cache/hoptap/traefik-v3.6.12")
    };
    let path = env::var_os("HOPTAP_TRAEFIK").map_or_else(usual, PathBuf::from);
    assert!(path.is_file(), "no Traefik at {}: `make traefik` builds it, HOPTAP_TRAEFIK names another", path.display());
    path
}

impl Traefik {
    pub(crate) fn start(default_syntax: &str, dynamic: &Value) -> Self {
        let binary = binary();
        let folder = env::temp_dir().join(format!("hoptap-oracle-{}-{default_syntax}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let names = ["web", "raw", "model", "traefik"];
        let listeners: Vec<TcpListener> = names.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let addresses: HashMap<&str, SocketAddr> =
            names.into_iter().zip(listeners.iter().map(|listener| listener.local_addr().unwrap())).collect();
        drop(listeners);

        let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let address = |name: &str| addresses[name].to_string();
        // JSON is YAML.
        let mut static_configuration = json!({
            "global": {"checkNewVersion": false, "sendAnonymousUsage": false},
            "entryPoints": {
                "web": {"address": address("web"), "forwardedHeaders": {"trustedIPs": ["127.0.0.3"], "connection": ["X-Tenant"]}},
                "raw": {"address": address("raw"), "forwardedHeaders": {"insecure": true},
                    "http": {"sanitizePath": false, "encodeQuerySemicolons": true}},
                "model": {"address": address("model"), "http": {"middlewares": ["nothing@file"]}},
                "traefik": {"address": address("traefik")},
            },
            "api": {"insecure": true},
            "providers": {"file": {"filename": file("dynamic.yml"), "watch": false}},
            "accessLog": {"filePath": file("access.log"), "format": "json", "addInternals": true,
                "fields": {"headers": {"names": {"X-Case": "keep"}}}},
            "log": {"level": "ERROR", "filePath": file("traefik.log")},
        });
        // Traefik makes a model of every entrypoint when this is set, and clones of all routers.
        if default_syntax != "v3" {
            static_configuration["core"] = json!({"defaultRuleSyntax": default_syntax});
        }
        let mut dynamic = dynamic.clone();
        dynamic["http"]["middlewares"]["nothing"] = json!({"headers": {"customRequestHeaders": {"X-Nothing": "1"}}});
        fs::write(file("static.yml"), static_configuration.to_string()).unwrap();
        fs::write(file("dynamic.yml"), dynamic.to_string()).unwrap();
        let process = Command::new(binary)
            .arg(format!("--configFile={}", file("static.yml")))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut traefik =
            Self { process, folder, addresses, runtime, sent: 0, raw_data: String::new(), entrypoints: String::new() };
        traefik.wait_until_ready();
        traefik
    }

    fn wait_until_ready(&mut self) {
        let api = Api::new(self.addresses["traefik"], Duration::from_secs(5));
        let deadline = Instant::now() + PATIENCE;
        while !self.raw_data.contains("@file") {
            assert!(Instant::now() < deadline, "Traefik did not come up: see {}", self.folder.display());
            thread::sleep(Duration::from_millis(50));
            if let Ok(answer) = self.runtime.block_on(api.raw_data()) {
                self.raw_data = answer.text;
            }
        }
        self.entrypoints = self.runtime.block_on(api.entrypoints()).unwrap().text;
    }

    pub(crate) fn send(&mut self, plan: Plan) -> Sent {
        let case = self.sent.to_string();
        self.sent += 1;
        let mut headers = plan.headers;
        headers.push(("X-Case".into(), case.clone()));
        if let Some(host) = plan.host {
            headers.insert(0, ("Host".into(), host.into()));
        }
        let authority = plan.absolute.and_then(|absolute| absolute.split_once("://"));
        let query = plan.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        let target = format!("{}{}{query}", plan.absolute.unwrap_or_default(), plan.path);
        let mut message = format!("{} {target} {}\r\n", plan.method, plan.version);
        for (name, value) in &headers {
            message.push_str(&format!("{name}: {value}\r\n"));
        }
        message.push_str("\r\n");
        let status = self.runtime.block_on(exchange(self.addresses[plan.entrypoint], plan.client, &message));
        Sent {
            case,
            entrypoint: plan.entrypoint.into(),
            version: plan.version.into(),
            method: plan.method.into(),
            host: authority.map(|(_, host)| host).or(plan.host).unwrap_or_default().into(),
            path: plan.path,
            query: plan.query,
            headers,
            client: plan.client.into(),
            status,
            log: None,
        }
    }

    /// Waits for the log lines of all that were not refused.
    pub(crate) fn collect(&mut self, sent: &mut [Sent]) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = fs::read_to_string(self.folder.join("access.log")).unwrap();
            let lines: HashMap<String, Value> = text
                .lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok())
                .filter_map(|line| Some((line.get("request_X-Case")?.as_str()?.to_owned(), line)))
                .collect();
            for sent in sent.iter_mut() {
                sent.log = lines.get(&sent.case).cloned();
            }
            let missing = sent.iter().find(|sent| sent.log.is_none() && sent.status != 400);
            let Some(missing) = missing else {
                return;
            };
            assert!(Instant::now() < deadline, "no line in the access log for {missing:?}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// What was sent and what Traefik did, for the unit tests.
    pub(crate) fn record(&self, path: &str, sent: &[Sent]) {
        let cases = sent.iter().step_by(8).map(|sent| {
            let logged = |name: &str| sent.log.as_ref().and_then(|log| log.get(name)).cloned();
            json!({
                "entrypoint": sent.entrypoint, "version": sent.version, "method": sent.method, "host": sent.host,
                "path": sent.path, "query": sent.query, "headers": sent.headers, "client": sent.client,
                "refused": sent.log.is_none(), "router": logged("RouterName"), "service": logged("ServiceName"),
                "url": logged("ServiceURL"),
            })
            .to_string()
        });
        let head = json!({"rawdata": self.raw_data, "entrypoints": self.entrypoints}).to_string();
        let lines: Vec<String> = std::iter::once(head).chain(cases).collect();
        fs::write(path, lines.join("\n") + "\n").unwrap();
    }
}

impl Drop for Traefik {
    fn drop(&mut self) {
        // It may have ended by itself: then there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if !thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Sends `message` from an address of its own; the status of the answer.
async fn exchange(to: SocketAddr, client: &str, message: &str) -> u16 {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{client}:0").parse().unwrap()).unwrap();
    let mut stream = socket.connect(to).await.unwrap();
    stream.write_all(message.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut answer)).await;
    read.unwrap_or_else(|_| panic!("no answer to {message:?}")).unwrap();
    str::from_utf8(&answer).unwrap().rsplit(' ').next().unwrap().parse().unwrap()
}
