//! One store for each kind of place.

use std::{path::PathBuf, sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ClientConfigKey, Error, ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    azure::{AzureConfigKey, MicrosoftAzureBuilder},
    gcp::{GoogleCloudStorageBuilder, GoogleConfigKey},
    local::LocalFileSystem,
    memory::InMemory,
    path::Path,
    prefix::PrefixStore,
};

use super::{explain::explain, folder};
use crate::{
    files::FilesError,
    settings::{Bucket, FilesPlace},
};

type Store = Arc<dyn ObjectStore>;

/// What is the same for every cloud, whatever the environment says. A request may take long, as parts of files are
/// long, but not without a byte; certificates are always checked.
const CLIENT: [(ClientConfigKey, &str); 4] = [
    (ClientConfigKey::AllowInvalidCertificates, "false"),
    (ClientConfigKey::ConnectTimeout, "5s"),
    (ClientConfigKey::ReadTimeout, "15s"),
    (ClientConfigKey::Timeout, "10m"),
];

/// The store, and its folder if it is one.
pub(super) async fn open(place: &FilesPlace) -> Result<(Store, Option<PathBuf>), FilesError> {
    let store = match place {
        FilesPlace::Memory => Arc::new(InMemory::new()),
        FilesPlace::Folder(path) => return open_folder(path.clone()).await,
        FilesPlace::S3(bucket) => s3(bucket)?,
        FilesPlace::Gcs(bucket) => gcs(bucket)?,
        FilesPlace::Azure(bucket) => azure(bucket)?,
    };
    Ok((store, None))
}

async fn open_folder(path: PathBuf) -> Result<(Store, Option<PathBuf>), FilesError> {
    folder::make(path.clone()).await?;
    // Temporary files are made here also after a change of the working directory.
    let path = tokio::fs::canonicalize(path).await?;
    let store = LocalFileSystem::new_with_prefix(&path).map_err(explain)?;
    // Handoffs come and go: their folders go with the last file.
    let store = store.with_fsync(true).with_automatic_cleanup(true);
    Ok((Arc::new(store), Some(path)))
}

fn s3(bucket: &Bucket) -> Result<Store, FilesError> {
    let builder = CLIENT.into_iter().fold(AmazonS3Builder::from_env(), |builder, (key, value)| {
        builder.with_config(AmazonS3ConfigKey::Client(key), value)
    });
    prefixed(bucket, builder.with_retry(retries()).with_bucket_name(&bucket.name).build())
}

fn gcs(bucket: &Bucket) -> Result<Store, FilesError> {
    let builder = CLIENT.into_iter().fold(GoogleCloudStorageBuilder::from_env(), |builder, (key, value)| {
        builder.with_config(GoogleConfigKey::Client(key), value)
    });
    prefixed(bucket, builder.with_retry(retries()).with_bucket_name(&bucket.name).build())
}

fn azure(bucket: &Bucket) -> Result<Store, FilesError> {
    let builder = CLIENT.into_iter().fold(MicrosoftAzureBuilder::from_env(), |builder, (key, value)| {
        builder.with_config(AzureConfigKey::Client(key), value)
    });
    prefixed(bucket, builder.with_retry(retries()).with_container_name(&bucket.name).build())
}

fn prefixed<S: ObjectStore>(bucket: &Bucket, built: Result<S, Error>) -> Result<Store, FilesError> {
    // The error may repeat what the environment says.
    let store = built.map_err(|_| {
        FilesError::Unusable(
            "the environment variables for this provider are missing, incomplete or malformed".to_owned(),
        )
    })?;
    Ok(if bucket.prefix.is_empty() {
        Arc::new(store)
    } else {
        Arc::new(PrefixStore::new(store, Path::from(bucket.prefix.as_str())))
    })
}

/// Few and short: whoever keeps a file tries again, and tells agents why it takes long.
fn retries() -> RetryConfig {
    RetryConfig { backoff: BackoffConfig::default(), max_retries: 3, retry_timeout: Duration::from_secs(20) }
}
