//! One file, and the program that judges it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use hoptap_tests::process::Scratch;
use hoptap_tests::validators;

use crate::Mistake;
use crate::tool::Tool;

pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) tool: Tool,
    /// `{file}` is the file, `{folder}` its folder, `{podmonitor}` the definition of that resource.
    pub(crate) arguments: &'static [&'static str],
    /// Below `deploy/`.
    pub(crate) file: &'static str,
    /// Each alone must be refused: a judge that takes everything proves nothing.
    pub(crate) mistakes: &'static [Mistake],
}

impl Check {
    /// # Errors
    /// Where the file is refused, or one with a mistake is taken.
    pub(crate) fn run(&self) -> Result<()> {
        let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
        let source = deploy.join(self.file);
        let text = fs::read_to_string(&source).with_context(|| format!("{}", source.display()))?;
        // Beside its neighbours, for one names another.
        let scratch = Scratch::new("deploy")?;
        for entry in fs::read_dir(source.parent().context("a file has a folder")?)? {
            let entry = entry?.path();
            fs::copy(&entry, scratch.path().join(entry.file_name().context("a file has a name")?))?;
        }
        let file = scratch.path().join(source.file_name().context("a file has a name")?);
        let (taken, said) = self.judge(&file, &text)?;
        ensure!(taken, "{} is refused:\n{said}", self.file);
        for (right, wrong) in self.mistakes {
            ensure!(text.contains(right), "{} has no `{right}` to be mistaken in", self.file);
            let (taken, said) = self.judge(&file, &text.replacen(right, wrong, 1))?;
            ensure!(!taken, "{} is taken with `{wrong}` for `{right}`:\n{said}", self.file);
        }
        Ok(())
    }

    /// Whether it is taken, and what the judge said.
    fn judge(&self, file: &PathBuf, text: &str) -> Result<(bool, String)> {
        // It is not installed here, and whether a program is there is not what is asked.
        fs::write(file, text.replace("/usr/bin/hoptap", "/bin/sh"))?;
        let podmonitor = validators::podmonitor().unwrap_or_default();
        let places = [
            ("{file}", file.as_path()),
            ("{folder}", file.parent().unwrap_or(file)),
            ("{podmonitor}", podmonitor.as_path()),
        ];
        let mut command = Command::new(self.tool.find()?);
        for argument in self.arguments {
            match places.iter().find(|(name, _)| name == argument) {
                Some((_, path)) => command.arg(path),
                None => command.arg(argument),
            };
        }
        let output = command.stdin(Stdio::null()).output()?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        // systemd-analyze warns of what it does not know, and goes on.
        let warned = self.arguments.first() == Some(&"verify") && !said.trim().is_empty();
        Ok((output.status.success() && !warned, said))
    }
}
