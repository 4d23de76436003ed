//! The secrets of one sign-in through the browser: Proof Key for Code Exchange (RFC 7636), and the
//! secret path that the browser comes back to.

use agent_core::ports::RemoteError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

/// 256 bits, as RFC 7636 §7.1 advises: 43 characters.
const BYTES: usize = 32;

/// A verifier and nothing else; what is told to the browser is its hash.
#[derive(Debug)]
pub(super) struct Verifier(SecretString);

impl Verifier {
    pub(super) fn new() -> Result<Self, RemoteError> {
        random().map(Self)
    }

    /// The challenge of the method `s256`.
    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.0.expose_secret().as_bytes()))
    }

    pub(super) fn secret(&self) -> &SecretString {
        &self.0
    }
}

/// An unguessable word that fits into an address.
pub(super) fn random() -> Result<SecretString, RemoteError> {
    let mut bytes = [0; BYTES];
    let source = rustls::crypto::aws_lc_rs::default_provider().secure_random;
    source.fill(&mut bytes).map_err(|_| {
        RemoteError::Misconfigured("the system gives no randomness to sign in with".to_owned())
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_rfc_7636_appendix_b() {
        let verifier = Verifier("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into());
        assert_eq!(verifier.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn no_two_are_alike_and_debug_output_tells_none() {
        let (one, other) = (Verifier::new().unwrap(), Verifier::new().unwrap());
        assert_ne!(one.0.expose_secret(), other.0.expose_secret());
        assert!((43..=128).contains(&one.0.expose_secret().len()));
        assert!(!format!("{one:?}").contains(one.0.expose_secret()));
    }
}
