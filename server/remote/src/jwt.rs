//! Looks into a JSON Web Token without checking its signature: only the server can check it, and
//! nothing is trusted that is read here. Used to recognise keys that must not be where they are, and
//! to say whose a given token is and until when.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

/// Tokens are unpadded (RFC 7515 §2); padding is tolerated.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The claims that are looked at.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Claims {
    /// The database role the bearer acts as.
    pub(crate) role: Option<String>,
    /// The user's id.
    pub(crate) sub: Option<String>,
    /// Their address.
    pub(crate) email: Option<String>,
    /// When it ends, in seconds since the epoch.
    pub(crate) exp: Option<i64>,
}

/// What a token claims; `None` when this is no token.
pub(crate) fn claims(token: &str) -> Option<Claims> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    serde_json::from_slice(&BASE64URL.decode(payload).ok()?).ok()
}

/// The `role` claim; `None` when this is not a token or has no role.
pub(crate) fn role(token: &str) -> Option<String> {
    claims(token)?.role
}
