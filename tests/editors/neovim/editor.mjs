// A Neovim without a screen, steered through its own command line: `nvim --server … --remote-expr`.

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ran, recorded } from '../lib/agent.mjs';
import { project } from '../lib/places.mjs';
import { eventually } from '../lib/wait.mjs';

const here = dirname(fileURLToPath(import.meta.url));
export const plugin = join(project, 'editors/neovim');

/** Where Neovim keeps what is its own, below a folder of the test's. */
export function apart(base) {
  const env = {};
  for (const name of ['CONFIG', 'DATA', 'STATE', 'CACHE', 'RUNTIME']) {
    const variable = name === 'RUNTIME' ? 'XDG_RUNTIME_DIR' : `XDG_${name}_HOME`;
    env[variable] = join(base, 'xdg', name.toLowerCase());
    mkdirSync(env[variable], { recursive: true, mode: 0o700 });
  }
  return env;
}

/** Waits until every recorded server is gone: it goes on for a moment after its editor. */
export function ended(log) {
  return eventually(`the end of the sessions in ${log}`, () => {
    const times = (part) => readFileSync(log, 'utf8').split(part).length - 1;
    return times('"event":"server ended"') === times('"method":"initialize"');
  });
}

let count = 0;

export class Neovim {
  /**
   * Starts `binary` for `side` of a team; the session is recorded in `log`. `options` and `capabilities` are for the plugin's
   * `setup`, which is not called with `isSetUp: false`; `desktop` opens addresses.
   */
  static async start(binary, side, log, { options = {}, capabilities, isSetUp = true, desktop } = {}) {
    const editor = new Neovim();
    count += 1;
    Object.assign(editor, { binary, side, log, socket: join(side.base, `nvim-${count}`), said: '' });
    const env = {
      ...side.env, ...apart(side.base), ...desktop?.inFront(side.env), AGENT_PLUGIN: plugin, AGENT_HEADLESS: '1', AGENT_SETUP: JSON.stringify(options),
      AGENT_CMD: JSON.stringify(await recorded(log)), AGENT_IS_SET_UP: String(isSetUp), ...(capabilities ? { AGENT_CAPABILITIES: JSON.stringify(capabilities) } : {}),
    };
    const all = ['--headless', '-u', join(here, 'init.lua'), '-i', 'NONE', '-n', '--listen', editor.socket];
    editor.child = spawn(binary, all, { cwd: side.dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [editor.child.stdout, editor.child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => { editor.said += text; });
    }
    await eventually('Neovim to answer', async () => (await editor.lua('return 1')) === 1);
    return editor;
  }

  /** Runs a chunk of Lua with arguments; what it returns. */
  async lua(code, ...args) {
    const file = `${this.socket}.answer`;
    const [request, place] = [JSON.stringify([code, args]), file].map((text) => `'${text.replaceAll("'", "''")}'`);
    const expression = `v:lua.Asked(${request}, ${place})`;
    const { out, err } = await ran(this.binary, ['--server', this.socket, '--headless', '--remote-expr', expression], { env: this.side.env });
    if (`${out}${err}`.trim() !== 'answered') throw new Error(`Neovim answered ${out}${err}; it said: ${this.said}`);
    const { ok, result } = JSON.parse(readFileSync(file, 'utf8'));
    if (!ok) throw new Error(`${code}: ${result}`);
    return result;
  }

  /** Runs an Ex command. */
  command(line) {
    return this.lua('vim.cmd(...)', line);
  }

  open(path) {
    return this.command(`edit ${this.side.file(path)}`);
  }

  /** The text of the buffer, as the file would have it. */
  text() {
    return this.lua("return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n') .. '\\n'");
  }

  /** Replaces text in one line of the buffer, at the place counted in bytes. */
  replace(old, text) {
    return this.lua(`
      local old, new = ...
      for n, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
        local from, to = line:find(old, 1, true)
        if from then
          return vim.api.nvim_buf_set_text(0, n - 1, from - 1, n - 1, to, { new })
        end
      end
      error('no ' .. old)`, old, text);
  }

  /** Puts the cursor at the beginning of the first line that holds a text. */
  goTo(text) {
    return this.lua(`
      for n, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
        if line:find(..., 1, true) then
          return vim.api.nvim_win_set_cursor(0, { n, 0 })
        end
      end
      error('no ' .. ...)`, text);
  }

  /** The diagnostics of the buffer, each with the text that it marks. */
  diagnostics() {
    return this.lua(`
      return vim.tbl_map(function(d)
        local lines = vim.api.nvim_buf_get_text(0, d.lnum, d.col, d.end_lnum, d.end_col, {})
        return { code = d.code, message = d.message, line = d.lnum, text = table.concat(lines, '\\n') }
      end, vim.diagnostic.get(0))`);
  }

  /** Waits until the diagnostics have these codes, in order of their lines. */
  async shows(...codes) {
    return eventually(`the diagnostics ${codes}`, async () => {
      const found = (await this.diagnostics()).sort((one, other) => one.line - other.line);
      const seen = found.map(({ code }) => code);
      if (JSON.stringify(seen) !== JSON.stringify(codes)) throw new Error(`there are ${JSON.stringify(found)}`);
      return found;
    });
  }

  status() {
    return this.lua("return require('agent').status()");
  }

  async stands(words) {
    return eventually(`the status ${words}`, async () => {
      const found = await this.status();
      if (found !== words) throw new Error(`it is ${JSON.stringify(found)}`);
      return true;
    });
  }

  /** Saves the buffer. */
  save() {
    return this.command('silent write');
  }

  /** Opens the editor's own menu of code actions at the cursor and takes the one that begins so. */
  async act(title) {
    await this.lua('_G.choices = { ... }; _G.offered = {}; vim.lsp.buf.code_action()', title);
    await eventually(`the menu with ${title}`, async () => {
      const offered = await this.lua('return _G.offered');
      if (!offered.some?.((entry) => entry.startsWith(title))) throw new Error(`it has ${JSON.stringify(offered)}`);
      return true;
    });
  }

  /** Quits, as a person does. */
  async stop() {
    if (this.child.exitCode !== null) return;
    // Its end may come before its answer.
    const answer = await this.lua("vim.schedule(function() vim.cmd('qall!') end)").catch((error) => error.message);
    await eventually(`Neovim to quit; it answered ${answer}`, () => this.child.exitCode !== null);
    await ended(this.log);
  }

  /** Ends it, whatever it does. */
  kill() {
    this.child.kill('SIGKILL');
  }
}
