//! All is well: while a Traefik is at work everything is attached to it and taken away, and it is as it was.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use hoptap_tests::lab::Lab;
use hoptap_tests::load::Load;

use crate::visit::{PROBES, Visit, command};

pub(crate) async fn check(lab: &Lab) -> Result<()> {
    let pinned = pinned();
    let load = Load {
        to: lab.traefik.address("web")?,
        connections: 5,
        requests: 2000,
        templates: vec!["GET /x?id={id} HTTP/1.1\r\nHost: any.test\r\n\r\n".to_owned()],
        label: "doctor".to_owned(),
    };
    let running = tokio::spawn(async move { load.run().await });
    let command = command(lab, &[], &[])?;
    let visit = tokio::task::spawn_blocking(|| Visit::of(command)).await??;
    let failed: Vec<_> = running.await??.into_iter().filter(|outcome| outcome.status != 200).collect();
    ensure!(failed.is_empty(), "{failed:#?}");
    visit.is_well()?;
    for check in PROBES.iter().chain(&["Traefik", "API", "socket tracepoints", "sys_exit"]) {
        let finding = visit.finding(check)?;
        // Which of them there are depends on the kernel.
        let tracepoints = *check == "socket tracepoints";
        ensure!(finding["result"] == "ok" || tracepoints, "{finding:#}");
    }
    ensure!(visit.finding("Traefik")?["pid"] == lab.traefik.pid(), "{:#}", visit.finding("Traefik")?);
    same_code(lab.traefik.pid())?;
    ensure!(self::pinned() == pinned, "expected nothing new in /sys/fs/bpf");
    let events = std::fs::read_to_string("/sys/kernel/tracing/uprobe_events").unwrap_or_default();
    ensure!(events.is_empty(), "expected no uprobe to be left, found {events}");
    Ok(())
}

/// The code in memory is that of the file: a probe would be a breakpoint in it.
fn same_code(pid: u32) -> Result<()> {
    let executable = std::fs::read_link(format!("/proc/{pid}/exe"))?;
    let (memory, file) = (File::open(format!("/proc/{pid}/mem"))?, File::open(&executable)?);
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let mut compared = 0;
    for line in maps.lines().filter(|line| line.ends_with(&*executable.to_string_lossy()) && line.contains(" r-xp ")) {
        let mut words = line.split_ascii_whitespace();
        let (start, end) = words.next().and_then(|range| range.split_once('-')).context("a range")?;
        let offset = u64::from_str_radix(words.nth(1).context("an offset")?, 16)?;
        let (start, end) = (u64::from_str_radix(start, 16)?, u64::from_str_radix(end, 16)?);
        let length = usize::try_from(end - start)?;
        let (mut there, mut here) = (vec![0; length], vec![0; length]);
        memory.read_exact_at(&mut there, start)?;
        // The last page is longer than the file's part.
        let within = file.read_at(&mut here, offset)?;
        let different = there.iter().zip(&here).take(within).position(|(a, b)| a != b);
        ensure!(different.is_none(), "expected the code of the file, found another byte at {different:x?} in {line}");
        compared += within;
    }
    ensure!(compared > 1 << 20, "expected megabytes of code, found {compared} bytes");
    Ok(())
}

fn pinned() -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir("/sys/fs/bpf").into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}
