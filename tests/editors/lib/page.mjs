// What a newcomer pastes from the page of an editor.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { project } from './places.mjs';

/** The blocks of a language of `docs/editors/NAME.md`, with the folder of this checkout where the page has `/path/to`. */
export function pasted(name, language) {
  const page = readFileSync(join(project, 'docs/editors', `${name}.md`), 'utf8');
  const blocks = [...page.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].filter(([, of]) => of === language).map(([, , text]) => text);
  return blocks.map((text) => text.replaceAll('/path/to/editors/', `${join(project, 'editors')}/`));
}
