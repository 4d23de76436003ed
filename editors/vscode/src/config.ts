// What `.agent/etc/sync.yaml` asks of the editor: which environment variables it names, and where in it the
// problem lies that the server found. The server alone reads and judges the file. Pure.

/** The names that the program reads from a configuration (docs/configuration.md). */
const ALLOWED = /SUPABASE|ANON_KEY|PUBLISHABLE_KEY|TEAM_ID|^AGENT_/;

/** The environment variables that the `remote` section names. */
export function named(yaml: string): string[] {
  const found = new Set<string>();
  let section = '';
  for (const line of yaml.split(/\r?\n/)) {
    const code = line.replace(/(^|\s)#.*$/, '');
    section = /^([A-Za-z_]+)\s*:/.exec(code)?.[1] ?? section;
    if (section !== 'remote') continue;
    for (const [, name] of code.matchAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g)) {
      if (name !== undefined && ALLOWED.test(name)) found.add(name);
    }
  }
  return [...found];
}

/** Those of them that nothing says the value of. */
export function missing(yaml: string, env: Readonly<Record<string, string | undefined>>): string[] {
  return named(yaml).filter((name) => !env[name]);
}

/** An environment with what is kept for it: a variable that is set, but empty, hides nothing. */
export function filled(env: NodeJS.ProcessEnv, kept: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...env, ...Object.fromEntries(Object.entries(kept).filter(([name]) => !env[name])) };
}

/** Which of the names hold a key, to be typed unseen. */
export function isKey(name: string): boolean {
  return /KEY/.test(name);
}

/** The line, from 0, that a problem is about: where it names one, or a key that the file holds. */
export function lineOf(yaml: string, problem: string): number {
  const said = /\bline (\d+)/.exec(problem)?.[1];
  if (said !== undefined) return Math.max(0, Number(said) - 1);
  const lines = yaml.split(/\r?\n/);
  for (const [, key] of problem.matchAll(/(?:\b(?:remote|sync|history)\.|[`"“])([a-z_]+)/g)) {
    const at = lines.findIndex((line) => new RegExp(`^\\s*${key}\\s*:`).test(line));
    if (at >= 0) return at;
  }
  return 0;
}
