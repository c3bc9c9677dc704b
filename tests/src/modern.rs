//! What a lab has more of, where it speaks TLS and HTTP/2: certificates, entrypoints, routers and backends.

use std::sync::Arc;

use anyhow::Result;

use crate::backend::Backend;
use crate::certificates::Certificates;
use crate::frames::Settings;
use crate::process::Scratch;

/// Routers and services; `{certs}` stands for the directory of the certificates.
const DYNAMIC: &str = include_str!("../live/modern.yml");

/// Entrypoints and what follows their address.
pub const ENTRYPOINTS: [(&str, &str); 2] = [("websecure", "http3: {}"), ("pptls", "proxyProtocol: {insecure: true}")];

/// What a lab keeps of it.
#[derive(Debug)]
pub struct Modern {
    pub certificates: Arc<Certificates>,
    scratch: Scratch,
}

impl Modern {
    /// `dynamic`: the configuration whose hosts the certificate must be good for.
    ///
    /// # Errors
    /// Where no certificate can be made.
    pub fn new(dynamic: &str) -> Result<Self> {
        let scratch = Scratch::new("certificates")?;
        let mut hosts = vec!["nope.test".to_owned()];
        for text in [dynamic, DYNAMIC] {
            hosts.extend(text.split("Host(`").skip(1).filter_map(|rest| rest.split('`').next()).map(str::to_owned));
        }
        let certificates = Arc::new(Certificates::new(&hosts)?);
        certificates.write(scratch.path())?;
        Ok(Self { certificates, scratch })
    }

    /// Backends for what HTTP/1 without TLS is not enough for; each one's name stands for its address in `modern.yml`.
    ///
    /// # Errors
    /// Where the certificates are no good.
    pub fn backends(&self) -> Result<Vec<Backend>> {
        let certificates = &self.certificates;
        let backend = |name, tls, http2, settings| Backend { name, tls, http2, settings };
        let usual = Settings::default();
        Ok(vec![
            backend("h1tls", Some(certificates.backend(&["http/1.1"], false)?), false, usual),
            backend("h2tls", Some(certificates.backend(&["h2", "http/1.1"], false)?), false, usual),
            backend("mtlsbackend", Some(certificates.backend(&["h2"], true)?), false, usual),
            backend("bad", Some(certificates.untrusted_backend()?), false, usual),
            backend("h2c", None, true, usual),
            backend("h2csmall", None, true, Settings { table: Some(0), window: Some(1000), odd: false }),
            backend("h2clarge", None, true, Settings { table: Some(65_536), ..usual }),
            backend("h2codd", None, true, Settings { odd: true, ..usual }),
        ])
    }

    /// All of the dynamic configuration, where `dynamic` is that of a lab without TLS: its routers, too, have a twin
    /// for the entrypoints with TLS.
    pub fn dynamic(&self, dynamic: &str) -> String {
        let more = DYNAMIC.replace("{certs}", &self.scratch.path().display().to_string());
        merge(dynamic, &more)
    }
}

/// The name of a router's twin for TLS; of each one, where they are nested.
pub fn twin(router: &str) -> String {
    router.replace("@file", "-tls@file")
}

/// Puts the sections of two configurations together and adds the twins of their routers.
fn merge(first: &str, second: &str) -> String {
    let mut merged = String::from("http:\n");
    for section in ["routers", "services", "middlewares", "serversTransports"] {
        merged += &format!("  {section}:\n");
        for line in lines_of(first, section).chain(lines_of(second, section)) {
            let only_tls = section == "routers" && line.contains(", tls: {");
            if !only_tls {
                merged += &format!("{line}\n");
            }
            if section == "routers" {
                merged += &secured(line);
            }
        }
    }
    if let Some((_, rest)) = second.split_once("\ntls:\n") {
        merged += "tls:\n";
        merged += rest;
    }
    merged
}

/// The lines of a section of the two-level files that the lab is written in.
fn lines_of<'a>(text: &'a str, section: &str) -> impl Iterator<Item = &'a str> {
    let head = format!("  {section}:");
    text.lines().skip_while(move |line| *line != head).skip(1).take_while(|line| line.starts_with("    "))
}

/// The same router for the entrypoints with TLS.
fn secured(line: &str) -> String {
    let Some((name, rest)) = line.trim_start().split_once(':') else { return String::new() };
    let Some(mut rest) = rest.trim().strip_suffix('}').map(str::to_owned) else { return String::new() };
    if rest.contains("parentRefs: [") {
        rest = rest.replace(']', "-tls]");
        return format!("    {name}-tls: {rest}}}\n");
    }
    if rest.contains("entryPoints: [") {
        rest = rest.replace("[web", "[websecure").replace("pp]", "pptls]");
    } else {
        rest += ", entryPoints: [websecure]";
    }
    if !rest.contains(", tls: {") {
        rest += ", tls: {}";
    }
    format!("    {name}-tls: {rest}}}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins() {
        let check = |line: &str, expected: &str| assert_eq!(secured(line), format!("    {expected}\n"));
        check(
            "    a:  {rule: \"R\", service: s}",
            "a-tls: {rule: \"R\", service: s, entryPoints: [websecure], tls: {}}",
        );
        check(
            "    a: {service: s, entryPoints: [web, pp]}",
            "a-tls: {service: s, entryPoints: [websecure, pptls], tls: {}}",
        );
        check("    a: {service: s, parentRefs: [b]}", "a-tls: {service: s, parentRefs: [b-tls]}");
        check(
            "    a: {service: s, tls: {options: o}}",
            "a-tls: {service: s, tls: {options: o}, entryPoints: [websecure]}",
        );
        assert_eq!(twin("a@file -> b@file"), "a-tls@file -> b-tls@file");
    }
}
