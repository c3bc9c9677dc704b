#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn variables(text: &str) -> Vec<(String, String)> {
    text.split_whitespace()
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// `name=address …`, then `| address base` of the API.
fn summary(found: &StaticConfiguration) -> String {
    let mut entrypoints: Vec<String> =
        found.entrypoints.iter().map(|(name, address)| format!("{name}={address}")).collect();
    entrypoints.sort();
    match &found.api {
        None => entrypoints.join(" "),
        Some(api) => {
            let address = api.address.as_deref().unwrap_or("none");
            format!("{} | {address} {}", entrypoints.join(" "), api.base_path)
        }
    }
}

fn check(arguments: &str, environment: &str, file: Option<(&str, &str)>, expected: &str) {
    let found = StaticConfiguration::new(&words(arguments), &variables(environment), file).unwrap();
    assert_eq!(summary(&found), expected, "{arguments} {environment} {file:?}");
}

#[test]
fn flags() {
    for (arguments, expected) in [
        ("traefik", "http=:80"),
        ("traefik --entryPoints.web.address=:81", "web=:81"),
        ("traefik --entrypoints.web.address=:81 --ENTRYPOINTS.WEB.http.tls", "web=:81"),
        ("traefik traefik -entrypoints.Web.address :81 --log.level=DEBUG", "Web=:81"),
        ("/usr/local/bin/traefik --api.insecure", "http=:80 traefik=:8080 | :8080 /"),
        ("traefik --api.insecure=false", "http=:80 | none /"),
        ("traefik --api=true --api.dashboard=true", "http=:80 | none /"),
        ("traefik --api=false", "http=:80"),
        ("traefik --ping", "http=:80 traefik=:8080"),
        ("traefik --ping --ping.manualRouting", "http=:80"),
        ("traefik --ping --ping.entryPoint=web --entrypoints.web.address=:1", "web=:1"),
        ("traefik --metrics.prometheus=true", "http=:80 traefik=:8080"),
        ("traefik --metrics.otlp=true", "http=:80"),
        ("traefik --providers.rest.insecure=true", "http=:80 traefik=:8080"),
        (
            "traefik --api.insecure --api.basePath=/tk --entrypoints.traefik.address=127.0.0.1:9 --ping",
            "traefik=127.0.0.1:9 | 127.0.0.1:9 /tk",
        ),
        ("traefik --entrypoints.dns.address=:53/udp --entrypoints.dns.address=:54/udp", "dns=:54/udp"),
        ("traefik -- --entrypoints.web.address=:81", "http=:80"),
    ] {
        check(arguments, "", None, expected);
    }
}

#[test]
fn environment() {
    for (environment, expected) in [
        ("PATH=/bin", "http=:80"),
        ("TRAEFIK_ENTRYPOINTS_WEB_ADDRESS=:81", "web=:81"),
        ("TRAEFIK_ENTRYPOINTS_WEB_ADDRESS=:81 TRAEFIK_API_INSECURE=true", "traefik=:8080 web=:81 | :8080 /"),
        ("TRAEFIK_API=true TRAEFIK_API_BASEPATH=/x", "http=:80 | none /x"),
        ("TRAEFIK_PING=true", "http=:80 traefik=:8080"),
    ] {
        check("traefik", environment, None, expected);
    }
    // One source and no other: flags silence the environment.
    check("traefik --ping", "TRAEFIK_ENTRYPOINTS_WEB_ADDRESS=:81", None, "http=:80 traefik=:8080");
}

#[test]
fn files() {
    let yaml =
        "entryPoints:\n  web: {address: \":81\"}\n  Secure:\n    address: 127.0.0.1:443\napi: {}\nping: {}\nlog:\n";
    let toml =
        "[entryPoints.web]\naddress = ':81'\n[api]\ninsecure = true\n[metrics.prometheus]\nmanualRouting = true\n";
    for (path, text, expected) in [
        ("/etc/traefik/traefik.yml", yaml, "Secure=127.0.0.1:443 traefik=:8080 web=:81 | none /"),
        ("/etc/traefik/traefik.TOML", toml, "traefik=:8080 web=:81 | :8080 /"),
        ("t.yaml", "entrypoints: {a.b: {Address: \":1\"}}", "a.b=:1"),
        ("t.yaml", "api:\nping: null\n", "http=:80"),
        ("t.yaml", "{}", "http=:80"),
        ("t.toml", "", "http=:80"),
    ] {
        // A file silences both of the others.
        check("traefik --api.insecure", "TRAEFIK_PING=true", Some((path, text)), expected);
    }
    for (path, text, expected) in
        [("t.toml", "a: b", "expected TOML in t.toml"), ("t.yml", "a: [", "expected YAML in t.yml")]
    {
        let error = StaticConfiguration::new(&[], &[], Some((path, text))).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn places_of_the_file() {
    let usual = |xdg: &str, home: &str| -> Vec<String> {
        ["/etc/traefik/traefik", &format!("{xdg}/traefik"), &format!("{home}/.config/traefik"), "./traefik"]
            .iter()
            .flat_map(|base| ["toml", "yaml", "yml"].map(|extension| format!("{base}.{extension}")))
            .collect()
    };
    let found = |arguments, environment| file_candidates(&words(arguments), &variables(environment));
    assert_eq!(found("traefik", "HOME=/h XDG_CONFIG_HOME=/x"), usual("/x", "/h"));
    assert_eq!(found("traefik --ping", ""), usual("", ""));
    for arguments in
        ["traefik --configFile=$HOME/t.yml", "traefik --configfile ${HOME}/t.yml", "traefik -CONFIGFILE=/h/t.yml"]
    {
        let found = found(arguments, "HOME=/h");
        assert_eq!(found.first().unwrap(), "/h/t.yml", "{arguments}");
        assert_eq!(found.get(1..).unwrap(), usual("", "/h"), "{arguments}");
    }
}
