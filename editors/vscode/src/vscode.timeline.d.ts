// What is used of VS Code's API proposal "timeline" (version 1), which @types/vscode leaves out as it does every proposal.

declare module 'vscode' {
  export class TimelineItem {
    constructor(label: string, timestamp: number);
    label: string;
    /** In milliseconds since the Unix epoch. */
    timestamp: number;
    id?: string;
    iconPath?: ThemeIcon;
    description?: string;
    tooltip?: string;
    contextValue?: string;
    command?: Command;
  }

  export interface Timeline {
    /** Where the next page begins; undefined on the last. */
    readonly paging?: { readonly cursor: string | undefined };
    /** Newest first. */
    readonly items: readonly TimelineItem[];
  }

  export interface TimelineOptions {
    /** What `paging.cursor` of an earlier page said. */
    cursor?: string;
    /** How many at most, or down to which item. */
    limit?: number | { timestamp: number; id?: string };
  }

  export interface TimelineProvider {
    readonly id: string;
    readonly label: string;
    readonly onDidChange?: Event<{ uri: Uri; reset?: boolean } | undefined>;
    provideTimeline(uri: Uri, options: TimelineOptions, token: CancellationToken): ProviderResult<Timeline>;
  }

  export namespace workspace {
    /** Throws where the proposal is not enabled for this extension. */
    export function registerTimelineProvider(scheme: string | string[], provider: TimelineProvider): Disposable;
  }
}

export {};
