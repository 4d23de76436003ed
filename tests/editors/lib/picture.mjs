// A terminal's screen as a picture: what `tmux capture-pane -e` prints, as SVG.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { project } from './places.mjs';

const CELL = { width: 8, height: 17 };
const FACE = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace';
const PAPER = '#14161b';
const INK = '#e0e2ea';

// The terminal's sixteen colours; the others follow from their numbers.
const NAMED = [
  '#14161b', '#ffc0b9', '#b3f6c0', '#fce094', '#a6dbff', '#ffcaff', '#8cf8f7', '#c4c6cd',
  '#4f5258', '#ffc0b9', '#b3f6c0', '#fce094', '#a6dbff', '#ffcaff', '#8cf8f7', '#eef1f8',
];

function colour(number) {
  if (number < 16) return NAMED[number];
  const grey = (number - 232) * 10 + 8;
  const step = (place) => (place === 0 ? 0 : place * 40 + 55);
  const cube = number - 16;
  const parts = number >= 232 ? [grey, grey, grey] : [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map(step);
  return `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

/** A colour of the extended form, and how many codes it took. */
function extended([kind, ...codes]) {
  if (kind === 5) return [colour(codes[0]), 2];
  return [`rgb(${codes.slice(0, 3).join(',')})`, 4];
}

/** Takes the codes of one escape sequence into a pen. */
function drawn(pen, codes) {
  let next = { ...pen };
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at];
    if (code === 0) next = {};
    else if (code === 1) next.bold = true;
    else if (code === 3) next.italic = true;
    else if (code === 4) next.line = true;
    else if (code === 7) next.turned = true;
    else if (code === 22) next.bold = false;
    else if (code === 24) next.line = false;
    else if (code === 27) next.turned = false;
    else if (code === 39) next.ink = undefined;
    else if (code === 49) next.paper = undefined;
    else if (code >= 30 && code <= 37) next.ink = colour(code - 30);
    else if (code >= 40 && code <= 47) next.paper = colour(code - 40);
    else if (code >= 90 && code <= 97) next.ink = colour(code - 82);
    else if (code >= 100 && code <= 107) next.paper = colour(code - 92);
    else if (code === 38 || code === 48) {
      const [found, took] = extended(codes.slice(at + 1));
      next[code === 38 ? 'ink' : 'paper'] = found;
      at += took;
    }
  }
  return next;
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const isWide = (sign) => /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]/u.test(sign);

/** The runs of a line: `{ text, at, cells, pen }`. A sign that takes two cells is a run of its own, so that no font moves the rest. */
function runs(line, pen) {
  const found = [];
  let [at, now] = [0, pen];
  for (const [, codes, text] of line.matchAll(/\x1b\[([\d;:]*)m|([^\x1b]+)/g)) {
    if (text === undefined) {
      now = drawn(now, codes.split(/[;:]/).map(Number));
      continue;
    }
    for (const { segment } of graphemes.segment(text)) {
      const cells = isWide(segment) ? 2 : 1;
      const last = found.at(-1);
      const joins = last && cells === 1 && !last.isWide && last.pen === now && segment.length === 1;
      if (joins) Object.assign(last, { text: last.text + segment, cells: last.cells + 1 });
      else found.push({ text: segment, at, cells, pen: now, isWide: cells === 2 || segment.length > 1 });
      at += cells;
    }
  }
  return [found, now];
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function shown({ text, at, cells, pen }, row) {
  const [ink, paper] = pen.turned ? [pen.paper ?? PAPER, pen.ink ?? INK] : [pen.ink ?? INK, pen.paper];
  const [x, y, width] = [at * CELL.width, row * CELL.height, cells * CELL.width];
  const behind = paper ? `<rect x="${x}" y="${y}" width="${width}" height="${CELL.height}" fill="${paper}"/>` : '';
  if (text.trim() === '') return behind;
  const style = [pen.bold && ' font-weight="bold"', pen.italic && ' font-style="italic"', pen.line && ' text-decoration="underline"'];
  return `${behind}<text x="${x}" y="${y + 13}" textLength="${width}" fill="${ink}"${style.filter(Boolean).join('')}>${escaped(text)}</text>`;
}

/** The picture of a screen of so many columns. */
export function picture(screen, { columns }) {
  const lines = screen.split('\n');
  let pen = {};
  const rows = lines.map((line, row) => {
    const [found, left] = runs(line, pen);
    pen = left;
    return found.map((run) => shown(run, row)).join('');
  });
  const [width, height] = [columns * CELL.width, lines.length * CELL.height];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 -8 ${width + 16} ${height + 16}" width="${width + 16}" font-family='${FACE}' font-size="13" xml:space="preserve">`,
    '<style>text { white-space: pre }</style>',
    `<rect x="-8" y="-8" width="${width + 16}" height="${height + 16}" rx="6" fill="${PAPER}"/>`,
    ...rows.filter(Boolean), '</svg>', '',
  ].join('\n');
}

/** Takes `docs/images/NAME.svg` of a terminal, if AGENT_UPDATE_DOCS is set. */
export function pictured(terminal, name) {
  if (!process.env.AGENT_UPDATE_DOCS) return;
  // With the space at the ends of rows, which may be coloured.
  const screen = terminal.tmux('capture-pane', '-p', '-e', '-N').trimEnd();
  writeFileSync(join(project, 'docs/images', `${name}.svg`), picture(screen, { columns: 110 }));
}
