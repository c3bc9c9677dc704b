//! The command line over a configuration file: what was said there stands, everything else comes from the file.

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches};

use super::{Action, Command, Doctor, Listen, Names, Tell, Watch};
use crate::config::{Configuration, NamesFrom};

impl Command {
    /// Reads a command line, and remembers which flags stood in it.
    ///
    /// # Errors
    /// What the line has wrong, or the help that it asked for.
    pub fn read<I: IntoIterator<Item: Into<OsString> + Clone>>(line: I) -> Result<Self, clap::Error> {
        let matches = Self::command().try_get_matches_from(line)?;
        let mut command = Self::from_arg_matches(&matches)?;
        let of = matches.subcommand().map_or(&matches, |(_, matches)| matches);
        let given = |id: &&str| of.value_source(id) == Some(ValueSource::CommandLine);
        if let Some(Action::Top(top)) = &mut command.action {
            let of_capture = ["pid", "container", "executable", "capture", "api", "ring", "names", "docker"];
            top.captures = of_capture.iter().any(given);
        }
        command.watch.said = of.ids().map(clap::Id::as_str).filter(given).map(str::to_owned).collect();
        Ok(command)
    }
}

impl Watch {
    /// Takes from the file what the command line left open. `--pid`, `--container` and `--executable` go together: one
    /// of them replaces all that the file selects by.
    pub fn take(&mut self, file: Configuration) {
        let said = |flag: &str, said: &BTreeSet<String>| said.contains(flag);
        let capture = &mut self.capture;
        if !["pid", "container", "executable"].iter().any(|flag| said(flag, &self.said)) {
            capture.pid.clone_from(&file.traefik.pids);
            capture.container.clone_from(&file.traefik.containers);
            capture.executable.clone_from(&file.traefik.executables);
        }
        capture.api = capture.api.or(file.traefik.api);
        if !said("docker", &self.said) {
            capture.docker.clone_from(&file.containers.docker);
        }
        if !said("listen", &self.said) {
            self.serve.listen = file.metrics.listen.map_or(Listen::Off, Listen::At);
        }
        if !said("names", &self.said) {
            self.tell.names = match file.traefik.names {
                NamesFrom::Auto => Names::Auto,
                NamesFrom::Probes => Names::Probes,
                NamesFrom::Api => Names::Api,
            };
        }
        self.configuration = Some(file);
    }
}

impl Doctor {
    /// The run that is judged. `said`: the flags that were given.
    pub fn watch(self, said: BTreeSet<String>) -> Watch {
        let Self { config, capture, serve, names, level, format: _ } = self;
        Watch { config, configuration: None, said, capture, serve, tell: Tell { names, level, format: None } }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::super::{Format, Socket};
    use super::*;

    const FILE: &str = "
version: 2
services: {event_stores: [{type: stdout}]}
stacks: {one: {plugins: [{type: http_capture, config: {level: full, format: json}}]}}
tap: {http: {stack: one}}
traefik: {pid: [1, 2], container: ab, api: '127.0.0.1:8080', names: api}
metrics: {listen: 'off'}
containers: {docker: 'off'}
";

    fn watch(line: &str) -> Watch {
        let mut watch = Command::read(line.split_whitespace()).unwrap().watch;
        watch.take(crate::config::read("file", FILE, &|_| None).unwrap().configuration);
        watch
    }

    #[test]
    fn the_file_fills_what_the_line_leaves_open() {
        let watch = watch("hoptap");
        assert_eq!(watch.capture.pid, [1, 2]);
        assert_eq!(watch.capture.container, ["ab"]);
        assert_eq!(watch.capture.api, Some("127.0.0.1:8080".parse().unwrap()));
        assert_eq!(watch.serve.listen, Listen::Off);
        assert_eq!(watch.capture.docker, Socket::Off);
        assert_eq!(watch.tell.names, Names::Api);
        assert_eq!(watch.tell.format, None, "each exchange is printed as its own stack says");
    }

    #[test]
    fn the_line_stands_even_where_it_says_the_default() {
        let line = "hoptap --pid 9 --api 127.0.0.1:1 --listen 0.0.0.0:9464 --docker auto --names auto --level summary --format text";
        let watch = watch(line);
        assert_eq!(watch.capture.pid, [9]);
        assert!(watch.capture.container.is_empty());
        assert_eq!(watch.capture.api, Some("127.0.0.1:1".parse().unwrap()));
        assert_eq!(watch.serve.listen, Listen::At("0.0.0.0:9464".parse().unwrap()));
        assert_eq!(watch.capture.docker, Socket::Auto);
        assert_eq!(watch.tell.names, Names::Auto);
        assert!(watch.said.contains("level"));
        assert_eq!(watch.tell.format, Some(Format::Text));
    }
}
