//! The one TLS configuration behind HTTP and WebSocket: the aws-lc-rs provider and the system's
//! certificate store, named explicitly so that nothing depends on a process-wide default.

use std::sync::Arc;

use agent_core::ports::RemoteError;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

/// A configuration without ALPN; each user adds the protocols it speaks. With `secure` false it
/// trusts nobody and reads no certificates: it is for plain connections, which never ask it.
///
/// # Errors
/// [`RemoteError::Misconfigured`] when the system's certificate store cannot be used.
pub(crate) fn config(secure: bool) -> Result<ClientConfig, RemoteError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    if !secure {
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    Ok(builder.with_platform_verifier().map_err(unusable)?.with_no_client_auth())
}

fn unusable(error: rustls::Error) -> RemoteError {
    RemoteError::Misconfigured(format!(
        "the system's certificates cannot be used: {error}; install the ca-certificates package, or point SSL_CERT_FILE at a bundle"
    ))
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
