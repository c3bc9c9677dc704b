//! The command line.

mod configured;

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::capture;
use crate::capture::containers::Socket;
use crate::config::Configuration;
use crate::export::stdout;
use crate::pipeline::NamesFrom;
use crate::top::{Column, View};

const EXIT_CODES: &str = "Exit codes: 0 done, 64 bad usage or configuration, 69 not permitted or nothing to attach to, \
    1 anything else.";

const DOCTOR_CODES: &str = "Exit codes: 0 all that is needed is there, 64 a run would end for flags, file or address, \
    69 nothing can be captured, or there is no Traefik.";

/// Watches a running Traefik from outside and tells what happened to every request, on both hops.
///
/// Spans go where OTEL_EXPORTER_OTLP_ENDPOINT says; the other standard OTEL_* variables are honoured as well.
#[derive(Debug, Parser)]
#[command(name = "hoptap", version, max_term_width = 100, args_conflicts_with_subcommands = true, after_help = EXIT_CODES)]
pub struct Command {
    #[command(subcommand)]
    pub action: Option<Action>,
    #[command(flatten)]
    pub watch: Watch,
    #[command(flatten)]
    pub log: Log,
}

#[derive(Debug, Subcommand)]
pub enum Action {
    /// Say what is wrong with a configuration file, and what it would do. Starts nothing.
    Check(Check),
    /// Write what is seen to a file, to be told later by `replay`.
    Record(Record),
    /// Tell what a file holds, as if it happened now. Needs no root.
    Replay(Replay),
    /// Show rates, errors and durations of routers, services and servers, live: docs/top.md.
    Top(Top),
    /// Evaluate an expression of a rule on given fields: prints `true`, `false`, or `unknown:` and what is missing.
    Eval(Eval),
    /// Say whether this machine and its Traefik can be captured, and what to do where not. Changes nothing.
    ///
    /// Takes the flags of a run, and judges what a run with them would do: hooks and probes are really attached for a
    /// moment, collectors and stores are really asked.
    Doctor(Doctor),
    /// Print the manual page of hoptap, or of one of its commands, for man(1).
    Man(Man),
    /// Print what makes a shell complete hoptap's commands and flags.
    Completions(Completions),
}

/// What to watch and how to tell it.
#[derive(Debug, Clone, Args)]
pub struct Watch {
    /// The configuration, in YAML: docs/configuration.md. Flags beat the OTEL_* variables, and both beat the file.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What that file says, once it is read.
    #[arg(skip)]
    pub configuration: Option<Configuration>,
    /// The flags that were given: what has its default else may come from the file.
    #[arg(skip)]
    pub said: BTreeSet<String>,
    #[command(flatten)]
    pub capture: Capture,
    #[command(flatten)]
    pub serve: Serve,
    #[command(flatten)]
    pub tell: Tell,
}

#[derive(Debug, Clone, Args)]
pub struct Capture {
    /// Watch this process only, whatever it is called; may be given several times.
    #[arg(long, value_name = "PID")]
    pub pid: Vec<u32>,
    /// Watch only the Traefik in the container of this name, or of an id that starts so; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub container: Vec<String>,
    /// File name of a Traefik that is called otherwise.
    #[arg(long, value_name = "NAME")]
    pub executable: Vec<String>,
    /// How the kernel shows bytes: `socket` needs Linux 6.3, `syscall` 5.10.
    #[arg(long, value_enum, default_value_t = Hook::Auto, value_name = "HOOK")]
    pub capture: Hook,
    /// Address of Traefik's API, where its static configuration does not tell.
    #[arg(long, value_name = "ADDR")]
    pub api: Option<SocketAddr>,
    /// Docker's socket, which tells the names of containers; `off` for not at all, `auto` where it usually is.
    #[arg(long, value_name = "SOCKET", default_value = "auto", value_parser = Socket::parse)]
    pub docker: Socket,
    /// Size of the buffer between kernel and hoptap, in KiB; a power of two.
    #[arg(long, value_name = "KIB", default_value_t = capture::RING_BYTES / 1024, value_parser = ring)]
    pub ring: u32,
}

#[derive(Debug, Clone, Args)]
pub struct Serve {
    /// Serve /metrics, /healthz and /readyz here; `off` for not at all.
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:9464", value_parser = listen)]
    pub listen: Listen,
}

#[derive(Debug, Clone, Args)]
pub struct Tell {
    /// Where router, rule and service names come from: `auto` takes probes, and the API where there are none.
    #[arg(long, value_enum, default_value_t = Names::Auto, value_name = "SOURCE")]
    pub names: Names,
    /// `summary`: method, URL, status, sizes, timing, names. `details`: headers as well. `full`: bodies as well.
    #[arg(long, value_enum, default_value_t = Level::Summary, value_name = "LEVEL")]
    pub level: Level,
    /// Print exchanges on standard output; by default as text where it is a terminal or nothing else is told to.
    #[arg(long, value_enum)]
    pub format: Option<Format>,
}

#[derive(Debug, Clone, Args)]
pub struct Log {
    /// What hoptap says about itself on standard error: error, warn, info, debug, trace, or a filter of targets.
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info")]
    pub log_level: String,
    /// How it is written: `console` for people, `json` for programs.
    #[arg(long, global = true, value_enum, default_value_t = Encoding::Console, value_name = "ENCODING")]
    pub log_encoding: Encoding,
}

#[derive(Debug, Clone, Args)]
pub struct Check {
    /// The configuration file.
    pub file: PathBuf,
}

#[derive(Debug, Clone, Args)]
pub struct Record {
    /// The file to write; it is replaced.
    pub file: PathBuf,
    #[command(flatten)]
    pub capture: Capture,
    #[command(flatten)]
    pub serve: Serve,
    /// Where router, rule and service names come from.
    #[arg(long, value_enum, default_value_t = Names::Auto, value_name = "SOURCE")]
    pub names: Names,
    /// Keep secrets (authorization, cookies, API keys) as they are. By default they are overwritten.
    #[arg(long)]
    pub with_secrets: bool,
}

#[derive(Debug, Clone, Args)]
pub struct Replay {
    /// A file that `record` wrote.
    pub file: PathBuf,
    /// The configuration that says where it goes, in YAML: docs/configuration.md.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub tell: Tell,
    /// Print the metrics page at the end.
    #[arg(long)]
    pub metrics: bool,
}

#[derive(Debug, Clone, Args)]
pub struct Top {
    /// Take the numbers from the hoptap that serves its metrics at this URL; `here`: watch from this process, which needs
    /// root. By default http://127.0.0.1:9464/metrics, and `here` if nothing listens there or a process is named.
    #[arg(long, value_name = "URL")]
    pub from: Option<String>,
    /// The table that is shown first, or printed; JSON has all of them.
    #[arg(long, value_enum, default_value_t = View::Routers, value_name = "VIEW")]
    pub view: View,
    /// The column by which rows are sorted, largest first.
    #[arg(long, value_enum, default_value_t = Column::Rate, value_name = "COLUMN")]
    pub sort: Column,
    /// Rows whose name has this in it.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    pub filter: String,
    /// Seconds that the numbers are taken over. The screen moves on each second; a printed table covers what came since
    /// the one before.
    #[arg(long, default_value_t = 5, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=300))]
    pub window: u32,
    /// Print one table and end.
    #[arg(long, conflicts_with = "batch")]
    pub once: bool,
    /// Print so many tables and end. Without it they are printed until a signal, where there is no terminal.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub batch: Option<u32>,
    /// Print tables so: as text, or one JSON object to a line.
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    #[command(flatten)]
    pub capture: Capture,
    /// Where router, rule and service names come from, if it watches by itself.
    #[arg(long, value_enum, default_value_t = Names::Auto, value_name = "SOURCE")]
    pub names: Names,
    /// Flags of the capture were given.
    #[arg(skip)]
    pub captures: bool,
}

impl Top {
    /// Whether it takes the terminal over.
    pub fn is_on_screen(&self) -> bool {
        !self.once && self.batch.is_none() && self.format.is_none() && std::io::stdout().is_terminal()
    }
}

#[derive(Debug, Clone, Args)]
pub struct Eval {
    /// The expression, such as 'http.res.status >= 500 and not is_internal()'.
    pub expression: String,
    /// A JSON object of fields, nested or with dots in its names; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,
    /// A macro that the expression, or another macro, may use; may be given several times.
    #[arg(long = "macro", value_name = "NAME=EXPR", value_parser = named)]
    pub macros: Vec<(String, String)>,
}

#[derive(Debug, Clone, Args)]
#[command(after_help = DOCTOR_CODES)]
pub struct Doctor {
    /// The configuration that a run would have, in YAML: docs/configuration.md.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub capture: Capture,
    #[command(flatten)]
    pub serve: Serve,
    /// Where router, rule and service names come from: `auto` takes probes, and the API where there are none.
    #[arg(long, value_enum, default_value_t = Names::Auto, value_name = "SOURCE")]
    pub names: Names,
    /// What a run would tell of each exchange: `full` takes a larger buffer.
    #[arg(long, value_enum, default_value_t = Level::Summary, value_name = "LEVEL")]
    pub level: Level,
    /// `text` for people; `json` for programs: an array of {check, result, found, lost, do}.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Debug, Clone, Args)]
pub struct Man {
    /// The command; left out: hoptap itself.
    pub command: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub struct Completions {
    pub shell: Shell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Hook {
    Auto,
    Socket,
    Syscall,
}

impl From<Hook> for Option<capture::Hook> {
    fn from(hook: Hook) -> Self {
        match hook {
            Hook::Auto => None,
            Hook::Socket => Some(capture::Hook::Socket),
            Hook::Syscall => Some(capture::Hook::Syscall),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Names {
    Auto,
    Probes,
    Api,
}

impl From<Names> for NamesFrom {
    fn from(names: Names) -> Self {
        match names {
            Names::Auto => Self::Auto,
            Names::Probes => Self::Probes,
            Names::Api => Self::Api,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    Summary,
    #[value(alias = "headers")]
    Details,
    Full,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

impl From<Format> for stdout::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Text => Self::Text,
            Format::Json => Self::Json,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Encoding {
    Console,
    Json,
}

/// Where the pages are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    Off,
    At(SocketAddr),
}

fn listen(text: &str) -> Result<Listen, String> {
    if text == "off" {
        return Ok(Listen::Off);
    }
    // `:9464` is what everyone writes.
    let full = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    full.parse().map(Listen::At).map_err(|_| "expected an address such as 127.0.0.1:9464, :9464, or off".into())
}

fn ring(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|kib: &u32| kib.is_power_of_two() && (64..=1024 * 1024).contains(kib))
        .ok_or_else(|| "expected a power of two between 64 and 1048576, in KiB".into())
}

fn named(text: &str) -> Result<(String, String), String> {
    let (name, expression) =
        text.split_once('=').ok_or("expected NAME=EXPR, such as 'is_error=http.res.status >= 500'")?;
    Ok((name.trim().to_owned(), expression.to_owned()))
}
