//! Why a try came to nothing, whether another can help, and what a person can do.

use std::error::Error;
use std::io;

/// Who can mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Time: the store is away or busy.
    Away,
    /// A person: keys, bucket, directory.
    Denied,
    /// A person: there is no space.
    Full,
    /// Nobody: it is this object that the store does not take.
    Object,
}

impl Kind {
    pub(super) fn is_away(self) -> bool {
        self == Self::Away
    }
}

#[derive(Debug)]
pub(super) struct Failure {
    pub(super) kind: Kind,
    pub(super) reason: String,
    pub(super) advice: &'static str,
}

/// Characters of a reason in the log.
const LONGEST: usize = 240;

const WAIT: &str = "nothing: it is tried again";
const KEYS: &str = "check access_key, secret_key and session_token, or the AWS_* variables";
const NO_KEYS: &str =
    "set access_key and secret_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; profiles in ~/.aws are not read";
const ALLOW: &str = "allow these keys s3:PutObject on the bucket and its prefix";
const BUCKET: &str = "create the bucket, or correct bucket, endpoint and path_style";
const REGION: &str = "set region to that of the bucket";
const CLOCK: &str = "set the clock of this machine";
const SPEAKS: &str = "check that endpoint is that of an S3 server, and path_style what it wants";
const SPACE: &str = "make room in the store";
const DIRECTORY: &str = "make the directory one that hoptap can write to";
const SKIPPED: &str = "nothing: the object is left out";

impl Failure {
    pub(super) fn of(error: &object_store::Error, is_local: bool) -> Self {
        let text = error.to_string();
        if is_local {
            let io = chain(error).find_map(|error| error.downcast_ref::<io::Error>());
            let (kind, advice) = io.map_or((Kind::Away, WAIT), |error| local(error.kind()));
            return Self { kind, reason: short(&io.map_or(text, io::Error::to_string)), advice };
        }
        if matches!(error, object_store::Error::InvalidPath { .. }) {
            return Self { kind: Kind::Object, reason: short(&text), advice: SKIPPED };
        }
        let status = status(&text);
        let code = element(&text, "Code").unwrap_or_default();
        let (kind, advice) = match status {
            Some(status) => answered(status, code),
            None if text.contains("LOCATION") => (Kind::Denied, REGION),
            // The metadata of the machine: asked where there are no keys.
            None if text.contains("169.254.") => (Kind::Denied, NO_KEYS),
            None => (Kind::Away, WAIT),
        };
        // The whole answer would tell what was signed; its code and message tell enough.
        let reason = match status {
            Some(status) => format!("answered {status} {code} {}", element(&text, "Message").unwrap_or_default()),
            None => chain(error).last().map_or(text, ToString::to_string),
        };
        Self { kind, reason: short(&reason), advice }
    }

    /// The store knows the keys, and they may not do this.
    pub(super) fn is_not_allowed(&self) -> bool {
        self.advice == ALLOW
    }

    pub(super) fn timeout(seconds: f32) -> Self {
        Self { kind: Kind::Away, reason: format!("no answer within {seconds} s"), advice: WAIT }
    }

    pub(super) fn panicked() -> Self {
        Self { kind: Kind::Object, reason: "the upload panicked".into(), advice: SKIPPED }
    }
}

/// The error and what it comes from.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

fn local(kind: io::ErrorKind) -> (Kind, &'static str) {
    use io::ErrorKind as E;
    match kind {
        E::StorageFull | E::QuotaExceeded => (Kind::Full, SPACE),
        E::PermissionDenied | E::ReadOnlyFilesystem | E::NotFound | E::NotADirectory => (Kind::Denied, DIRECTORY),
        E::InvalidFilename | E::FileTooLarge | E::IsADirectory => (Kind::Object, SKIPPED),
        _ => (Kind::Away, WAIT),
    }
}

fn answered(status: u16, code: &str) -> (Kind, &'static str) {
    match (status, code) {
        (_, "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "ExpiredToken" | "InvalidToken") => (Kind::Denied, KEYS),
        (_, "RequestTimeTooSkewed") => (Kind::Denied, CLOCK),
        (_, "NoSuchBucket" | "InvalidBucketName") => (Kind::Denied, BUCKET),
        (_, "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" | "PermanentRedirect") => {
            (Kind::Denied, REGION)
        }
        (_, "XMinioStorageFull" | "XMinioAdminBucketQuotaExceeded") | (507, _) => (Kind::Full, SPACE),
        (_, "KeyTooLongError" | "EntityTooLarge" | "MetadataTooLarge" | "InvalidURI" | "XMinioInvalidObjectName")
        | (413 | 414, _) => (Kind::Object, SKIPPED),
        (401, _) => (Kind::Denied, KEYS),
        (403, _) => (Kind::Denied, ALLOW),
        (404, _) => (Kind::Denied, BUCKET),
        (301 | 302 | 307 | 308, _) => (Kind::Denied, REGION),
        (405 | 501, _) => (Kind::Denied, SPEAKS),
        _ => (Kind::Away, WAIT),
    }
}

/// `object_store` keeps the status to itself, but for its message.
fn status(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("status code: ")?;
    rest.get(..3)?.parse().ok()
}

fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once("</").map(|(value, _)| value)
}

fn short(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).take(LONGEST).collect::<String>().trim().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, kind: Kind, advice: &str, reason: &str) {
        let error = object_store::Error::Generic { store: "S3", source: text.to_owned().into() };
        let failure = Failure::of(&error, false);
        assert_eq!((failure.kind, failure.advice), (kind, advice), "{text}");
        assert_eq!(failure.reason, reason);
    }

    #[test]
    fn answers() {
        let told = |status: &str, code: &str| {
            format!(
                "Error performing PUT https://s3/b/k in 2ms - Server returned non-2xx status code: {status}: \
                 <Error><Code>{code}</Code><Message>No.</Message><StringToSign>x</StringToSign></Error>"
            )
        };
        let case = |status: &str, code: &str, kind, advice| {
            let number = &status[..3];
            check(&told(status, code), kind, advice, &format!("answered {number} {code} No."));
        };
        case("403 Forbidden", "AccessDenied", Kind::Denied, ALLOW);
        case("403 Forbidden", "SignatureDoesNotMatch", Kind::Denied, KEYS);
        case("403 Forbidden", "RequestTimeTooSkewed", Kind::Denied, CLOCK);
        case("404 Not Found", "NoSuchBucket", Kind::Denied, BUCKET);
        case("400 Bad Request", "KeyTooLongError", Kind::Object, SKIPPED);
        case("400 Bad Request", "AuthorizationHeaderMalformed", Kind::Denied, REGION);
        case("503 Service Unavailable", "SlowDown", Kind::Away, WAIT);
        case("507 Insufficient Storage", "XMinioStorageFull", Kind::Full, SPACE);
        check("connection refused", Kind::Away, WAIT, "connection refused");
        check("get http://169.254.169.254/latest", Kind::Denied, NO_KEYS, "get http://169.254.169.254/latest");
    }
}
