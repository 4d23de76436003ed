//! Looks into a JSON Web Token without checking its signature: only the server can check it, and
//! nothing is trusted that is read here. Used to recognise keys that must not be in a configuration.

use serde::Deserialize;

#[derive(Deserialize)]
struct Claims {
    role: Option<String>,
}

/// The `role` claim; `None` when this is not a token or has no role.
pub(crate) fn role(token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let claims: Claims = serde_json::from_slice(&base64url(payload)?).ok()?;
    claims.role
}

/// Unpadded base64url (RFC 4648 §5), as tokens use it; padding is tolerated.
fn base64url(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut n_bits) = (0_u32, 0_u32);
    for byte in text.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            out.push(bits.checked_shr(n_bits)?.to_le_bytes()[0]);
            bits &= (1 << n_bits) - 1;
        }
    }
    Some(out)
}
