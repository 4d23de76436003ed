// Positions in a text, in each of the protocol's encodings, and the edits that are made by them. Strict: a position
// beyond its line's end or inside a character is an error, since a server that sends one counts wrongly.

const UNITS = {
  'utf-8': (sign) => Buffer.byteLength(sign),
  'utf-16': (sign) => sign.length,
  'utf-32': () => 1,
};

/** The lines of a text, each without its end; and where each begins. */
function lines(text) {
  const found = [];
  const ends = /\r\n|\n|\r/g;
  let start = 0;
  for (const end of text.matchAll(ends)) {
    found.push({ start, text: text.slice(start, end.index) });
    start = end.index + end[0].length;
  }
  found.push({ start, text: text.slice(start) });
  return found;
}

/** The offset of a position in a JavaScript string. */
export function offsetOf(text, { line, character }, encoding) {
  const found = lines(text)[line];
  if (!found) throw new RangeError(`line ${line} of ${lines(text).length}`);
  let [units, offset] = [0, found.start];
  for (const sign of found.text) {
    if (units >= character) break;
    units += UNITS[encoding](sign);
    offset += sign.length;
  }
  if (units !== character) {
    throw new RangeError(`character ${character} of line ${line} is ${units > character ? 'inside a character' : 'beyond its end'} in ${encoding}`);
  }
  return offset;
}

/** The position of an offset in a JavaScript string. */
export function positionAt(text, offset, encoding) {
  const all = lines(text.slice(0, offset));
  const last = all[all.length - 1];
  let character = 0;
  for (const sign of last.text) character += UNITS[encoding](sign);
  return { line: all.length - 1, character };
}

/** Applies text edits as one step, as the protocol wants it; they must not overlap. */
export function applyEdits(text, edits, encoding) {
  const placed = edits.map(({ range, newText }) => ({
    start: offsetOf(text, range.start, encoding), end: offsetOf(text, range.end, encoding), newText,
  }));
  let [made, at] = ['', 0];
  for (const { start, end, newText } of placed.sort((one, other) => one.start - other.start || one.end - other.end)) {
    if (start < at || end < start) throw new RangeError('edits overlap');
    made += text.slice(at, start) + newText;
    at = end;
  }
  return made + text.slice(at);
}

/** Applies one change of `textDocument/didChange`. */
export function applyChange(text, change, encoding) {
  return change.range ? applyEdits(text, [{ range: change.range, newText: change.text }], encoding) : change.text;
}
