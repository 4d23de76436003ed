// Owns what a key or token says about its bearer.

import { errors, jwtVerify } from 'jose';

/** Carries the reason in the words of the hosted service, which clients match on. */
export class TokenError extends Error {}

export function createTokens({ publishableKey, secretKey, jwtSecret }) {
  const key = new TextEncoder().encode(jwtSecret);
  // The hosted gateway trades these keys for long-lived tokens of the same roles.
  const roles = new Map([
    [publishableKey, 'anon'],
    [secretKey, 'service_role'],
  ]);

  /** @returns {Promise<{role: string, exp: number}>} the claims */
  async function verify(token) {
    if (roles.has(token)) return { role: roles.get(token), exp: Infinity };
    if (!token) throw new TokenError('MalformedJWT: The token provided is not a valid JWT');
    let claims;
    try {
      ({ payload: claims } = await jwtVerify(token, key, { algorithms: ['HS256'] }));
    } catch (error) {
      throw new TokenError(reasonFor(error), { cause: error });
    }
    if (typeof claims.role !== 'string' || typeof claims.exp !== 'number') {
      throw new TokenError('InvalidJWTToken: Fields `role` and `exp` are required in JWT');
    }
    return claims;
  }

  return { verify };
}

function reasonFor(error) {
  if (error instanceof errors.JWTExpired) {
    return `InvalidJWTToken: ${expiredMessage(error.payload.exp)}`;
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return 'JwtSignatureError: Failed to validate JWT signature';
  }
  return 'MalformedJWT: The token provided is not a valid JWT';
}

export function expiredMessage(exp) {
  return `Token has expired ${Math.max(0, Math.floor(Date.now() / 1000 - exp))} seconds ago`;
}
