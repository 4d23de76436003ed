//! Which calls of each command are kept: at least one whose report is text, one that is JSON, and one
//! that fails.

use super::scene::{PLAN, STORY, Scene};

/// A call.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) scene: Scene,
    /// What was run before it.
    pub(super) after: &'static [&'static [&'static str]],
    pub(super) args: &'static [&'static str],
    pub(super) input: &'static str,
}

const fn of(scene: Scene, args: &'static [&'static str]) -> Case {
    Case { scene, after: &[], args, input: "" }
}

const fn nowhere(args: &'static [&'static str]) -> Case {
    of(Scene::Nowhere, args)
}

const fn alone(args: &'static [&'static str]) -> Case {
    of(Scene::Alone, args)
}

const fn cloned(args: &'static [&'static str]) -> Case {
    of(Scene::Repository, args)
}

const fn behind(args: &'static [&'static str]) -> Case {
    of(Scene::Behind, args)
}

const fn team(args: &'static [&'static str]) -> Case {
    of(Scene::Team, args)
}

impl Case {
    const fn after(self, after: &'static [&'static [&'static str]]) -> Self {
        Self { after, ..self }
    }

    const fn reading(self, input: &'static str) -> Self {
        Self { input, ..self }
    }
}

/// A choice was made, so that there is something to look back at and to take back.
const CHOSEN: &[&[&str]] = &[&["sync", "resolve", "APP-7", "--theirs"]];
const MERGE: &[&str] = &["merge-file", "-p", PLAN, STORY, STORY];
const SENT: &str = "00000000-0000-4000-8000-0000000000aa";

/// Every command, under its words, with its calls.
pub(super) const COMMANDS: &[(&str, &[Case])] = &[
    ("", &[nowhere(&["--version"]), nowhere(&["synk"]), nowhere(&["sync", "statsu"]), nowhere(&[])]),
    ("lsp", &[nowhere(&["lsp", "--log", "/nowhere/agent.log"])]),
    (
        "login",
        &[
            team(&["login", "--email", "ann@example.com", "--password-stdin"]).reading("the-password\n"),
            team(&["login", "--email", "ann@example.com", "--password-stdin", "--json"])
                .reading("the-password\n"),
            team(&["login", "--email", "ann@example.com", "--password-stdin"]),
            team(&["login", "--email", "ann@example.com"]),
            nowhere(&["login", "--email", "ann@example.com", "--password-stdin"]).reading("the-password\n"),
        ],
    ),
    (
        "logout",
        &[
            team(&["logout", "--dry-run"]),
            team(&["logout"]),
            team(&["logout", "--json"]),
            team(&["logout"]).after(&[&["logout"]]),
            nowhere(&["logout", "--json"]),
        ],
    ),
    (
        "whoami",
        &[
            team(&["whoami"]),
            team(&["whoami", "--json"]),
            team(&["whoami"]).after(&[&["logout"]]),
            alone(&["whoami"]),
        ],
    ),
    ("team", &[]),
    (
        "team create",
        &[
            team(&["team", "create", "Another"]),
            team(&["team", "create", "Another", "--json"]),
            team(&["team", "create", "Another", "-n"]),
            alone(&["team", "create", "Another"]),
        ],
    ),
    (
        "team invite",
        &[
            team(&["team", "invite", "carol@example.com", "--role", "viewer"]),
            team(&["team", "invite", "carol@example.com", "--role", "viewer", "--json"]),
            team(&["team", "invite", "carol@example.com", "--role", "king"]),
        ],
    ),
    (
        "team invitations",
        &[
            team(&["team", "invitations"]),
            team(&["team", "invitations", "--json"]),
            team(&["team", "invitations", "--sent"]),
            team(&["team", "invitations", "--sent", "--json"]),
            team(&["team", "invitations"]).after(&[&["logout"]]),
        ],
    ),
    (
        "team revoke",
        &[
            team(&["team", "revoke", "carol@example.com"]),
            team(&["team", "revoke", SENT, "--json"]),
            team(&["team", "revoke", "Carol@example.com", "--dry-run"]),
            team(&["team", "revoke", "dora@example.com"]),
        ],
    ),
    (
        "team accept",
        &[
            team(&["team", "accept"]),
            team(&["team", "accept", "--json"]),
            team(&["team", "accept", "not-an-id"]),
        ],
    ),
    (
        "team decline",
        &[
            team(&["team", "decline", SENT]),
            team(&["team", "decline", SENT, "--json"]),
            team(&["team", "decline"]),
        ],
    ),
    (
        "team members",
        &[
            team(&["team", "members"]),
            team(&["team", "members", "--json"]),
            alone(&["team", "members", "--json"]),
        ],
    ),
    (
        "team role",
        &[
            team(&["team", "role", "bob@example.com", "viewer"]),
            team(&["team", "role", "bob@example.com", "viewer", "--json"]),
            team(&["team", "role", "dora@example.com", "viewer"]),
        ],
    ),
    (
        "team remove",
        &[
            team(&["team", "remove", "bob@example.com"]),
            team(&["team", "remove", "bob@example.com", "--json"]),
            team(&["team", "remove", "dora@example.com"]),
        ],
    ),
    (
        "team leave",
        &[team(&["team", "leave"]), team(&["team", "leave", "--json"]), nowhere(&["team", "leave"])],
    ),
    ("sync", &[]),
    (
        "sync init",
        &[
            nowhere(&["sync", "init"]),
            nowhere(&["sync", "init", "--dry-run", "--json"]),
            team(&["sync", "init"]),
            team(&["sync", "init", "--json"]),
            nowhere(&["sync", "init", "--url", "nowhere"]),
        ],
    ),
    (
        "sync push",
        &[
            team(&["sync", "push", "--dry-run"]),
            team(&["sync", "push"]),
            team(&["sync", "push", "--json"]),
            team(&["sync", "push", "-q"]),
            team(&["sync", "push"]).after(&[&["new-runbook", "--title", "Deploy"]]),
            team(&["sync", "push"]).after(&[&["logout"]]),
            alone(&["sync", "push"]),
            alone(&["sync", "push", "--json"]),
        ],
    ),
    (
        "sync pull",
        &[
            behind(&["sync", "pull", "--dry-run"]),
            behind(&["sync", "pull"]),
            behind(&["sync", "pull", "--json"]),
            behind(&["sync", "pull"]).after(&[&["sync", "pull"]]),
            alone(&["sync", "pull"]),
        ],
    ),
    (
        "sync status",
        &[
            alone(&["sync", "status"]),
            team(&["sync", "status"]),
            team(&["sync", "status", "--all"]),
            team(&["sync", "status", "--short"]),
            team(&["sync", "status", "--short", "--color=always"]),
            team(&["sync", "status", "--porcelain"]),
            team(&["sync", "status", "-z"]),
            team(&["sync", "status", "--json"]),
            nowhere(&["sync", "status"]),
            nowhere(&["sync", "status", "--json"]),
        ],
    ),
    (
        "sync resolve",
        &[
            team(&["sync", "resolve", "--all", "--list"]),
            team(&["sync", "resolve", "--all", "--list", "--json"]),
            team(&["sync", "resolve", "APP-7", "--theirs", "--dry-run"]),
            team(&["sync", "resolve", "APP-7", "--theirs"]),
            team(&["sync", "resolve", "APP-7", "--union"]),
            team(&["sync", "resolve", "--all", "--ours", "--json"]),
            team(&["sync", "resolve", "ADR-2", "--ours"]),
            team(&["sync", "resolve", "APP-7", "--ours", "--hunk", "4"]),
            team(&["sync", "resolve", "APP-9", "--ours"]),
        ],
    ),
    (
        "sync log",
        &[
            team(&["sync", "log", "--oneline"]),
            team(&["sync", "log", "-n", "2"]),
            team(&["sync", "log", "APP-7", "--since", "2026-01-31", "--oneline"]),
            team(&["sync", "log", "-n", "1", "--json"]),
            team(&["sync", "log", "--since", "sometime"]),
            team(&["sync", "log", "APP-9"]),
        ],
    ),
    (
        "sync show",
        &[
            team(&["sync", "show", "2"]),
            team(&["sync", "show", "2", "--json"]),
            team(&["sync", "show", "APP-7@remote"]),
            team(&["sync", "show", "APP-7@base", "--json"]),
            team(&["sync", "show", "99"]),
            team(&["sync", "show", "APP-7@9"]),
        ],
    ),
    (
        "sync diff",
        &[
            team(&["sync", "diff"]),
            team(&["sync", "diff", "--stat"]),
            team(&["sync", "diff", "--name-only"]),
            team(&["sync", "diff", "--remote", "APP-7", "--exit-code"]),
            team(&["sync", "diff", "INFRA-1", "--json"]),
            team(&["sync", "diff", "--version", "1"]),
            team(&["sync", "diff", "APP-9"]),
        ],
    ),
    (
        "sync restore",
        &[
            team(&["sync", "restore", "APP-7", "--version", "2", "--dry-run"]),
            team(&["sync", "restore", "APP-7", "--version", "2"]),
            team(&["sync", "restore", "APP-7", "--version", "1", "--json"]),
            team(&["sync", "restore", "ADR-2", "--version", "1"]),
            team(&["sync", "restore", "APP-7", "--operation", "99"]),
            team(&["sync", "restore", "APP-7"]),
        ],
    ),
    (
        "sync undo",
        &[
            team(&["sync", "undo", "--dry-run"]).after(CHOSEN),
            team(&["sync", "undo"]).after(CHOSEN),
            team(&["sync", "undo", "--json"]).after(CHOSEN),
            team(&["sync", "undo", "99"]),
        ],
    ),
    (
        "sync gc",
        &[team(&["sync", "gc"]), team(&["sync", "gc", "--dry-run", "--json"]), nowhere(&["sync", "gc"])],
    ),
    ("sync watch", &[nowhere(&["sync", "watch"]), team(&["sync", "watch", "--timeout", "soon"])]),
    (
        "doctor",
        &[
            nowhere(&["doctor", "--offline"]),
            alone(&["doctor", "--offline"]),
            alone(&["doctor", "--offline", "--json"]),
            team(&["doctor", "--color=rainbow"]),
        ],
    ),
    (
        "state",
        &[
            team(&["state", "APP-7"]),
            team(&["state", "APP-7", "--json"]),
            alone(&["state", "INFRA-1"]),
            team(&["state", "APP-7", "OPEN", "--dry-run"]),
            team(&["state", "APP-7", "OPNE"]),
            team(&["state", "APP-9"]),
        ],
    ),
    (
        "new-plan",
        &[
            team(&["new-plan", "--title", "Grow", "--dry-run"]),
            team(&["new-plan", "--title", "Grow"]),
            team(&["new-plan", "--title", "Grow", "--json"]),
            team(&["new-plan", "--prefix", "x"]),
        ],
    ),
    (
        "new-story",
        &[
            team(&["new-story", "--id", "APP-8"]),
            team(&["new-story", "--id", "APP-8", "--json"]),
            team(&["new-story", "--id", "APP-7"]),
        ],
    ),
    (
        "new-runbook",
        &[
            team(&["new-runbook", "--title", "Deploy"]),
            team(&["new-runbook", "--title", "Deploy", "--json"]),
            nowhere(&["new-runbook"]),
        ],
    ),
    (
        "new-adr",
        &[
            team(&["new-adr", "--title", "Use SQLite"]),
            team(&["new-adr", "--title", "Use SQLite", "--json"]),
            team(&["new-adr", "--id", "ADR-2"]),
        ],
    ),
    (
        "audit",
        &[
            team(&["audit"]),
            team(&["audit", "--json"]),
            team(&["audit", "--user", "dora"]),
            team(&["audit", "--since", "soon"]),
            alone(&["audit"]),
        ],
    ),
    (
        "merge-file",
        &[team(MERGE), team(&["merge-file", "-p", PLAN, STORY, "nowhere.md"]), team(&["merge-file", PLAN])],
    ),
    (
        "search",
        &[
            team(&["search", "passkey"]),
            team(&["search", "pack", "--json"]),
            team(&["search", "-l", "by"]),
            team(&["search", "nobody-wrote-this"]),
            nowhere(&["search", "x"]),
        ],
    ),
    (
        "export",
        &[
            team(&["export", "--all", "-o", "out", "--dry-run"]),
            team(&["export", "--all", "-o", "out"]),
            team(&["export", "--kind", "story", "-o", "out", "--json"]),
            team(&["export", "APP-9"]),
            team(&["export"]),
        ],
    ),
    (
        "import-plan",
        &[
            alone(&["import-plan", "-", "--dry-run"]).reading("# INFRA-2: Stay\n"),
            alone(&["import-plan", "-"]).reading("# INFRA-2: Stay\n"),
            alone(&["import-plan", "-", "--json"]).reading("# INFRA-2: Stay\n"),
            alone(&["import-plan", "-"]).reading("# Stay\n"),
        ],
    ),
    (
        "import-story",
        &[
            alone(&["import-story", STORY]),
            alone(&["import-story", STORY, "--json"]),
            alone(&["import-story", "nowhere.md,.agent/etc/sync.yaml"]),
        ],
    ),
    (
        "import-runbook",
        &[
            alone(&["import-runbook", "-", "--id", "OPS-1"]).reading("# Deploy\n"),
            alone(&["import-runbook", "-", "--id", "OPS-1", "--json"]).reading("# Deploy\n"),
            alone(&["import-runbook", "-", "--id", "../OPS"]).reading("# Deploy\n"),
        ],
    ),
    (
        "import-adr",
        &[
            alone(&["import-adr", "-"]).reading("# ADR-9: Use it\n"),
            alone(&["import-adr", "-", "--json"]).reading("# ADR-9: Use it\n"),
            alone(&["import-adr"]),
        ],
    ),
    ("git", &[]),
    (
        "git install",
        &[
            cloned(&["git", "install", "--dry-run"]),
            cloned(&["git", "install"]),
            cloned(&["git", "install", "--json"]),
            alone(&["git", "install"]),
        ],
    ),
    (
        "git uninstall",
        &[
            cloned(&["git", "uninstall"]).after(&[&["git", "install"]]),
            cloned(&["git", "uninstall", "--json"]),
            nowhere(&["git", "uninstall"]),
        ],
    ),
    ("git textconv", &[alone(&["git", "textconv", PLAN]), alone(&["git", "textconv", "nowhere.md"])]),
    ("completions", &[nowhere(&["completions", "csh"])]),
    ("man", &[nowhere(&["man", "pages", "--dry-run"]), nowhere(&["man", "pages"]), nowhere(&["man"])]),
];
