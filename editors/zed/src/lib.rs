//! Starts `agent lsp` for Zed: where the program is, with which arguments and environment.
//!
//! Everything else is the language server's and Zed's own: what is shown, the code actions, and which folder is a
//! workspace. Nothing is downloaded; a program that is missing is said to be missing.

use zed_extension_api::settings::LspSettings;
use zed_extension_api::{self as zed, Command, LanguageServerId, Result, Worktree};

const PROGRAM: &str = "agent";

struct Agent;

impl zed::Extension for Agent {
    fn new() -> Self {
        Self
    }

    fn language_server_command(&mut self, id: &LanguageServerId, worktree: &Worktree) -> Result<Command> {
        let binary =
            LspSettings::for_worktree(id.as_ref(), worktree).ok().and_then(|settings| settings.binary);
        let (path, arguments, set) = match binary {
            Some(binary) => (binary.path, binary.arguments, binary.env),
            None => (None, None, None),
        };
        let command = path.or_else(|| worktree.which(PROGRAM)).ok_or_else(|| {
            format!("`{PROGRAM}` is not on the PATH; the setting lsp.agent.binary.path may name it")
        })?;
        // Of the shell, since Zed that was not started in one has not got the project's publishable key. What the
        // settings say comes last and so wins.
        let mut env = worktree.shell_env();
        env.extend(set.into_iter().flatten());
        Ok(Command { command, args: arguments.unwrap_or_else(|| vec!["lsp".to_owned()]), env })
    }
}

zed::register_extension!(Agent);
