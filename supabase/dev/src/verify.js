// Owns a repair to Lite's POST /auth/v1/verify: it does not know the type `email`, which on hosted
// projects is a code by mail of either kind, of a sign-in or of a sign-up.

export const VERIFY_PATH = '/auth/v1/verify';

/** @param {(request: Request) => Promise<Response>} next  Lite */
export async function verify(request, next) {
  const body = await request.text();
  const asked = parse(body);
  const ask = (fields) => next(new Request(request, { body: fields ? JSON.stringify(fields) : body }));
  if (asked?.type !== 'email') return ask();
  const answer = await ask({ ...asked, type: 'magiclink' });
  return answer.ok ? answer : ask({ ...asked, type: 'signup' });
}

function parse(body) {
  try {
    return JSON.parse(body);
  } catch {
    return undefined; // Lite has its own words for that
  }
}
