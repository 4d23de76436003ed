// Owns a stand-in for GitHub's OAuth: the pages and endpoints that Supabase Lite's own GitHub sign-in
// talks to (https://docs.github.com/en/apps/oauth-apps), with a form in place of an account. Whoever
// reaches it is whoever they say: it is for development alone.

export const PROVIDER_PREFIX = '/provider/';
export const CLIENT = { client_id: 'local-only', secret: 'local-only-not-a-secret' };

const AUTHORIZE = `${PROVIDER_PREFIX}login/oauth/authorize`;
/** GitHub's codes last ten minutes and are good for one exchange. */
const CODE_MS = 10 * 60 * 1000;

export function createProvider() {
  /** code → {email, redirectUri, until} */
  const codes = new Map();
  /** token → email */
  const tokens = new Map();

  const routes = {
    [`GET ${AUTHORIZE}`]: (request) => page(new URL(request.url).searchParams),
    [`POST ${AUTHORIZE}`]: async (request) => {
      const form = new URLSearchParams(await request.text());
      const back = new URL(form.get('redirect_uri'));
      back.searchParams.set('state', form.get('state'));
      if (form.get('decision') === 'allow' && form.get('email')) {
        const code = crypto.randomUUID();
        codes.set(code, { email: form.get('email'), redirectUri: form.get('redirect_uri'), until: Date.now() + CODE_MS });
        back.searchParams.set('code', code);
      } else {
        back.searchParams.set('error', 'access_denied');
        back.searchParams.set('error_description', 'The user has denied your application access.');
      }
      return new Response(null, { status: 302, headers: { location: back.href } });
    },
    [`POST ${PROVIDER_PREFIX}login/oauth/access_token`]: async (request) => {
      const form = new URLSearchParams(await request.text());
      const granted = codes.get(form.get('code'));
      codes.delete(form.get('code'));
      const isOurs = form.get('client_id') === CLIENT.client_id && form.get('client_secret') === CLIENT.secret;
      const fits = granted?.redirectUri === form.get('redirect_uri') && granted?.until > Date.now();
      // GitHub answers 200 with an error in it.
      if (!isOurs || !fits) return Response.json({ error: 'bad_verification_code' });
      const token = crypto.randomUUID();
      tokens.set(token, granted.email);
      return Response.json({ access_token: token, token_type: 'bearer', scope: 'user:email' });
    },
    [`GET ${PROVIDER_PREFIX}api/v3/user`]: (request) => {
      const email = bearer(request);
      if (!email) return unauthorized();
      const login = email.split('@')[0];
      return Response.json({ id: idOf(email), login, name: login, avatar_url: '' });
    },
    [`GET ${PROVIDER_PREFIX}api/v3/user/emails`]: (request) => {
      const email = bearer(request);
      return email ? Response.json([{ email, verified: true, primary: true }]) : unauthorized();
    },
  };

  const bearer = (request) => tokens.get(request.headers.get('authorization')?.replace(/^Bearer /, ''));

  return async function handle(request, path) {
    const route = routes[`${request.method} ${path}`];
    return route ? route(request) : new Response('not found', { status: 404 });
  };
}

const unauthorized = () => Response.json({ message: 'Bad credentials' }, { status: 401 });

/** One account per address: a stable number, as GitHub's ids are. */
function idOf(email) {
  let id = 0;
  for (const character of email) id = (id * 31 + character.codePointAt(0)) % 2 ** 48;
  return id;
}

function page(query) {
  const kept = ['redirect_uri', 'state'].map(
    (name) => `<input type="hidden" name="${name}" value="${escaped(query.get(name) ?? '')}">`,
  );
  const body = `<!doctype html><meta charset="utf-8"><title>Stand-in for GitHub</title>
<h1>Sign in (development only)</h1>
<form method="post" action="${AUTHORIZE}">${kept.join('')}
<label>Address <input name="email" type="email"></label>
<button name="decision" value="allow">Authorize</button>
<button name="decision" value="deny">Cancel</button></form>`;
  return new Response(body, { headers: { 'content-type': 'text/html; charset=utf-8' } });
}

const escaped = (text) =>
  text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
