// What a command of the program's with `--json` said. Pure.

export interface Ran {
  code: number | null;
  out: string;
  said: string;
}

/** What it answered, as far as it did. */
export function answerOf<T extends object>({ out }: Ran): Partial<T> {
  try {
    return (JSON.parse(out) ?? {}) as Partial<T>;
  } catch {
    return {};
  }
}

/** Why it did not do it, in the program's words where it has some. */
export function reasonOf(ran: Ran, otherwise: string): string {
  const { error } = answerOf<{ error: { message?: string } }>(ran);
  return error?.message || ran.said.trim() || otherwise;
}
