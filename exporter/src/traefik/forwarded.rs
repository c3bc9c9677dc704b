//! The header fields that a router sees: not those that the client sent.
//!
//! net/http takes some away, and Traefik's XForwarded middleware runs before the routers: it drops what an untrusted
//! client says of `X-Forwarded-*`, puts its own there, and drops what `Connection` names (Traefik 3.6.12
//! pkg/middlewares/forwardedheaders). `X-Forwarded-Server` is the host's name, which is not known here: it is left out.

use std::borrow::Cow;

use super::entrypoints::EntryPoint;
use super::request::{Request, split_port};
use crate::exchange::Version;

type Header<'a> = (Cow<'a, str>, Cow<'a, str>);

const MANAGED: [&str; 11] = [
    "X-Forwarded-Proto",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Server",
    "X-Forwarded-Uri",
    "X-Forwarded-Method",
    "X-Forwarded-Prefix",
    "X-Forwarded-Tls-Client-Cert",
    "X-Forwarded-Tls-Client-Cert-Info",
    "X-Real-Ip",
];

fn is_managed(name: &str) -> bool {
    MANAGED.iter().any(|managed| managed.eq_ignore_ascii_case(name))
}

pub(super) fn headers<'a>(request: &Request<'a>, entrypoint: Option<&EntryPoint>) -> Vec<Header<'a>> {
    let mut headers: Vec<Header<'a>> = request
        .headers
        .iter()
        .filter(|(name, _)| !["host", "transfer-encoding"].iter().any(|gone| gone.eq_ignore_ascii_case(name)))
        .filter(|(name, _)| !name.starts_with(':'))
        .collect();
    if request.version == Version::Http2 || request.version == Version::Http3 {
        join_cookies(&mut headers);
    }
    if get(&headers, "Pragma") == Some("no-cache") && get(&headers, "Cache-Control").is_none() {
        set(&mut headers, "Cache-Control", "no-cache".into());
    }
    let trusted = entrypoint.is_some_and(|entrypoint| {
        entrypoint.forwarded_insecure
            || request
                .client
                .is_some_and(|client| entrypoint.forwarded_trusted.iter().any(|network| network.contains(client)))
    });
    if !trusted {
        headers.retain(|(name, _)| !is_managed(name));
    }
    rewrite(&mut headers, request);
    drop_hop_by_hop(&mut headers, entrypoint);
    headers
}

/// HTTP/2 clients may send one cookie per field; net/http makes one field of them.
fn join_cookies(headers: &mut Vec<Header<'_>>) {
    let is_cookie = |name: &str| name.eq_ignore_ascii_case("cookie");
    let cookies: Vec<&str> =
        headers.iter().filter(|(name, _)| is_cookie(name)).map(|(_, value)| value.as_ref()).collect();
    if cookies.len() > 1 {
        let joined = cookies.join("; ");
        headers.retain(|(name, _)| !is_cookie(name));
        headers.push(("Cookie".into(), joined.into()));
    }
}

fn rewrite<'a>(headers: &mut Vec<Header<'a>>, request: &Request<'a>) {
    if let Some(client) = request.client
        && is_unset(headers, "X-Real-Ip")
    {
        set(headers, "X-Real-Ip", client.to_string().into());
    }
    if is_unset(headers, "X-Forwarded-Proto") {
        let scheme = match (is_websocket(headers), request.tls) {
            (true, true) => "wss",
            (true, false) => "ws",
            (false, true) => "https",
            (false, false) => "http",
        };
        set(headers, "X-Forwarded-Proto", scheme.into());
    }
    if is_unset(headers, "X-Forwarded-Port") {
        let secure = request.tls || matches!(get(headers, "X-Forwarded-Proto"), Some("https" | "wss"));
        let port = match split_port(request.host).and(request.host.rsplit(':').next()) {
            Some(port) if !port.is_empty() => port,
            _ if secure => "443",
            _ => "80",
        };
        set(headers, "X-Forwarded-Port", port.into());
    }
    if is_unset(headers, "X-Forwarded-Host") && !request.host.is_empty() {
        set(headers, "X-Forwarded-Host", request.host.into());
    }
    let list: Vec<&str> = values(headers, "X-Forwarded-For").collect();
    if list.len() > 1 {
        let list = list.join(", ");
        set(headers, "X-Forwarded-For", list.into());
    }
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("X-Forwarded-Server"));
}

/// Takes away what `Connection` names, and `Connection` itself but for what must stay.
fn drop_hop_by_hop(headers: &mut Vec<Header<'_>>, entrypoint: Option<&EntryPoint>) {
    let named: Vec<String> = values(headers, "Connection")
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    if named.is_empty() {
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("Connection"));
        return;
    }
    let stays = |name: &str| {
        entrypoint.is_some_and(|entrypoint| {
            entrypoint.forwarded_connection.iter().any(|kept| kept.eq_ignore_ascii_case(name))
        })
    };
    let mut connection: Vec<&str> = Vec::new();
    let upgrades = named.iter().any(|name| name.eq_ignore_ascii_case("Upgrade"))
        && get(headers, "Upgrade").is_some_and(|value| !value.is_empty());
    for name in &named {
        if is_managed(name) || (upgrades && name.eq_ignore_ascii_case("Upgrade")) {
            continue;
        }
        if stays(name) {
            connection.push(name);
        } else {
            headers.retain(|(found, _)| !found.eq_ignore_ascii_case(name));
        }
    }
    if upgrades {
        connection.push("Upgrade");
    }
    if connection.is_empty() {
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("Connection"));
    } else {
        let connection = connection.join(",");
        set(headers, "Connection", connection.into());
    }
}

fn is_websocket(headers: &[Header<'_>]) -> bool {
    let holds = |name, token: &str| {
        get(headers, name).is_some_and(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token)))
    };
    holds("Connection", "upgrade") && holds("Upgrade", "websocket")
}

fn values<'h>(headers: &'h [Header<'_>], name: &str) -> impl Iterator<Item = &'h str> {
    headers.iter().filter(move |(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_ref())
}

fn get<'h>(headers: &'h [Header<'_>], name: &str) -> Option<&'h str> {
    values(headers, name).next()
}

fn is_unset(headers: &[Header<'_>], name: &str) -> bool {
    get(headers, name).is_none_or(str::is_empty)
}

fn set<'a>(headers: &mut Vec<Header<'a>>, name: &'static str, value: Cow<'a, str>) {
    headers.retain(|(found, _)| !found.eq_ignore_ascii_case(name));
    headers.push((name.into(), value));
}
