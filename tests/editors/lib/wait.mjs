// Waiting for something that comes by itself: asked again until it holds, with a deadline that only a defect reaches.

export const PATIENCE = Number(process.env.AGENT_PATIENCE_MS ?? 60_000);
const BETWEEN = 50;

/** Calls `look` until it gives something other than false, null or undefined; fails with its last reason. */
export async function eventually(what, look, patience = PATIENCE) {
  const until = Date.now() + patience;
  let reason;
  for (;;) {
    try {
      const found = await look();
      if (found !== false && found !== null && found !== undefined) return found;
      reason = undefined;
    } catch (error) {
      reason = error;
    }
    if (Date.now() > until) throw new Error(`waited in vain for ${what}${reason ? `: ${reason.message}` : ''}`, { cause: reason });
    await new Promise((resolve) => setTimeout(resolve, BETWEEN));
  }
}
