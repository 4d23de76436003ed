// One VS Code window on a folder, and hands for it: a mouse and a keyboard. What is done is done as a person does it.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { chromium } from 'playwright-core';

import { PATIENCE, eventually } from '../../../../tests/editors/lib/wait.mjs';

const SETTINGS = {
  'workbench.startupEditor': 'none', 'telemetry.telemetryLevel': 'off', 'update.mode': 'none', 'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false, 'chat.disableAIFeatures': true, 'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'files.autoSave': 'off', 'git.enabled': false, 'workbench.enableExperiments': false, 'workbench.tips.enabled': false,
  'editor.minimap.enabled': false, 'editor.wordWrap': 'on', 'editor.cursorBlinking': 'solid', 'window.commandCenter': false,
  'workbench.colorTheme': 'Default Light Modern', 'editor.autoClosingBrackets': 'never', 'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
  'workbench.layoutControl.enabled': false, 'workbench.reduceMotion': 'on', 'terminal.integrated.gpuAcceleration': 'off', 'markdown.validate.enabled': false,
};

/** This machine runs a command as it is. */
const HERE = { command: ([file, ...args], env) => ({ file, args, env }) };

export class Workbench {
  /**
   * Opens a window. `open` is a folder or a `.code-workspace` file, `env` the environment VS Code is started in,
   * `settings` the user's, `trust` whether folders must be trusted first. `at` says how a command is run on the machine
   * where VS Code's server and the files are (../remote); without it that is this one. Without `vsix` nothing is installed.
   */
  static async open({ tools, vsix, open, env, at = HERE, settings = {}, trust = false, width = 1280, height = 800 }) {
    const made = new Workbench();
    made.base = mkdtempSync(path.join(at.folder ?? tmpdir(), 'agent-code-'));
    try {
      await made.start(tools, vsix, open, env, at, settings, trust, { width, height });
      return made;
    } catch (error) {
      await made.close();
      throw error;
    }
  }

  async start({ node, entry, browser }, vsix, open, env, at, settings, trust, viewport) {
    const data = path.join(this.base, 'data');
    mkdirSync(path.join(data, 'User'), { recursive: true });
    const all = { ...SETTINGS, 'security.workspace.trust.enabled': trust, 'security.workspace.trust.startupPrompt': 'never', ...settings };
    writeFileSync(path.join(data, 'User', 'settings.json'), JSON.stringify(all));
    // What names programs is a setting of the machine that VS Code's server runs on.
    mkdirSync(path.join(data, 'Machine'));
    writeFileSync(path.join(data, 'Machine', 'settings.json'), JSON.stringify(settings));
    const base = [entry, '--user-data-dir', data, '--extensions-dir', path.join(this.base, 'extensions'), '--config', '/dev/null'];
    if (vsix) {
      const install = at.command([node, ...base, '--install-extension', vsix], { ...env, PASSWORD: '' });
      execFileSync(install.file, install.args, { env: install.env, stdio: ['ignore', 'ignore', 'pipe'] });
    }
    const port = await freePort();
    await at.reach?.(port);
    const args = ['--auth', 'none', '--bind-addr', `127.0.0.1:${port}`, '--disable-telemetry', '--disable-update-check',
      '--disable-getting-started-override', ...(trust ? [] : ['--disable-workspace-trust'])];
    const log = openSync(path.join(this.base, 'server.log'), 'w');
    const serve = at.command([node, ...base, ...args], env);
    this.server = spawn(serve.file, serve.args, { env: serve.env, stdio: ['ignore', log, log], detached: true });
    await eventually('code-server to answer', async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok);
    this.context = await chromium.launchPersistentContext(path.join(this.base, 'profile'), {
      executablePath: browser, headless: true, viewport,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync',
        '--no-first-run', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
    });
    this.page = this.context.pages()[0] ?? (await this.context.newPage());
    this.page.setDefaultTimeout(PATIENCE);
    const what = open.endsWith('.code-workspace') ? 'workspace' : 'folder';
    await this.page.goto(`http://127.0.0.1:${port}/?${what}=${open}`);
    await this.page.locator('.monaco-workbench .part.statusbar').waitFor({ timeout: 2 * PATIENCE });
  }

  async close() {
    await this.context?.close().catch(() => {});
    if (this.server && this.server.exitCode === null && this.server.signalCode === null) {
      const gone = once(this.server, 'exit');
      process.kill(-this.server.pid, 'SIGTERM');
      await gone;
    }
    rmSync(this.base, { recursive: true, force: true, maxRetries: 5 });
  }

  /** A picture, small enough for documentation. */
  async picture(file) {
    await this.page.screenshot({ path: file });
  }

  /** What the program and the editor's own log said, for when something fails. */
  log() {
    return readFileSync(path.join(this.base, 'server.log'), 'utf8').slice(-4_000);
  }

  press(keys) {
    return this.page.keyboard.press(keys);
  }

  type(text) {
    return this.page.keyboard.type(text);
  }

  /** The box that commands, files and questions are answered in. */
  get box() {
    return this.page.locator('.quick-input-widget');
  }

  get input() {
    return this.box.locator('input[type=text], input[type=password]').first();
  }

  row(text) {
    return this.box.locator('.monaco-list-row', { hasText: text }).first();
  }

  /** Runs a command by its title, from the palette; a window that has just opened does not know all of them yet. */
  async command(title) {
    const row = this.row(title);
    await eventually(`the command “${title}”`, async () => {
      await this.press('F1');
      await this.input.fill(`>${title}`);
      await row.waitFor({ timeout: 5_000 });
      return true;
    });
    await row.click();
  }

  /** Types an answer into the box that asks this. */
  async answer(question, text) {
    await this.box.getByText(question).first().waitFor();
    await this.input.fill(text);
    await this.input.press('Enter');
  }

  /** The program that the installed package brought along. */
  bundled() {
    const extensions = path.join(this.base, 'extensions');
    const [folder] = readdirSync(extensions).filter((name) => name.startsWith('agent.agent-artifacts'));
    return path.join(extensions, folder, 'bin', process.platform === 'win32' ? 'agent.exe' : 'agent');
  }

  /** Opens a file by its name. */
  async openFile(name) {
    await this.press('Control+P');
    await this.input.waitFor();
    await this.input.fill(name);
    await this.row(name).click();
    await this.page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor();
    await this.line(/^#/).waitFor();
  }

  /** The editor that was used last. */
  get editor() {
    return this.page.locator('.editor-instance .monaco-editor').first();
  }

  line(text) {
    return this.editor.locator('.view-line', { hasText: text }).first();
  }

  /** Puts the cursor at the end of a line, with the mouse. */
  async clickLine(text) {
    await this.line(text).click({ position: { x: 4, y: 9 } });
    await this.press('End');
  }

  /** Writes another text over a line. */
  async rewrite(old, text) {
    await this.clickLine(old);
    await this.press('Shift+Home');
    await this.type(text);
    await this.line(text).waitFor();
  }

  /** A choice above a hunk. */
  lens(text) {
    return this.editor.locator('.codelens-decoration a', { hasText: text });
  }

  /** Chooses from the light bulb's menu on the line of the cursor. */
  async quickFix(title, picture) {
    await this.press('Control+.');
    const item = this.page.locator('.action-widget .monaco-list-row', { hasText: title }).first();
    await item.waitFor();
    if (picture) await this.picture(picture);
    await item.click();
  }

  async save() {
    await this.press('Control+S');
    await this.page.locator('.tab.active.dirty').waitFor({ state: 'detached' });
  }

  status(text) {
    return this.page.locator('.statusbar-item', { hasText: text }).first();
  }

  /** The lines of a view in the side bar. */
  items(view, text) {
    return this.page.locator(`.pane:has(.pane-header[aria-label*="${view}"]) .monaco-list-row`, { hasText: text });
  }

  item(view, text) {
    return this.items(view, text).first();
  }

  message(text) {
    return this.page.locator('.notifications-toasts .notification-toast', { hasText: text }).first();
  }

  async openView() {
    await this.page.locator('.activitybar .action-label[aria-label^="Agent"]').click();
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().on('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
