//! Servers of S3 that this process starts, kills and starts again: s3s-fs, which keeps objects as files, and MinIO,
//! which is as strict as those that people use.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use object_store::aws::{AmazonS3, AmazonS3Builder};

use super::super::S3;
use super::s3;

/// What to start: the variable that names it, and what `make s3` builds where there is none.
#[derive(Clone, Copy)]
pub(in crate::export) struct Program {
    variable: &'static str,
    built: &'static str,
    arguments: fn(&mut Command, u16),
    /// ext4 is slow where thousands of files come and go, and the test is not about it.
    in_memory: bool,
}

pub(in crate::export) const S3S_FS: Program = Program {
    variable: "HOPTAP_S3",
    built: "s3s-fs-0.14.1/bin/s3s-fs",
    arguments: |command, port| {
        command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
        command.args(["--access-key", "AKIATEST", "--secret-key", "s3cret-key"]);
    },
    in_memory: true,
};

pub(in crate::export) const MINIO: Program = Program {
    variable: "HOPTAP_MINIO",
    built: "minio-20260212",
    arguments: |command, port| {
        command.args(["server", "--quiet", "--address", &format!("127.0.0.1:{port}")]);
        command.args(["--console-address", &format!("127.0.0.1:{}", free_port())]);
        command.env("MINIO_ROOT_USER", "AKIATEST").env("MINIO_ROOT_PASSWORD", "s3cret-key");
        command.env("MINIO_UPDATE", "off").env("MINIO_BROWSER", "off");
    },
    // It refuses.
    in_memory: false,
};

pub(in crate::export) struct Server {
    program: Program,
    child: Child,
    port: u16,
    scratch: Scratch,
}

impl Server {
    /// With these buckets.
    pub(in crate::export) fn start(program: Program, buckets: &[&str]) -> Self {
        Self::start_on(program, free_port(), buckets)
    }

    pub(in crate::export) fn start_on(program: Program, port: u16, buckets: &[&str]) -> Self {
        let scratch = if program.in_memory { Scratch::below(Path::new("/dev/shm")) } else { Scratch::new() };
        for bucket in buckets {
            std::fs::create_dir(scratch.0.join(bucket)).unwrap();
        }
        Self { program, child: run(program, &scratch.0, port), port, scratch }
    }

    pub(in crate::export) fn settings(&self) -> S3 {
        s3(&format!("127.0.0.1:{}", self.port))
    }

    /// Ends it as a crash would.
    pub(in crate::export) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// On the same port, with the same objects.
    pub(in crate::export) fn restart(&mut self) {
        self.child = run(self.program, &self.scratch.0, self.port);
    }

    /// Where the objects of a bucket are.
    pub(in crate::export) fn bucket(&self, bucket: &str) -> PathBuf {
        self.scratch.0.join(bucket)
    }

    /// A client to read with.
    pub(in crate::export) fn client(&self) -> AmazonS3 {
        AmazonS3Builder::new()
            .with_endpoint(format!("http://127.0.0.1:{}", self.port))
            .with_allow_http(true)
            .with_bucket_name("traffic")
            .with_access_key_id("AKIATEST")
            .with_secret_access_key("s3cret-key")
            .build()
            .unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn run(program: Program, root: &Path, port: u16) -> Child {
    let mut command = Command::new(program.path());
    (program.arguments)(&mut command, port);
    command.arg(root).env("RUST_LOG", "off").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().unwrap();
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the S3 server does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

impl Program {
    /// The one named by its variable, else the one that `make s3` built.
    fn path(self) -> PathBuf {
        if let Some(named) = std::env::var_os(self.variable) {
            return named.into();
        }
        let cache = std::env::var_os("XDG_CACHE_HOME").filter(|set| !set.is_empty()).map(PathBuf::from);
        let cache = cache.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cache"))).unwrap();
        let program = cache.join("hoptap").join(self.built);
        let (variable, path) = (self.variable, program.display());
        assert!(program.is_file(), "expected an S3 server in {variable} or at {path}: run `make s3`");
        program
    }
}

/// A port on the loopback that was free a moment ago.
pub(in crate::export) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A directory that goes with its owner.
pub(in crate::export) struct Scratch(pub(in crate::export) PathBuf);

impl Scratch {
    pub(in crate::export) fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    fn below(folder: &Path) -> Self {
        use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("hoptap-objects-{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed));
        let path = folder.join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _may_be_gone = std::fs::remove_dir_all(&self.0);
    }
}
