//! Collectors and stores that are dead, silent, full, or want other credentials.

use std::net::TcpListener;
use std::time::Duration;

use anyhow::{Result, ensure};
use hoptap_tests::lab::Lab;
use hoptap_tests::process::{Scratch, free_port};
use hoptap_tests::s3::{ACCESS_KEY, S3, SECRET_KEY};

use crate::visit::{Expected, Visit, command};

/// Beyond what the doctor takes anyway.
const WAIT: Duration = Duration::from_secs(4);

fn ask(lab: &Lab, endpoint: &str, protocol: &str) -> Result<Visit> {
    let mut command = command(lab, &[], &[])?;
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
    // The real thing is sent: compressed as a run would do it.
    command.env("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
    Visit::of(command)
}

pub(crate) async fn collectors(lab: &Lab) -> Result<()> {
    let expected = Expected { code: 0, check: "collector", result: "warning", found: "", advice: "", along: &[] };
    for protocol in ["grpc", "http/protobuf", "http/json"] {
        let visit = ask(lab, &lab.collector.endpoint(), protocol)?;
        visit.is_well()?;
        let taken = Expected { result: "ok", found: "an empty request was taken", ..expected };
        visit.expect(&taken)?;
        let nobody = format!("http://127.0.0.1:{}", free_port()?);
        let dead = Expected { found: "Connection refused", advice: "start the collector", ..expected };
        ask(lab, &nobody, protocol)?.expect(&dead)?;
    }
    ensure!(lab.collector.unread().is_empty(), "expected requests that can be read: {:?}", lab.collector.unread());
    lab.collector.refuse(401);
    let refused = ask(lab, &lab.collector.endpoint(), "http/protobuf");
    lab.collector.refuse(0);
    let credentials = "OTEL_EXPORTER_OTLP_HEADERS";
    refused?.expect(&Expected { found: "answered 401 Unauthorized", advice: credentials, ..expected })?;
    // What speaks something else.
    let pages = format!("http://{}", lab.traefik.address("web")?);
    ask(lab, &pages, "http/protobuf")?.expect(&Expected {
        found: "answered 404 Not Found",
        advice: "check the path",
        ..expected
    })
}

/// The kernel takes connections for it, and nobody reads.
pub(crate) async fn silent(lab: &Lab) -> Result<()> {
    let nobody = TcpListener::bind("127.0.0.1:0")?;
    let well = Visit::of(command(lab, &[], &[])?)?;
    for protocol in ["grpc", "http/protobuf"] {
        let visit = ask(lab, &format!("http://{}", nobody.local_addr()?), protocol)?;
        visit.expect(&Expected {
            code: 0,
            check: "collector",
            result: "warning",
            found: "no answer within",
            advice: "collector",
            along: &[],
        })?;
        ensure!(visit.took < well.took * 2 + WAIT, "expected it not to wait so long: {:?}", visit.took);
    }
    Ok(())
}

fn store(lab: &Lab, through: &[&str], store: &str) -> Result<Visit> {
    let scratch = Scratch::new("doctor")?;
    let file = scratch.path().join("hoptap.yaml");
    // One in which something reaches it: else the file would be warned of.
    let text = format!(
        "version: 2\nservices:\n  object_stores: [{{{store}}}]\nstacks: {{one: {{plugins: [{{type: http_capture, config: \
         {{level: full}}}}]}}}}\ntap: {{http: {{stack: one}}}}\n"
    );
    std::fs::write(&file, text)?;
    let mut command = command(lab, through, &["--config", &file.display().to_string()])?;
    command.env("KEY", ACCESS_KEY).env("SECRET", SECRET_KEY).env("WRONG", "wrong");
    Visit::of(command)
}

pub(crate) async fn directories(lab: &Lab) -> Result<()> {
    let scratch = Scratch::new("objects")?;
    let there = scratch.path().display().to_string();
    let expected = Expected { code: 0, check: "object store", result: "ok", found: "are free", advice: "", along: &[] };
    store(lab, &[], &format!("type: file, directory: {there}"))?.expect(&expected)?;
    let new = format!("{there}/a/b");
    let made = Expected { found: "which a run makes", ..expected };
    store(lab, &[], &format!("type: file, directory: {new}"))?.expect(&made)?;
    ensure!(std::fs::read_dir(&there)?.next().is_none(), "expected nothing to stay behind in {there}");

    let mount =
        |options: &str, then: &str| format!("mount -t tmpfs -o {options} none {there} && {then} && exec \"$0\" \"$@\"");
    let inside = |script: &str| {
        store(lab, &["unshare", "--mount", "sh", "-c", script], &format!("type: file, directory: {there}"))
    };
    inside(&mount("ro", "true"))?.expect(&Expected {
        code: 64,
        result: "failed",
        found: "expected a directory that can be written to",
        advice: "correct it",
        ..expected
    })?;
    let fill = format!("{{ cat /dev/zero >{there}/x 2>/dev/null; true; }}");
    inside(&mount("size=64k", &fill))?.expect(&Expected {
        result: "warning",
        found: "there is no space left",
        advice: "make room",
        ..expected
    })?;
    inside(&mount("size=4m", "true"))?.expect(&Expected {
        result: "warning",
        found: "4 MiB are free",
        advice: "make room",
        ..expected
    })
}

pub(crate) async fn s3(lab: &Lab) -> Result<()> {
    let mut s3 = S3::start(&["kept"]).await?;
    let of = |bucket: &str, secret: &str| {
        format!(
            "type: s3, endpoint: '127.0.0.1:{}', bucket: {bucket}, path_style: true, insecure: true, \
             access_key: {{type: env, value: KEY}}, secret_key: {{type: env, value: {secret}}}",
            s3.port
        )
    };
    let (right, wrong, missing) = (of("kept", "SECRET"), of("kept", "WRONG"), of("nowhere", "SECRET"));
    let expected =
        Expected { code: 0, check: "object store", result: "ok", found: "a list was given", advice: "", along: &[] };
    store(lab, &[], &right)?.expect(&expected)?;
    let warning = Expected { result: "warning", ..expected };
    store(lab, &[], &wrong)?.expect(&Expected { found: "SignatureDoesNotMatch", advice: "secret_key", ..warning })?;
    store(lab, &[], &missing)?.expect(&Expected { found: "NoSuchBucket", advice: "create the bucket", ..warning })?;
    ensure!(s3.objects("kept")?.is_empty(), "expected nothing to be written");
    s3.kill();
    store(lab, &[], &right)?.expect(&Expected { found: "refused", advice: "start the store", ..warning })
}
