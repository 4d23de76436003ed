// Owns one translation: PostgreSQL errors as PostgREST would answer them.
//
// Supabase Lite answers SQLSTATEs it has no rule for with 500 {"code":"SUP"}, losing code, details
// and hint. It does honour PostgREST's own escape hatch, an error with code PGRST that carries the
// whole answer as JSON, so such errors are rewritten into that form.

const SQLSTATE = /^[0-9A-Z]{5}$/;

/** Those that Lite already answers as PostgREST does. */
const ANSWERED_BY_LITE = /^(PT|PGRST|42|22|23502|23503|23505|25006)/;

/** PostgREST's table, first match wins; everything else is the client's fault: 400. */
const STATUSES = [
  [/^(08|53(?!400)|57P01)/, 503],
  [/^(0L|0P|28)/, 403],
  [/^(09|21|25|2D|38|39|3B|40|53|54|55|57|58|F0|HV|XX|P0(?!001))/, 500],
];

export function asPostgrestError(error) {
  const code = error?.code;
  if (typeof code !== 'string' || !SQLSTATE.test(code) || ANSWERED_BY_LITE.test(code)) return error;
  const status = STATUSES.find(([pattern]) => pattern.test(code))?.[1] ?? 400;
  return {
    code: 'PGRST',
    message: JSON.stringify({
      code,
      message: error.message,
      details: error.detail ?? null,
      hint: error.hint ?? null,
    }),
    detail: JSON.stringify({ status, headers: {} }),
  };
}
