//! The objects below an address: listed, read and written. The endpoint and the keys come from the environment, as other tools of S3 have
//! them (`AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID` …), and are never written anywhere.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use object_store::path::Path as Key;
use object_store::{
    ClientOptions, Error, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, RetryConfig,
    UpdateVersion, WriteMultipart,
};
use reqwest::Url;

use super::known::Tag;
use crate::net;
use crate::store::address::{Address, endpoint};
use crate::store::error::StoreError;
use crate::text::{excerpt, visible_line};

/// Bytes from which a file is sent in pieces.
const PIECE: usize = 16 << 20;
/// Characters of a store's message that are repeated.
const MESSAGE: usize = 300;
/// Variables that hold what nobody may read.
const SECRETS: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_TOKEN",
];

/// An object in a listing.
pub(super) struct Listed {
    /// Its name below the address.
    pub name: String,
    pub bytes: u64,
    pub tag: Tag,
}

/// What an object must be for it to be written.
#[derive(Debug, Clone)]
pub(super) enum Where {
    /// Whatever is there.
    Anything,
    /// Nothing is there.
    Nothing,
    /// What had this tag is still there.
    Tagged(Tag),
}

/// What became of writing an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Put {
    Done(Tag),
    /// Something else is there.
    Refused,
}

/// The objects below an address.
pub(super) struct Objects {
    store: AmazonS3,
    address: Address,
    endpoint: String,
}

impl Objects {
    /// Sets up the client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`StoreError::Bucket`] if what the environment says is not enough or may not be used.
    pub(super) fn open(address: &Address) -> Result<Self, StoreError> {
        let endpoint = endpoint();
        let named = endpoint.clone();
        let endpoint = endpoint.unwrap_or_else(|| "https://s3.amazonaws.com".into());
        let refused = |reason: String, remedy: &str| StoreError::Bucket {
            action: "reach",
            address: address.to_string(),
            reason,
            remedy: remedy.into(),
        };
        let url: Url = endpoint.parse().map_err(|e| {
            refused(
                format!("AWS_ENDPOINT_URL is '{}': {e}", visible_line(&endpoint)),
                "Write the address of the server, for instance https://minio.example:9000",
            )
        })?;
        net::permits(&url).map_err(|e| {
            refused(
                e.to_string(),
                "Leave out --offline, or name a directory of this machine",
            )
        })?;
        let allowed = std::env::var("AWS_ALLOW_HTTP").is_ok_and(|v| v == "true" || v == "1");
        if url.scheme() == "http" && !net::is_this_machine(&url) && !allowed {
            return Err(refused(
                format!(
                    "{} is not encrypted and not on this machine",
                    shown(&endpoint)
                ),
                "Name an https:// address in AWS_ENDPOINT_URL, or set AWS_ALLOW_HTTP=true if nobody can listen",
            ));
        }
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(&address.bucket)
            .with_retry(RetryConfig {
                max_retries: 3,
                retry_timeout: Duration::from_secs(30),
                ..RetryConfig::default()
            })
            .with_http_connector(OwnClient);
        if let Some(named) = named {
            builder = builder.with_endpoint(named);
        }
        let store = builder.build().map_err(|e| {
            refused(
                excerpt(&root(&e), MESSAGE),
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY together",
            )
        })?;
        Ok(Self {
            store,
            address: address.clone(),
            endpoint: shown(&endpoint),
        })
    }

    /// The address.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Every object below the address.
    pub(super) async fn list(&self) -> Result<Vec<Listed>, StoreError> {
        let prefix = self.prefix()?;
        let mut stream = self.store.list(prefix.as_ref());
        let mut all = Vec::new();
        while let Some(object) = stream.next().await {
            let object = object.map_err(|e| self.failed("list", "", &e))?;
            let key = object.location.as_ref();
            let name = match &self.address.prefix {
                Some(prefix) => key
                    .strip_prefix(prefix.as_str())
                    .and_then(|k| k.strip_prefix('/')),
                None => Some(key),
            };
            if let Some(name) = name {
                all.push(Listed {
                    name: name.to_owned(),
                    bytes: object.size,
                    tag: object.e_tag,
                });
            }
        }
        Ok(all)
    }

    /// What is directly below the address: the names of objects, and those of folders.
    pub(super) async fn below(&self) -> Result<(Vec<String>, Vec<String>), StoreError> {
        let prefix = self.prefix()?;
        let listed = self.store.list_with_delimiter(prefix.as_ref()).await;
        let listed = listed.map_err(|e| self.failed("list", "", &e))?;
        let name = |key: &Key| key.filename().map(str::to_owned);
        let objects = listed.objects.iter().filter_map(|o| name(&o.location));
        let folders = listed.common_prefixes.iter().filter_map(name);
        Ok((objects.collect(), folders.collect()))
    }

    /// Reads a small object of at most `limit` bytes; none if it is not there.
    pub(super) async fn read(
        &self,
        name: &str,
        limit: u64,
    ) -> Result<Option<(Vec<u8>, Tag)>, StoreError> {
        let got = match self.store.get(&self.key(name)?).await {
            Ok(got) => got,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(e) => return Err(self.failed("read", name, &e)),
        };
        if got.meta.size > limit {
            return Err(StoreError::Bucket {
                action: "read",
                address: self.address.below(name).display().to_string(),
                reason: format!("it is larger than {limit} bytes"),
                remedy: "candor did not write it: remove it".into(),
            });
        }
        let tag = got.meta.e_tag.clone();
        let bytes = got.bytes().await;
        let bytes = bytes.map_err(|e| self.failed("read", name, &e))?;
        Ok(Some((bytes.to_vec(), tag)))
    }

    /// Reads an object into a file, and gives its size, tag and hash.
    pub(super) async fn download(
        &self,
        name: &str,
        mut into: &File,
    ) -> Result<(u64, Tag, String), StoreError> {
        let failed = |e: &Error| self.failed("read", name, e);
        let got = self.store.get(&self.key(name)?).await;
        let got = got.map_err(|e| failed(&e))?;
        let (size, tag) = (got.meta.size, got.meta.e_tag.clone());
        let (mut stream, mut bytes) = (got.into_stream(), 0);
        let mut hasher = blake3::Hasher::new();
        while let Some(piece) = stream.try_next().await.map_err(|e| failed(&e))? {
            bytes += piece.len() as u64;
            hasher.update(&piece);
            into.write_all(&piece).map_err(|e| {
                StoreError::file("cannot keep a copy of", &self.address.below(name), &e)
            })?;
        }
        if bytes == size {
            return Ok((bytes, tag, hasher.finalize().to_hex().to_string()));
        }
        Err(StoreError::Bucket {
            action: "read",
            address: self.address.below(name).display().to_string(),
            reason: format!("{bytes} of its {size} bytes came"),
            remedy: "Try again".into(),
        })
    }

    /// Writes an object, if what is there is as it must be.
    pub(super) async fn put(
        &self,
        name: &str,
        bytes: Vec<u8>,
        over: Where,
    ) -> Result<Put, StoreError> {
        let mode = match over {
            Where::Anything => PutMode::Overwrite,
            Where::Nothing => PutMode::Create,
            Where::Tagged(e_tag) => PutMode::Update(UpdateVersion {
                e_tag,
                version: None,
            }),
        };
        let options = PutOptions::from(mode);
        let put = self
            .store
            .put_opts(&self.key(name)?, bytes.into(), options)
            .await;
        match put {
            Ok(put) => Ok(Put::Done(put.e_tag)),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(Put::Refused),
            Err(e) => Err(self.failed("write", name, &e)),
        }
    }

    /// Writes a file over whatever is there, in pieces where it is large.
    pub(super) async fn upload(&self, name: &str, path: &Path) -> Result<Tag, StoreError> {
        let unread = |e: std::io::Error| StoreError::file("cannot read", path, &e);
        let mut file = File::open(path).map_err(unread)?;
        let mut next = || -> Result<Vec<u8>, StoreError> {
            let mut piece = Vec::new();
            std::io::Read::by_ref(&mut file)
                .take(PIECE as u64)
                .read_to_end(&mut piece)
                .map_err(unread)?;
            Ok(piece)
        };
        let first = next()?;
        if first.len() < PIECE {
            let put = self.put(name, first, Where::Anything).await?;
            return Ok(match put {
                Put::Done(tag) => tag,
                Put::Refused => None,
            });
        }
        let failed = |e: &Error| self.failed("write", name, e);
        let upload = self.store.put_multipart(&self.key(name)?).await;
        let upload = upload.map_err(|e| failed(&e))?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, PIECE);
        let mut piece = first;
        while !piece.is_empty() {
            writer.wait_for_capacity(2).await.map_err(|e| failed(&e))?;
            writer.put(piece.into());
            piece = next()?;
        }
        let put = writer.finish().await.map_err(|e| failed(&e))?;
        Ok(put.e_tag)
    }

    /// Removes an object, if it is there.
    pub(super) async fn remove(&self, name: &str) -> Result<(), StoreError> {
        match self.store.delete(&self.key(name)?).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(self.failed("remove", name, &e)),
        }
    }

    fn prefix(&self) -> Result<Option<Key>, StoreError> {
        let prefix = self.address.prefix.as_ref();
        let key = prefix.map(|prefix| Key::parse(prefix.as_str()));
        key.transpose()
            .map_err(|e| self.failed("list", "", &e.into()))
    }

    fn key(&self, name: &str) -> Result<Key, StoreError> {
        let key = Key::parse(self.address.key(name));
        key.map_err(|e| self.failed("read", name, &e.into()))
    }

    /// What went wrong, why, and what to do.
    fn failed(&self, action: &'static str, name: &str, error: &Error) -> StoreError {
        let Self {
            address, endpoint, ..
        } = self;
        let (reason, remedy) = match error {
            _ if is_nowhere(error) => (
                format!(
                    "{endpoint} has no bucket '{}', or the object is gone",
                    address.bucket
                ),
                "Create the bucket, or check the address and AWS_ENDPOINT_URL".to_owned(),
            ),
            _ if is_refusal(error) => (
                format!("{endpoint} refuses it: {}", root(error)),
                format!(
                    "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, and that their owner may list the bucket '{}' and read, write and delete objects in it",
                    address.bucket
                ),
            ),
            Error::InvalidPath { source } => (
                format!("an object's name is not a plain path: {source}"),
                "Remove the object: a run's files have plain names".to_owned(),
            ),
            _ if !has_keys() => (
                root(error),
                "No keys are in the environment: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (candor reads no AWS profile), or run where the machine has a role"
                    .to_owned(),
            ),
            _ if root(error).contains("NotImplemented") => (
                root(error),
                "candor needs a store with conditional writes (If-None-Match and If-Match), as AWS, MinIO, R2 and Ceph have them".to_owned(),
            ),
            _ => (
                format!("{endpoint}: {}", root(error)),
                "Check the network, AWS_ENDPOINT_URL and AWS_REGION, and try again".to_owned(),
            ),
        };
        let address = match name {
            "" => address.to_string(),
            name => address.below(name).display().to_string(),
        };
        StoreError::Bucket {
            action,
            address: visible_line(&address).into_owned(),
            reason: excerpt(&visible_line(&without_secrets(reason)), MESSAGE),
            remedy,
        }
    }
}

/// Whether a bucket is not there. Listings say it in their text alone.
fn is_nowhere(error: &Error) -> bool {
    matches!(error, Error::NotFound { .. }) || root(error).starts_with("NoSuchBucket")
}

/// Whether a store knows who asks, or does not, and does not let them.
fn is_refusal(error: &Error) -> bool {
    const CODES: &[&str] = &[
        "AccessDenied",
        "AllAccessDisabled",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    ];
    let denied = matches!(
        error,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. }
    );
    denied || CODES.iter().any(|code| root(error).starts_with(code))
}

/// Whether the environment says who asks. Where it does not, the machine's own role is asked for.
fn has_keys() -> bool {
    [
        "AWS_ACCESS_KEY_ID",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ]
    .iter()
    .any(|name| std::env::var_os(name).is_some())
}

/// An endpoint without a user, a password or a query.
fn shown(endpoint: &str) -> String {
    let Ok(mut url) = endpoint.parse::<Url>() else {
        return "the store".into();
    };
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.as_str().trim_end_matches('/').to_owned()
}

/// The innermost cause. Of a store's XML its code and its message.
fn root(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let text = cause.to_string();
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
    };
    match (element("Code"), element("Message")) {
        (Some(code), Some(message)) => format!("{code} ({message})"),
        (Some(code), None) => code.to_owned(),
        _ => text,
    }
}

/// A text without what the environment keeps secret, should a server have sent it back.
fn without_secrets(mut text: String) -> String {
    for value in SECRETS.iter().filter_map(|name| std::env::var(name).ok()) {
        if value.len() >= 4 {
            text = text.replace(&value, "…");
        }
    }
    text
}

/// Makes the library use candor's own client, on which the rules of the network are.
#[derive(Debug)]
struct OwnClient;

/// The client. Redirects are not followed: what is signed for one server is not for another.
#[derive(Debug)]
struct Ruled(reqwest::Client);

impl HttpConnector for OwnClient {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = net::client()
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(Duration::from_mins(1))
            .redirect(reqwest::redirect::Policy::none())
            .no_gzip()
            .http1_only()
            .build();
        let client = client.map_err(|e| Error::Generic {
            store: "S3",
            source: Box::new(e),
        })?;
        Ok(HttpClient::new(Ruled(client)))
    }
}

#[async_trait::async_trait]
impl HttpService for Ruled {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let url: Url = request
            .uri()
            .to_string()
            .parse()
            .map_err(|e| HttpError::new(HttpErrorKind::Unknown, e))?;
        // The servers of keys are asked too, and their addresses are numbers.
        net::permits(&url).map_err(|e| HttpError::new(HttpErrorKind::Unknown, e))?;
        self.0.call(request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_stores_reply_only_code_and_message_are_repeated() {
        let body = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message><AWSAccessKeyId>AKIA123</AWSAccessKeyId></Error>";
        let error = Error::Generic {
            store: "S3",
            source: body.into(),
        };
        assert_eq!(root(&error), "AccessDenied (Access Denied)");
    }

    #[test]
    fn an_endpoint_is_shown_without_its_password() {
        assert_eq!(
            shown("https://me:secret@minio.example:9000/?token=1"),
            "https://minio.example:9000"
        );
    }
}
