//! A store that is open: S3 or a directory, both by way of `object_store`.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, BackoffConfig, ClientOptions, HeaderValue, ObjectStore, PutOptions, PutPayload, RetryConfig,
};

use super::endpoint::Endpoint;
use super::failure::Failure;
use super::key::Keys;
use super::object::Object;
use super::settings::{Error, File, Limits, S3, Settings};
use crate::agent::agent;

/// For a connection; a host that does not answer is tried again.
const CONNECT: Duration = Duration::from_secs(5);

/// Where keys are looked for that are not in the configuration, as AWS's own tools do. Not the endpoint: that is said.
const AMBIENT: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_ENDPOINT_URL_STS",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_METADATA_ENDPOINT",
];

#[derive(Debug, Clone)]
pub(super) struct Store {
    store: Arc<dyn ObjectStore>,
    pub(super) keys: Keys,
    /// It has a place for content type and metadata, and it is not on this machine.
    is_remote: bool,
    pub(super) timeout: Duration,
}

impl Store {
    /// Nothing is asked of the network yet.
    pub(super) fn open(
        settings: &Settings,
        limits: &Limits,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        let timeout = limits.timeout;
        match settings {
            Settings::S3(s3) => {
                let keys = Keys::new(&s3.prefix, &format!("s3://{}/", s3.bucket))?;
                Ok(Self { store: open_s3(s3, limits, environment)?, keys, is_remote: true, timeout })
            }
            Settings::File(file) => {
                let (store, root) = open_directory(file)?;
                Ok(Self { store, keys: Keys::new(&file.prefix, &root)?, is_remote: false, timeout })
            }
        }
    }

    /// Asks what is there at the top: years, where hoptap wrote before.
    pub(super) async fn list(&self) -> Result<(), Failure> {
        let prefix = Path::from(self.keys.prefix());
        match tokio::time::timeout(self.timeout, self.store.list_with_delimiter(Some(&prefix))).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Failure::of(&error, !self.is_remote)),
            Err(_) => Err(Failure::timeout(self.timeout.as_secs_f32())),
        }
    }

    /// One try.
    pub(super) async fn put(&self, object: &Object) -> Result<(), Failure> {
        let upload = async {
            let path = Path::parse(&object.key)?;
            let mut attributes = Attributes::new();
            if self.is_remote {
                attributes.insert(Attribute::ContentType, object.safe_content_type().to_owned().into());
                for (name, value) in object.safe_metadata() {
                    attributes.insert(Attribute::Metadata(name.into()), value.into());
                }
            }
            let payload = PutPayload::from_bytes(object.bytes.clone());
            self.store.put_opts(&path, payload, PutOptions { attributes, ..PutOptions::default() }).await
        };
        match tokio::time::timeout(self.timeout, upload).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Failure::of(&error, !self.is_remote)),
            Err(_) => Err(Failure::timeout(self.timeout.as_secs_f32())),
        }
    }
}

fn open_s3(
    settings: &S3,
    limits: &Limits,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Arc<dyn ObjectStore>, Error> {
    let bucket = settings.bucket.as_str();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if !(3..=255).contains(&bucket.len()) || !bucket.bytes().all(plain) {
        let expected = "the name of a bucket: 3 or more letters, digits, dots and dashes";
        return Err(Error::Setting { key: "bucket", expected, found: bucket.to_owned() });
    }
    let Endpoint { url, virtual_host } = Endpoint::of(settings)?;
    let region = Some(settings.region.trim()).filter(|region| !region.is_empty()).unwrap_or("us-east-1");
    // Of retries, and of what is told about them, the worker is in charge.
    let retry = RetryConfig { max_retries: 0, retry_timeout: limits.timeout, backoff: BackoffConfig::default() };
    let client = ClientOptions::new()
        .with_user_agent(HeaderValue::from_static(agent()))
        .with_allow_http(settings.insecure)
        .with_connect_timeout(CONNECT)
        .with_timeout(limits.timeout)
        .with_pool_max_idle_per_host(limits.uploads);
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region)
        .with_virtual_hosted_style_request(virtual_host)
        .with_retry(retry)
        .with_client_options(client);
    if let Some(url) = url {
        builder = builder.with_endpoint(url);
    }
    builder = match (&settings.access_key, &settings.secret_key) {
        (Some(access), Some(secret)) => builder.with_access_key_id(&access.0).with_secret_access_key(&secret.0),
        (None, None) => ambient(builder, environment),
        _ => return Err(Error::Keys("access_key and secret_key go together: give both, or neither")),
    };
    match &settings.session_token {
        Some(_) if settings.access_key.is_none() => {
            return Err(Error::Keys("session_token belongs to access_key and secret_key: give them too"));
        }
        Some(token) => builder = builder.with_token(&token.0),
        None => {}
    }
    Ok(Arc::new(builder.build()?))
}

fn ambient(mut builder: AmazonS3Builder, environment: &dyn Fn(&str) -> Option<String>) -> AmazonS3Builder {
    for variable in AMBIENT {
        let value = environment(variable).filter(|value| !value.is_empty());
        if let (Some(value), Ok(key)) = (value, variable.to_ascii_lowercase().parse::<AmazonS3ConfigKey>()) {
            builder = builder.with_config(key, value);
        }
    }
    builder
}

fn open_directory(settings: &File) -> Result<(Arc<dyn ObjectStore>, String), Error> {
    let directory = &settings.directory;
    let unusable = |error| Error::Directory { directory: directory.clone(), error };
    std::fs::create_dir_all(directory).map_err(unusable)?;
    let whole = directory.canonicalize().map_err(unusable)?;
    // Asked now, so that a mistake is told at the start and not with the first body.
    let probe = whole.join(format!(".hoptap-{}", std::process::id()));
    std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe)).map_err(unusable)?;
    let store = LocalFileSystem::new_with_prefix(&whole)?;
    Ok((Arc::new(store), file_url(&whole)))
}

/// With a slash at its end.
fn file_url(directory: &std::path::Path) -> String {
    use std::fmt::Write;
    use std::os::unix::ffi::OsStrExt;
    let mut url = String::from("file://");
    for byte in directory.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~@!$&'()*+,;=:".contains(byte) {
            url.push(char::from(*byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    if !url.ends_with('/') {
        url.push('/');
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_directories() {
        assert_eq!(file_url("/var/a b#1/\u{e4}".as_ref()), "file:///var/a%20b%231/%C3%A4/");
        assert_eq!(file_url("/".as_ref()), "file:///");
    }
}
