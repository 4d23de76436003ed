// A desktop on which programs open addresses, and a person who signs in at the page that opened: the program that opens
// them keeps them in a file, and what is pressed on the page is sent as its form would be.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { eventually } from './wait.mjs';

export class Desktop {
  /** For `side` (backend.mjs). */
  constructor(side) {
    this.folder = join(side.base, 'desktop');
    this.opened = join(this.folder, 'opened');
    mkdirSync(this.folder);
    writeFileSync(join(this.folder, 'xdg-open'), `#!/bin/sh\nprintf '%s\\n' "$1" >> '${this.opened}'\n`, { mode: 0o755 });
  }

  /** What an environment has differently where this desktop is. */
  inFront({ PATH }) {
    return { DISPLAY: ':0', PATH: [this.folder, PATH].join(delimiter) };
  }

  /** Signs in at the address that was opened last; the page that is left. */
  async signIn(email) {
    const address = await eventually('an address to be opened', () => existsSync(this.opened) && readFileSync(this.opened, 'utf8').trim().split('\n').at(-1));
    const page = new URL(await next(address));
    const asked = Object.fromEntries(['redirect_uri', 'state'].map((name) => [name, page.searchParams.get(name)]));
    page.search = '';
    const back = await next(page, { method: 'POST', body: new URLSearchParams({ ...asked, email, decision: 'allow' }) });
    return (await fetch(await next(back))).text();
  }
}

/** Where an address leads. */
async function next(address, options) {
  const answer = await fetch(address, { redirect: 'manual', ...options });
  const location = answer.headers.get('location');
  if (!location) throw new Error(`${address} leads nowhere: ${answer.status} ${await answer.text()}`);
  return new URL(location, address).href;
}
