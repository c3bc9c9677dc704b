//! The settings of one source, as paths of names with a value each.

use serde_json::Value;

use super::Error;

/// Depth of a file that is read; Traefik's own settings end at eight or so.
const MAX_DEPTH: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Settings(Vec<(Vec<String>, String)>);

/// The arguments that are flags: without the program's name and the name of the one command there is.
pub(super) fn flags(arguments: &[String]) -> &[String] {
    match arguments {
        [_, command, rest @ ..] if command == "traefik" => rest,
        [_, rest @ ..] => rest,
        [] => &[],
    }
}

/// `$NAME` and `${NAME}` replaced as Go's `os.ExpandEnv` does; what is not set is empty.
pub(super) fn expand(text: &str, environment: &[(String, String)]) -> String {
    let value = |name: &str| {
        let found = environment.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        if let Some((name, after)) = after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            expanded.push_str(value(name));
            rest = after;
            continue;
        }
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
        let (name, after) = after.split_at(end);
        if name.is_empty() {
            expanded.push('$');
        } else {
            expanded.push_str(value(name));
        }
        rest = after;
    }
    expanded.push_str(rest);
    expanded
}

impl Settings {
    /// `--a.b=c`, `-a.b=c`, `--a.b c`, `--a.b`. Traefik knows from its types which flags take no value; here a flag
    /// takes the next argument unless that is a flag itself.
    pub(super) fn from_arguments(arguments: &[String]) -> Self {
        let mut settings = Self::default();
        let mut rest = flags(arguments).iter().map(String::as_str).peekable();
        while let Some(argument) = rest.next() {
            let name =
                argument.strip_prefix("--").or_else(|| argument.strip_prefix('-')).filter(|name| !name.is_empty());
            let Some(name) = name else {
                break;
            };
            match name.split_once('=') {
                Some((name, value)) => settings.set(name, '.', value),
                None => {
                    let value = rest.next_if(|next| !next.starts_with('-'));
                    settings.set(name, '.', value.unwrap_or("true"));
                }
            }
        }
        settings
    }

    /// `TRAEFIK_A_B=c`. Names of entrypoints come out in lower case, as they do for Traefik.
    pub(super) fn from_environment(environment: &[(String, String)]) -> Self {
        let mut settings = Self::default();
        for (name, value) in environment {
            if let Some(name) = name.strip_prefix("TRAEFIK_") {
                settings.set(&name.to_lowercase(), '_', value);
            }
        }
        settings
    }

    /// TOML by its extension, else YAML.
    pub(super) fn from_file(path: &str, text: &str) -> Result<Self, Error> {
        let is_toml = path.rsplit('.').next().is_some_and(|end| end.eq_ignore_ascii_case("toml"));
        let root: Value = if is_toml {
            toml::from_str(text).map_err(|error| Error::Toml { path: path.into(), reason: error.message().into() })?
        } else {
            serde_saphyr::from_str(text)
                .map_err(|error| Error::Yaml { path: path.into(), reason: error.to_string() })?
        };
        let mut settings = Self::default();
        settings.flatten(&mut Vec::new(), &root);
        Ok(settings)
    }

    fn set(&mut self, name: &str, separator: char, value: &str) {
        let path = name.split(separator).map(str::to_owned).collect();
        self.0.push((path, value.to_owned()));
    }

    fn flatten(&mut self, path: &mut Vec<String>, value: &Value) {
        let text = match value {
            // Nothing: for Traefik too, a name without a value is not there at all.
            Value::Null => return,
            Value::Object(entries) if path.len() < MAX_DEPTH => {
                for (name, value) in entries {
                    path.push(name.clone());
                    self.flatten(path, value);
                    path.pop();
                }
                // `api: {}` turns the API on.
                if !entries.is_empty() {
                    return;
                }
                String::new()
            }
            Value::Object(_) | Value::Array(_) => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.0.push((path.clone(), text));
    }

    fn below(&self, path: &[&str]) -> impl Iterator<Item = (&[String], &str)> {
        self.0.iter().filter_map(move |(found, value)| {
            let (start, rest) = found.split_at_checked(path.len())?;
            let same = start.iter().zip(path).all(|(a, b)| a.eq_ignore_ascii_case(b));
            same.then_some((rest, value.as_str()))
        })
    }

    /// The last value given: a flag given twice counts as it was given last.
    pub(super) fn text(&self, path: &[&str]) -> Option<&str> {
        self.below(path).filter(|(rest, _)| rest.is_empty()).last().map(|(_, value)| value)
    }

    /// Given, by itself or by something below it, and not as `false`.
    pub(super) fn is_on(&self, path: &[&str]) -> bool {
        match self.text(path) {
            Some(value) => value.is_empty() || value.eq_ignore_ascii_case("true") || value == "1",
            None => self.below(path).next().is_some(),
        }
    }

    /// The names that stand right below `path`, each once, as first written.
    pub(super) fn names(&self, path: &[&str]) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (rest, _) in self.below(path) {
            if let [name, ..] = rest
                && !names.iter().any(|known| known.eq_ignore_ascii_case(name))
            {
                names.push(name);
            }
        }
        names
    }
}
