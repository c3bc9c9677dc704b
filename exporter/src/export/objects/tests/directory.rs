//! Objects as files: whole or not at all, also where there is no space.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::super::{Error, File, Objects, Settings};
use super::server::Scratch;
use super::{LONG, Noise, limits, object, wait};

fn start(directory: &Path) -> Result<Objects, Error> {
    let file = File { directory: directory.to_owned(), prefix: String::new() };
    Objects::start(&Settings::File(file), limits())
}

/// All files below, without what was left over.
fn files(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path.to_str().unwrap().to_owned()) }
    }
    found
}

#[test]
fn files_are_what_was_offered() {
    let scratch = Scratch::new();
    let directory = scratch.0.join("made by hoptap");
    let objects = start(&directory).unwrap();
    assert_eq!(objects.url("a/b"), format!("file://{}/made%20by%20hoptap/a/b", scratch.0.display()));
    let mut noise = Noise(3);
    let bodies: Vec<Vec<u8>> = (0..300).map(|number| noise.bytes(number * 97)).collect();
    for (number, body) in bodies.iter().enumerate() {
        assert!(objects.offer(object(&format!("2026/07/01/a@b/{number}/!2e!2f"), body.clone())));
    }
    let counts = objects.finish(LONG);
    assert_eq!((counts.delivered, counts.offered()), (300, 300), "{counts:?}");
    for (number, body) in bodies.iter().enumerate() {
        let stored = std::fs::read(directory.join(format!("2026/07/01/a@b/{number}/!2e!2f"))).unwrap();
        assert!(stored == *body, "{number}");
    }
    assert_eq!(files(&directory).len(), 300, "nothing is left over");
}

/// Unmounted when dropped.
struct Small<'a>(&'a Path);

impl Small<'_> {
    fn mount(path: &Path, options: &str) -> bool {
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(path).output();
        mount.is_ok_and(|output| output.status.success())
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _nothing_to_do = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_costs_nothing_once_it_has_space() {
    let scratch = Scratch::new();
    if !Small::mount(&scratch.0, "size=1m") {
        // Only root may mount; everything else about directories is tested without.
        return;
    }
    let small = Small(&scratch.0);
    let objects = start(small.0).unwrap();
    let mut noise = Noise(5);
    let bodies: Vec<Vec<u8>> = (0..30).map(|_| noise.bytes(100_000)).collect();
    for (number, body) in bodies.iter().enumerate() {
        assert!(objects.offer(object(&format!("day/{number:02}"), body.clone())));
    }
    let counts = wait(&objects, 30, "full", |_| objects.failures().full >= 5);
    assert!(counts.delivered < 11 && counts.waiting > 18 && counts.lost() == 0, "{counts:?}");
    let found = files(small.0);
    assert!(found.len() as u64 <= counts.delivered + 1, "{found:?}");
    assert!(Small::mount(small.0, "remount,size=20m"));
    wait(&objects, 30, "space", |counts| counts.delivered == 30);
    assert_eq!(objects.finish(LONG).delivered, 30);
    for (number, body) in bodies.iter().enumerate() {
        assert!(std::fs::read(small.0.join(format!("day/{number:02}"))).unwrap() == *body, "{number}");
    }
    assert_eq!(files(small.0).len(), 30, "nothing is left over");
}

#[test]
fn a_directory_that_is_gone_is_made_again() {
    let scratch = Scratch::new();
    let directory = scratch.0.join("spool");
    let objects = start(&directory).unwrap();
    std::fs::remove_dir(&directory).unwrap();
    // A file in its place: it can be neither made nor written to.
    std::fs::write(&directory, b"").unwrap();
    assert!(objects.offer(object("a/b", vec![1; 10])));
    wait(&objects, 1, "denied", |_| objects.failures().denied >= 2);
    std::fs::remove_file(&directory).unwrap();
    wait(&objects, 1, "made again", |counts| counts.delivered == 1);
    objects.finish(Duration::from_secs(1));
}

#[test]
fn what_cannot_be_used_says_what_to_do() {
    let error = start(Path::new("/proc/nowhere")).map(drop).map_err(|error| error.to_string());
    assert!(error.as_ref().is_err_and(|error| error.contains("create it, or let hoptap write to it")), "{error:?}");
}
