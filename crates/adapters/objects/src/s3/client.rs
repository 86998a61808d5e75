//! The client of the SDK, set up so that it does nothing that we do ourselves.

use aws_config::meta::region::ProvideRegion as _;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, ConfigLoader};
use aws_runtime::auth::PayloadSigningOverride;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    Builder, Config, ConfigBag, Credentials, Intercept, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    RuntimeComponents, StalledStreamProtectionConfig,
};
use aws_sdk_s3::error::BoxError;
use secrecy::ExposeSecret as _;

use super::{Addressing, BodySigning, HttpPool, S3Credentials, S3Options};

/// A store can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum S3SetupError {
    /// Neither the options nor the profile nor the environment says where the bucket is.
    #[error("no region is set for the bucket {bucket}")]
    NoRegion {
        /// Which bucket.
        bucket: String,
    },
}

/// What other stores are told, which take any.
const ANY_REGION: &str = "us-east-1";

pub(super) async fn connect(options: &S3Options, pool: &HttpPool) -> Result<Client, S3SetupError> {
    let builder = match &options.credentials {
        S3Credentials::Keys { access_key, secret_key, session_token } => {
            let token = session_token.as_ref().map(|token| token.expose_secret().to_owned());
            let keys = Credentials::new(access_key, secret_key.expose_secret(), token, None, "settings");
            Config::builder().behavior_version(version()).credentials_provider(keys)
        }
        S3Credentials::Machine => from_machine(loader(options, pool)).await,
        S3Credentials::Profile(name) => from_profile(name, options, pool).await,
    };
    let config = tune(builder, options, pool).build();
    if config.region().is_none() {
        return Err(S3SetupError::NoRegion { bucket: options.bucket.clone() });
    }
    Ok(Client::from_conf(config))
}

fn version() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

fn region(options: &S3Options) -> Option<Region> {
    let any = options.endpoint.as_ref().map(|_| ANY_REGION.to_owned());
    options.region.clone().or(any).map(Region::new)
}

fn loader(options: &S3Options, pool: &HttpPool) -> ConfigLoader {
    let loader = aws_config::defaults(version()).http_client(pool.0.clone());
    // Or the machine would be asked, which may take a while where it does not know.
    match region(options) {
        Some(region) => loader.region(region),
        None => loader,
    }
}

/// Who asks, and at most where: neither the environment nor a profile leads to another store than the options do.
async fn from_machine(loader: ConfigLoader) -> Builder {
    let found = loader.load().await;
    let mut builder = Config::builder().behavior_version(version());
    builder.set_credentials_provider(found.credentials_provider()).set_region(found.region().cloned());
    builder
}

/// The profile and nothing else: where there is none of that name, the machine's own rights must not take its place.
async fn from_profile(name: &str, options: &S3Options, pool: &HttpPool) -> Builder {
    let setup =
        ProviderConfig::without_region().with_behavior_version(Some(version())).with_http_client(pool.0.clone());
    let region = match region(options) {
        Some(region) => Some(region),
        None => ProfileFileRegionProvider::builder().configure(&setup).profile_name(name).build().region().await,
    };
    let setup = setup.with_region(region.clone());
    let credentials = ProfileFileCredentialsProvider::builder().configure(&setup).profile_name(name).build();
    let mut builder = Config::builder().behavior_version(version()).credentials_provider(credentials);
    builder.set_region(region);
    builder
}

/// Whoever calls tries again, and has computed the checksum; a slow body is stopped by our own limit.
fn tune(mut builder: Builder, options: &S3Options, pool: &HttpPool) -> Builder {
    if let Some(region) = region(options) {
        builder = builder.region(region);
    }
    if let Some(endpoint) = &options.endpoint {
        builder = builder.endpoint_url(endpoint);
    }
    if options.signing == BodySigning::Unsigned {
        builder = builder.interceptor(UnsignedBodies);
    }
    let timeouts = TimeoutConfig::builder().connect_timeout(options.connect_timeout).build();
    builder
        .http_client(pool.0.clone())
        .force_path_style(options.addressing == Addressing::Path)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
}

/// Leaves bodies out of signatures: once for the client, which costs less than customizing each call does.
#[derive(Debug)]
struct UnsignedBodies;

impl Intercept for UnsignedBodies {
    fn name(&self) -> &'static str {
        "UnsignedBodies"
    }

    fn modify_before_signing(
        &self,
        _context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(PayloadSigningOverride::unsigned_payload());
        Ok(())
    }
}
