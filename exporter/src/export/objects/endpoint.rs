//! From what a person writes as the endpoint of S3 to the URL that requests go to.

use hyper::Uri;

use super::settings::{Error, S3};

/// Where requests go.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// With the bucket in the host name where that is asked for; None: AWS's own for the region.
    pub(super) url: Option<String>,
    pub(super) virtual_host: bool,
}

const EXPECTED: &str = "a host such as s3.amazonaws.com or minio:9000, or a URL such as https://minio:9000";

impl Endpoint {
    pub(super) fn of(settings: &S3) -> Result<Self, Error> {
        // A name that is no label of DNS cannot stand in a host name, and one with dots fits no certificate.
        let virtual_host = !settings.path_style && is_label(&settings.bucket);
        let text = settings.endpoint.as_deref().map(str::trim).filter(|text| !text.is_empty());
        // The global name redirects for regions but its own: the region's is asked at once.
        let Some(text) = text.filter(|text| !is_global(text)) else {
            return Ok(Self { url: None, virtual_host });
        };
        let wrong = |expected| Error::Setting { key: "endpoint", expected, found: shown(text) };
        let scheme = if settings.insecure { "http" } else { "https" };
        let whole = if text.contains("://") { text.to_owned() } else { format!("{scheme}://{text}") };
        let uri: Uri = whole.parse().map_err(|_| wrong(EXPECTED))?;
        let scheme = uri.scheme_str().unwrap_or_default();
        let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
        match scheme {
            "https" => {}
            "http" if settings.insecure => {}
            "http" => return Err(wrong("https, or `insecure: true` beside it")),
            _ => return Err(wrong(EXPECTED)),
        }
        if authority.is_empty() || authority.contains('@') || uri.path().len() > 1 || uri.query().is_some() {
            return Err(wrong(EXPECTED));
        }
        // An address has no names below it.
        let host = uri.host().unwrap_or_default();
        let is_address = host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok();
        let virtual_host = virtual_host && !is_address;
        let url = if virtual_host {
            format!("{scheme}://{}.{authority}", settings.bucket)
        } else {
            format!("{scheme}://{authority}")
        };
        Ok(Self { url: Some(url), virtual_host })
    }
}

fn is_global(text: &str) -> bool {
    let host = text.strip_prefix("https://").unwrap_or(text).trim_end_matches('/');
    matches!(host.to_ascii_lowercase().as_str(), "s3.amazonaws.com" | "s3.amazonaws.com:443")
}

fn is_label(bucket: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    bucket.bytes().all(plain) && !bucket.starts_with('-') && !bucket.ends_with('-')
}

/// An endpoint with a password in it is not repeated.
fn shown(text: &str) -> String {
    if text.contains('@') { "(hidden)".into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::super::tests::s3;
    use super::*;

    fn settings(endpoint: &str, bucket: &str, path_style: bool, insecure: bool) -> S3 {
        S3 { endpoint: Some(endpoint.into()), bucket: bucket.into(), path_style, insecure, ..s3("") }
    }

    #[test]
    fn endpoints() {
        let check =
            |endpoint: &str, bucket: &str, path_style: bool, insecure: bool, expected: Option<&str>, virtual_host| {
                let got = Endpoint::of(&settings(endpoint, bucket, path_style, insecure)).ok();
                let expected = Endpoint { url: expected.map(str::to_owned), virtual_host };
                assert_eq!(got, Some(expected), "{endpoint} {bucket} {path_style} {insecure}");
            };
        check("s3.amazonaws.com", "traffic", false, false, None, true);
        check("https://s3.amazonaws.com/", "traffic", true, false, None, false);
        check("", "traffic", false, false, None, true);
        // As the guide writes it: upper case has no place in a host name.
        check("s3.amazonaws.com", "my-company-Traefik-traffic", false, false, None, false);
        check(
            "s3.eu-north-1.amazonaws.com",
            "traffic",
            false,
            false,
            Some("https://traffic.s3.eu-north-1.amazonaws.com"),
            true,
        );
        check("s3.example", "a.b", false, false, Some("https://s3.example"), false);
        check("minio:9000", "traffic", true, true, Some("http://minio:9000"), false);
        check("minio:9000", "traffic", false, true, Some("http://traffic.minio:9000"), true);
        check("https://minio:9000", "traffic", true, true, Some("https://minio:9000"), false);
        check("http://127.0.0.1:9000", "traffic", false, true, Some("http://127.0.0.1:9000"), false);
        check("[::1]:9000", "traffic", false, true, Some("http://[::1]:9000"), false);
    }

    #[test]
    fn what_cannot_be_used_says_so() {
        let check = |endpoint: &str, insecure: bool, expected: &str| {
            let error = Endpoint::of(&settings(endpoint, "traffic", true, insecure)).map_err(|error| error.to_string());
            assert!(error.as_ref().is_err_and(|error| error.contains(expected)), "{endpoint}: {error:?}");
        };
        check("http://minio:9000", false, "expected https, or `insecure: true` beside it");
        check("ftp://minio", false, "found \"ftp://minio\"");
        check("https://user:s3cret@minio", false, "found \"(hidden)\"");
        check("https://minio/path", false, EXPECTED);
        check("min io", false, EXPECTED);
        check("https://", false, EXPECTED);
    }
}
