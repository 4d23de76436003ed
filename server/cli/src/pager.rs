//! Long output on a terminal, a screen at a time, through the program that Git would take: that of
//! `AGENT_PAGER`, `git config core.pager`, `PAGER`, else `less`. Where none runs, nobody is the worse
//! for it: the text is printed as it is.

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::process::{Command, Stdio};

use crate::manner;

/// A shell's answers for a program that is not there, or is none.
const NOT_RUN: [i32; 2] = [126, 127];

/// Shows the text; `false` when it is still to be printed.
pub(crate) fn show(text: &[u8]) -> bool {
    if !manner::get().pager || !std::io::stdout().is_terminal() {
        return false;
    }
    let setting = |name: &str| std::env::var_os(name);
    choose(setting("AGENT_PAGER"), git_pager, setting("PAGER")).is_some_and(|program| run(&program, text))
}

/// The first that is set; set to nothing, or to `cat`, means none.
fn choose(
    own: Option<OsString>,
    git: impl FnOnce() -> Option<OsString>,
    any: Option<OsString>,
) -> Option<OsString> {
    let program = own.or_else(git).or(any).unwrap_or_else(|| "less".into());
    (!program.is_empty() && program != "cat").then_some(program)
}

fn git_pager() -> Option<OsString> {
    let asked = Command::new("git").args(["config", "--get", "core.pager"]).stderr(Stdio::null()).output();
    let said = asked.ok().filter(|output| output.status.success())?.stdout;
    Some(String::from_utf8_lossy(&said).trim_end_matches('\n').into())
}

fn run(program: &OsString, text: &[u8]) -> bool {
    let mut command = in_shell(program);
    for (name, usual) in [("LESS", "FRX"), ("LV", "-c")] {
        if std::env::var_os(name).is_none() {
            command.env(name, usual);
        }
    }
    let Ok(mut pager) = command.stdin(Stdio::piped()).spawn() else { return false };
    if let Some(mut stdin) = pager.stdin.take() {
        // Who leaves the pager early has seen enough.
        let _ = stdin.write_all(text);
    }
    match pager.wait() {
        Ok(status) => !status.code().is_some_and(|code| NOT_RUN.contains(&code)),
        Err(_) => true,
    }
}

/// The value is a command line, as for Git.
fn in_shell(program: &OsString) -> Command {
    let (shell, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut command = Command::new(shell);
    command.arg(option).arg(program);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pager_is_chosen_as_git_chooses_its_own() {
        let set = |value: &str| Some(OsString::from(value));
        assert_eq!(choose(set("a"), || set("b"), set("c")), set("a"));
        assert_eq!(choose(None, || set("b"), set("c")), set("b"));
        assert_eq!(choose(None, || None, set("c")), set("c"));
        assert_eq!(choose(None, || None, None), set("less"));
        assert_eq!(choose(set(""), || set("b"), None), None, "set to nothing means none");
        assert_eq!(choose(set("cat"), || None, None), None);
    }
}
