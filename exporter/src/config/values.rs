//! Values that are more than a name or a number: sizes, addresses, URLs, patterns.

use std::net::SocketAddr;

use hyper::Uri;

use super::kind::Parsed;
use crate::capture::containers::Socket;

pub(super) fn show<T: ToString>(value: &T) -> String {
    value.to_string()
}

/// A whole number of `MIN` to `MAX`.
pub(super) fn whole<const MIN: u64, const MAX: u64>(expected: &'static str) -> Parsed<u64> {
    Parsed { expected, parse: |text| in_range(text.parse().ok(), MIN, MAX), show }
}

fn in_range(number: Option<u64>, least: u64, most: u64) -> Result<u64, String> {
    match number {
        Some(number) if (least..=most).contains(&number) => Ok(number),
        Some(number) if number < least => Err(format!("the least is {least}")),
        Some(_) => Err(format!("the most is {most}")),
        None => Err(String::new()),
    }
}

/// Bytes, with or without a unit, of `MIN` to `MAX`.
pub(super) fn bytes<const MIN: u64, const MAX: u64>(expected: &'static str) -> Parsed<u64> {
    Parsed {
        expected,
        parse: |text| {
            let bytes = parse_bytes(text)?;
            in_range(Some(bytes), MIN, MAX).map_err(|_| {
                if bytes < MIN {
                    format!("the least is {}", show_bytes(&MIN))
                } else {
                    format!("the most is {}", show_bytes(&MAX))
                }
            })
        },
        show: show_bytes,
    }
}

const UNITS: [(&str, u64); 8] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
    ("", 1),
];

fn parse_bytes(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim();
    let Ok(number) = number.parse::<u64>() else { return Err(String::new()) };
    match UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)) {
        Some((_, factor)) => number.checked_mul(*factor).ok_or_else(|| "that is more than there is".into()),
        None => Err("units are B, KiB, MiB, GiB, KB, MB, GB".into()),
    }
}

fn show_bytes(bytes: &u64) -> String {
    let unit = UNITS.iter().take(3).find(|(_, factor)| *bytes >= *factor && bytes.is_multiple_of(*factor));
    match unit {
        Some((name, factor)) => format!("{}{name}", bytes / factor),
        None => bytes.to_string(),
    }
}

/// A share of something.
pub(super) const RATIO: Parsed<f64> = Parsed {
    expected: "a number from 0 to 1",
    parse: |text| match text.parse::<f64>() {
        Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(ratio),
        Ok(percent) if percent > 1.0 && percent <= 100.0 => Err(format!("for {text} % write {}", percent / 100.0)),
        _ => Err(String::new()),
    },
    show: |ratio| format!("{ratio:?}"),
};

/// Where the pages are served; None for not at all.
pub(super) const LISTEN: Parsed<Option<SocketAddr>> = Parsed {
    expected: "an address such as 127.0.0.1:9464 or :9464, or `off`",
    parse: |text| match text {
        "off" | "false" => Ok(None),
        text => address(text).map(Some),
    },
    show: |address| address.map_or_else(|| "off".to_owned(), |address| address.to_string()),
};

/// A socket of this machine.
pub(super) const SOCKET: Parsed<Socket> =
    Parsed { expected: "the path of a socket, `auto` or `off`", parse: Socket::parse, show: Socket::show };

/// An address that is connected to.
pub(super) const ADDRESS: Parsed<SocketAddr> = Parsed {
    expected: "an address such as 127.0.0.1:8080",
    parse: |text| {
        let bare = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
        match bare.strip_prefix("localhost:") {
            Some(port) => address(&format!("127.0.0.1:{port}")),
            None => address(bare),
        }
    },
    show,
};

fn address(text: &str) -> Result<SocketAddr, String> {
    // `:9464` is what everyone writes.
    let full = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    full.parse().map_err(|_| {
        if !full.contains(':') {
            "add the port behind a colon".into()
        } else if full.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u32>().is_ok_and(|port| port > 65_535)) {
            "ports end at 65535".into()
        } else {
            "write the IP address, not a name; IPv6 stands in brackets: [::1]:9464".into()
        }
    })
}

/// The URL of a collector, as the standard variables take it.
pub(super) const URL: Parsed<String> = Parsed {
    expected: "a URL such as http://localhost:4318 or https://collector.example",
    parse: |text| match host(text, true) {
        Ok(_) => Ok(text.to_owned()),
        Err(help) => Err(help),
    },
    show: |url| url.clone(),
};

/// A host with or without a scheme: whether it says `https`, and what is behind the scheme.
pub(super) fn host(text: &str, scheme_needed: bool) -> Result<(Option<bool>, String), String> {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
        None => (None, text),
    };
    let tls = match scheme.as_deref() {
        Some("https") => Some(true),
        Some("http") => Some(false),
        Some(_) => return Err("the scheme is http or https".into()),
        None if scheme_needed => return Err(format!("add the scheme: http://{rest}")),
        None => None,
    };
    if rest.contains('@') {
        return Err("user and password do not belong into a URL; use the keys for them, or `headers`".into());
    }
    let uri: Uri = format!("http://{rest}").parse().map_err(|_| String::new())?;
    let authority = uri.authority().ok_or_else(String::new)?;
    let name = authority.host();
    let port = authority.as_str().get(name.len()..).unwrap_or_default();
    let port_is_fine = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    if name.is_empty() || !port_is_fine {
        return Err(if port_is_fine { String::new() } else { "ports are numbers up to 65535".into() });
    }
    Ok((tls, rest.trim_end_matches('/').to_owned()))
}

/// A regular expression that is searched for in bytes.
pub(super) const REGEX: Parsed<regex::bytes::Regex> = Parsed {
    expected: "a regular expression (RE2 syntax)",
    parse: |text| {
        regex::bytes::RegexBuilder::new(text).size_limit(1 << 20).build().map_err(|error| {
            // The crate draws the pattern over several lines; its last line says what is wrong.
            let last = error.to_string().lines().last().unwrap_or_default().trim().to_owned();
            last.trim_start_matches("error: ").to_owned()
        })
    },
    show: |regex| regex.as_str().to_owned(),
};
