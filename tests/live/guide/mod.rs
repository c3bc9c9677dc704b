//! What each configuration of the guide must tell of which request.

mod seen;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hoptap_tests::client::Connection;
use hoptap_tests::echo::Echo;
use hoptap_tests::hoptap::Hoptap;
use hoptap_tests::process::Scratch;
use hoptap_tests::s3::{ACCESS_KEY, S3, SECRET_KEY};
use hoptap_tests::traefik::{Setup, Traefik};

use seen::Seen;

/// How much is told of a request, as the outputs show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    None,
    Summary,
    Details,
    Full,
}
use Level::{Details, Full, None, Summary};

/// A file of `compose/configurations`, and what it must make of requests.
pub(crate) struct Configuration {
    pub(crate) file: &'static str,
    /// The client's hop is told as well.
    ingress: bool,
    requests: &'static [Request],
}

/// Path with query, Host, further header lines, and what is told of it.
type Request = (&'static str, &'static str, &'static str, Level);

const ANY: &str = "any.test";

pub(crate) const CONFIGURATIONS: [Configuration; 8] = [
    Configuration {
        file: "guide-traefik-capture.yaml",
        ingress: true,
        requests: &[("/api/service-a/users", ANY, "", Full), ("/nowhere", ANY, "", Full)],
    },
    Configuration {
        file: "1-specific-services.yaml",
        ingress: true,
        requests: &[
            ("/api/service-a/users", ANY, "", Full),
            ("/api/service-a/users?status=500", ANY, "", Full),
            ("/api/httpbin/get", ANY, "", None),
            ("/api/httpbin/get?status=404", ANY, "", Full),
            ("/api/httpbin/get?d=1100", ANY, "", Details),
            ("/api/service-b/users", ANY, "", None),
            ("/api/service-b/users?status=500", ANY, "", None),
            ("/nowhere", ANY, "", None),
        ],
    },
    Configuration {
        file: "2-service-discovery.yaml",
        ingress: false,
        requests: &[
            ("/api/service-a/users", ANY, "X-Service-Name: a\r\n", Summary),
            ("/api/service-b/users?status=500", ANY, "", Summary),
        ],
    },
    Configuration {
        file: "3-rate-limiting.yaml",
        ingress: true,
        requests: &[
            ("/api/service-a/a?status=429", ANY, "", Full),
            ("/api/service-a/a?status=401", ANY, "", Full),
            ("/api/service-a/a?status=403", ANY, "", Full),
            ("/other/a?status=403", ANY, "", Full),
            ("/api/service-a/a?status=404", ANY, "", Details),
            ("/other/a?status=404", ANY, "", None),
            ("/api/service-a/a", ANY, "", None),
        ],
    },
    Configuration {
        file: "4-production-s3.yaml",
        ingress: true,
        requests: &[
            ("/api/service-a/a", ANY, "", None),
            ("/api/service-a/a?status=400", ANY, "", Full),
            ("/other/a?status=503", ANY, "", Full),
            ("/other/a?status=399", ANY, "", None),
        ],
    },
    Configuration {
        file: "5-service-mesh.yaml",
        ingress: true,
        requests: &[
            ("/api/service-a/a", ANY, "", Summary),
            ("/api/service-a/a?status=500", ANY, "", Full),
            ("/other/a?status=500", ANY, "", Summary),
            ("/other/a", ANY, "", Summary),
        ],
    },
    Configuration {
        file: "6-canary.yaml",
        ingress: false,
        requests: &[("/api/service-a/a", ANY, "", Summary), ("/api/service-b/a?status=500", ANY, "", Summary)],
    },
    Configuration {
        file: "7-multi-tenant.yaml",
        ingress: true,
        requests: &[
            ("/other/a", "tenant-a.localhost", "", Full),
            ("/other/a?status=500", "tenant-a.localhost", "", Full),
            ("/other/a", "tenant-b.localhost", "", None),
            ("/other/a?status=500", "tenant-b.localhost", "", Full),
            ("/other/a?status=500", "tenant-c.localhost", "", None),
            ("/api/service-a/a", "x.tenant-a.localhost", "", None),
        ],
    },
];

/// The path that a request has for its backend, without its query.
fn stripped(path: &str) -> &str {
    let path = path.split('?').next().unwrap_or_default();
    let prefix = ["/api/service-a", "/api/service-b", "/api/httpbin"].iter().find_map(|it| path.strip_prefix(it));
    prefix.unwrap_or(path)
}

fn dynamic(echo: &Echo) -> String {
    let mut text = String::from("http:\n  routers:\n");
    for name in ["service-a", "service-b", "httpbin"] {
        text += &format!("    {name}: {{rule: 'PathPrefix(`/api/{name}`)', service: echo, middlewares: [{name}]}}\n");
    }
    text += "    other: {rule: 'PathPrefix(`/other`)', service: echo}\n  middlewares:\n";
    for name in ["service-a", "service-b", "httpbin"] {
        text += &format!("    {name}: {{stripPrefix: {{prefixes: ['/api/{name}']}}}}\n");
    }
    text + &format!("  services:\n    echo: {{loadBalancer: {{servers: [{{url: 'http://{}'}}]}}}}\n", echo.address)
}

/// One request, and what must be told of it.
struct Sent {
    id: String,
    /// As the backend is asked.
    backend_path: String,
    body: String,
    answer: Vec<u8>,
    level: Level,
    /// It reaches a backend.
    routed: bool,
}

pub(crate) async fn check(configuration: &Configuration) -> Result<()> {
    let echo = Echo::start().await?;
    let setup = Setup { entrypoints: &[("web", "")], dynamic: &dynamic(&echo), ..Setup::default() };
    let traefik = Traefik::start(&setup).await?;
    let s3 = S3::start(&[BUCKET]).await?;
    let scratch = Scratch::new("guide")?;
    let file = local(configuration.file, s3.port, scratch.path())?;
    checked_by_itself(&file)?;

    let out = scratch.path().join("out");
    let stdout = std::fs::File::create(&out)?;
    let keys = [("AWS_ACCESS_KEY_ID", ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", SECRET_KEY)];
    let pid = traefik.pid().to_string();
    let arguments = ["--config", &file, "--pid", &pid];
    let mut hoptap = Hoptap::start_to(&arguments, &keys, stdout).await?;
    let mut connection = Connection::open(traefik.address("web")?).await?;
    let mut sent = Vec::new();
    for round in 0..3 {
        for (number, request) in configuration.requests.iter().enumerate() {
            sent.push(send(&mut connection, request, &format!("{round}x{number}")).await?);
        }
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let status = hoptap.stop()?;
    ensure!(status.success(), "{status}: {}", hoptap.output());

    let told = std::fs::read_to_string(&out)?;
    let objects = s3.objects(BUCKET)?;
    let seen = Seen::read(&told, &objects).with_context(|| told.clone())?;
    let text = std::fs::read_to_string(&file)?;
    let to_s3 = text.contains("type: s3");
    for sent in &sent {
        let all = || format!("{} {:?}\n{told}\nlogged:\n{}", sent.id, sent.level, hoptap.output());
        seen.events(sent, configuration.ingress).with_context(all)?;
        match to_s3 {
            true => {
                seen.objects(sent).with_context(|| format!("{:#?}", objects.iter().map(|it| &it.0).collect::<Vec<_>>()))
            }
            false => seen.exchange(sent, configuration.ingress),
        }
        .with_context(all)?;
    }
    seen.nothing_else(&sent)
}

const BUCKET: &str = "traffic";

/// The file as it is, but that S3 is ours: another host, which speaks plain HTTP.
fn local(file: &str, port: u16, folder: &Path) -> Result<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compose/configurations").join(file);
    let text = std::fs::read_to_string(&root).with_context(|| format!("read {}", root.display()))?;
    let mut local = String::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let key = line.trim_start().split(':').next().unwrap_or_default();
        let value = match key {
            "endpoint" => format!("127.0.0.1:{port}"),
            "bucket" => BUCKET.to_owned(),
            "insecure" => format!("true\n{:indent$}path_style: true", ""),
            _ => {
                local += &format!("{line}\n");
                continue;
            }
        };
        local += &format!("{:indent$}{key}: {value}\n", "");
    }
    let path = folder.join(file);
    std::fs::write(&path, local)?;
    Ok(path.display().to_string())
}

/// `hoptap check` finds nothing wrong with it.
fn checked_by_itself(file: &str) -> Result<()> {
    let mut command = Command::new(hoptap_tests::hoptap::program()?);
    command.args(["check", file]).env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    let output = command.stdin(Stdio::null()).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

async fn send(connection: &mut Connection, (target, host, lines, level): &Request, id: &str) -> Result<Sent> {
    let body = format!("{{\"id\": \"{id}\", \"text\": \"{}\"}}", "some words to read ".repeat(200));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = format!("{path}-{id}");
    let length = body.len();
    let text = format!(
        "POST {path}?{query} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Authorization: Bearer hidden-{id}\r\n{lines}Content-Length: {length}\r\n\r\n{body}"
    );
    let response = connection.exchange(text.as_bytes()).await?;
    let routed = *target != "/nowhere";
    let expected = query.split_once("status=").map_or("200", |(_, status)| status);
    ensure!(response.status.to_string() == if routed { expected } else { "404" }, "{target}: {}", response.status);
    Ok(Sent {
        id: id.to_owned(),
        backend_path: stripped(&path).to_owned(),
        body,
        answer: response.body,
        level: *level,
        routed,
    })
}
