// Counts and times in words: pure.

export function count(n: number, noun: string, plural = `${noun}s`): string {
  return `${n} ${n === 1 ? noun : plural}`;
}

/** How long, to the largest unit that is full. */
export function span(millis: number): string {
  const minutes = Math.floor(Math.max(0, millis) / 60_000);
  if (minutes < 1) return 'less than a minute';
  if (minutes < 60) return count(minutes, 'minute');
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? count(hours, 'hour') : count(Math.floor(hours / 24), 'day');
}

/** How long ago, for a place with little room. */
export function ago(at: number, now: number): string {
  return now - at < 60_000 ? 'just now' : `${span(now - at)} ago`;
}

/** Who and when, as far as either is known. */
export function byline(author: string | null, at: number | null, now: number): string {
  const parts = [author ?? 'the team', ...(at === null ? [] : [ago(at, now)])];
  return parts.join(', ');
}
