//! What Traefik's static configuration says of entrypoints and of the API, without asking Traefik.
//!
//! Traefik takes one source and no other: a file where it finds one, else the flags, else the environment (Traefik
//! 3.6.12 cmd/traefik/traefik.go:58, pkg/cli; paerser 0.2.2). Names of settings know no case, those of entrypoints do.

mod source;

use source::Settings;

/// What was found, with the entrypoints that Traefik adds by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StaticConfiguration {
    /// Name and address as written (`:80`, `127.0.0.1:80/tcp`).
    pub entrypoints: Vec<(String, String)>,
    pub api: Option<Api>,
}

/// Where the API is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// Address of the entrypoint `traefik`, on which an insecure API is served. None: only a router of the user's
    /// own may lead to it.
    pub address: Option<String>,
    /// What stands before `/api`; `/` where nothing does.
    pub base_path: String,
}

/// Why a static file says nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("expected TOML in {path}: {reason}")]
    Toml { path: String, reason: String },
    #[error("expected YAML in {path}: {reason}")]
    Yaml { path: String, reason: String },
}

const INTERNAL: &str = "traefik";

/// The paths where Traefik looks for its file, in its order; the first that exists is the one. They are relative to
/// the process's working directory and root. `arguments` is the whole command line.
pub fn file_candidates(arguments: &[String], environment: &[(String, String)]) -> Vec<String> {
    const BASES: [&str; 4] = ["/etc/traefik/traefik", "$XDG_CONFIG_HOME/traefik", "$HOME/.config/traefik", "./traefik"];
    let flag = Settings::from_arguments(arguments)
        .text(&["configFile"])
        .map(str::to_owned)
        .filter(|path| !path.trim().is_empty());
    let usual = BASES.iter().flat_map(|base| ["toml", "yaml", "yml"].map(|extension| format!("{base}.{extension}")));
    flag.into_iter().chain(usual).map(|path| source::expand(&path, environment)).collect()
}

impl StaticConfiguration {
    /// `file` is path and text of the first of [`file_candidates`] that exists. `arguments` is the whole command
    /// line, the program's name included.
    ///
    /// # Errors
    /// The file is not of the language that its name says.
    pub fn new(
        arguments: &[String],
        environment: &[(String, String)],
        file: Option<(&str, &str)>,
    ) -> Result<Self, Error> {
        let settings = match file {
            Some((path, text)) => Settings::from_file(path, text)?,
            None if source::flags(arguments).is_empty() => Settings::from_environment(environment),
            None => Settings::from_arguments(arguments),
        };
        Ok(Self::of(&settings))
    }

    fn of(settings: &Settings) -> Self {
        let mut entrypoints: Vec<(String, String)> = settings
            .names(&["entryPoints"])
            .into_iter()
            .map(|name| {
                let address = settings.text(&["entryPoints", name, "address"]);
                (name.to_owned(), address.unwrap_or_default().to_owned())
            })
            .collect();
        if entrypoints.is_empty() {
            entrypoints.push(("http".into(), ":80".into()));
        }
        let internal = is_internal_needed(settings) && !entrypoints.iter().any(|(name, _)| name == INTERNAL);
        if internal {
            entrypoints.push((INTERNAL.into(), ":8080".into()));
        }
        let api = settings.is_on(&["api"]).then(|| Api {
            address: settings.is_on(&["api", "insecure"]).then(|| address_of(&entrypoints, INTERNAL)).flatten(),
            base_path: settings.text(&["api", "basePath"]).unwrap_or("/").to_owned(),
        });
        Self { entrypoints, api }
    }
}

fn address_of(entrypoints: &[(String, String)], wanted: &str) -> Option<String> {
    let found = entrypoints.iter().find(|(name, _)| name == wanted)?;
    Some(found.1.clone())
}

/// static_config.go `SetEffectiveConfiguration`.
fn is_internal_needed(settings: &Settings) -> bool {
    let serves = |path: &[&str]| {
        let below = |name| [path, &[name]].concat();
        settings.is_on(path)
            && !settings.is_on(&below("manualRouting"))
            && settings.text(&below("entryPoint")).is_none_or(|entrypoint| entrypoint == INTERNAL)
    };
    settings.is_on(&["api", "insecure"])
        || settings.is_on(&["providers", "rest", "insecure"])
        || serves(&["ping"])
        || serves(&["metrics", "prometheus"])
}

#[cfg(test)]
mod tests;
