// The verbs that run in the terminal, and what each asks for before: a table, so that a test can hold it against the
// command line's reference. Pure.

/** What is asked for, in this order, and where it goes. */
export type Ask =
  | { for: 'text'; prompt: string }
  | { for: 'one of'; prompt: string; flag?: string; options: readonly string[] }
  | { for: 'files'; prompt: string }
  | { for: 'folder'; prompt: string; flag?: string };

export interface Verb {
  /** The command line's words. */
  words: readonly string[];
  asks: readonly Ask[];
  /** What is asked before it is done, where it cannot be taken back. */
  sure?: string;
}

const ROLE: Ask = { for: 'one of', prompt: 'Role', options: ['viewer', 'editor', 'approver', 'admin'] };
const files = (prompt: string): Ask[] => [{ for: 'files', prompt }];

/** By the last part of the command's name: `agent.cli.…`. */
export const VERBS = {
  /** On a terminal it asks for what it needs itself. */
  init: { words: ['sync', 'init'], asks: [] },
  status: { words: ['sync', 'status'], asks: [] },
  log: { words: ['sync', 'log'], asks: [] },
  diff: { words: ['sync', 'diff'], asks: [] },
  watch: { words: ['sync', 'watch'], asks: [] },
  gc: { words: ['sync', 'gc'], asks: [] },
  show: { words: ['sync', 'show'], asks: [{ for: 'text', prompt: 'Artifact and version, such as OPS-021@3' }] },
  whoami: { words: ['whoami'], asks: [] },
  doctor: { words: ['doctor'], asks: [] },
  audit: { words: ['audit'], asks: [] },
  teamCreate: { words: ['team', 'create'], asks: [{ for: 'text', prompt: 'The team’s name' }] },
  teamInvite: { words: ['team', 'invite'], asks: [{ for: 'text', prompt: 'Address of whom to invite' }, { ...ROLE, flag: '--role' }] },
  teamInvitations: { words: ['team', 'invitations'], asks: [] },
  teamRevoke: { words: ['team', 'revoke'], asks: [{ for: 'text', prompt: 'The invitation: its id, or the address' }] },
  teamAccept: { words: ['team', 'accept'], asks: [] },
  teamDecline: { words: ['team', 'decline'], asks: [{ for: 'text', prompt: 'The invitation’s id, as Team: Show Invitations shows it' }] },
  teamMembers: { words: ['team', 'members'], asks: [] },
  teamRole: { words: ['team', 'role'], asks: [{ for: 'text', prompt: 'Member: address, name or id' }, ROLE] },
  teamRemove: { words: ['team', 'remove'], asks: [{ for: 'text', prompt: 'Member: address, name or id' }], sure: 'Remove this member from the team?' },
  teamLeave: { words: ['team', 'leave'], asks: [], sure: 'Leave the team? Your files stay.' },
  export: { words: ['export', '--all'], asks: [{ for: 'folder', prompt: 'Export to This Folder', flag: '--output' }] },
  importPlan: { words: ['import-plan'], asks: files('Import as Plans') },
  importStory: { words: ['import-story'], asks: files('Import as Stories') },
  importRunbook: { words: ['import-runbook'], asks: files('Import as Runbooks') },
  importAdr: { words: ['import-adr'], asks: files('Import as Decision Records') },
  gitInstall: { words: ['git', 'install'], asks: [] },
  gitUninstall: { words: ['git', 'uninstall'], asks: [] },
} as const satisfies Record<string, Verb>;
