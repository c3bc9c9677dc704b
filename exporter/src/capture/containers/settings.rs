//! Who is asked for the names of containers.

use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Backends are called by the names of their containers.
    pub names: bool,
    pub docker: Socket,
    pub podman: Socket,
}

impl Default for Settings {
    fn default() -> Self {
        Self { names: true, docker: Socket::Auto, podman: Socket::Auto }
    }
}

/// The socket of an engine that speaks Docker's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Socket {
    /// Where such sockets usually are, if there is one.
    Auto,
    Off,
    At(PathBuf),
}

impl Socket {
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix("unix://").unwrap_or(text) {
            "auto" => Ok(Self::Auto),
            "off" | "false" => Ok(Self::Off),
            path if path.starts_with('/') => Ok(Self::At(path.into())),
            path if path.contains("://") => Err("only sockets of this machine can be asked: write a path".into()),
            _ => Err("write the whole path, from `/` on".into()),
        }
    }

    /// As it is written.
    pub fn show(&self) -> String {
        match self {
            Self::Auto => "auto".into(),
            Self::Off => "off".into(),
            Self::At(path) => path.display().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_as_people_write_them() {
        for (text, expected) in [
            ("auto", Ok(Socket::Auto)),
            ("off", Ok(Socket::Off)),
            ("false", Ok(Socket::Off)),
            ("/run/docker.sock", Ok(Socket::At("/run/docker.sock".into()))),
            ("unix:///run/docker.sock", Ok(Socket::At("/run/docker.sock".into()))),
            ("tcp://127.0.0.1:2375", Err("only sockets of this machine can be asked: write a path")),
            ("docker.sock", Err("write the whole path, from `/` on")),
            ("", Err("write the whole path, from `/` on")),
        ] {
            assert_eq!(Socket::parse(text), expected.map_err(str::to_owned), "{text}");
        }
        for text in ["auto", "off", "/run/docker.sock"] {
            assert_eq!(Socket::parse(text).map(|socket| socket.show()), Ok(text.to_owned()));
        }
    }
}
