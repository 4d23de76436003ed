//! `cargo demo`: the main job of the project, played with the real server, command line and backend,
//! and told as two people see it. Ends with success only if everything it told was true.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "telling is what a demo is for")]

use std::process::ExitCode;
use std::sync::Arc;

use agent_tests::scenes::{self, Pair, Stage};
use agent_tests::{Backend, Options, Stats, agent_binary};
use anyhow::{Context as _, Result};

const USAGE: &str = "Usage: cargo demo [--keep]

Plays how two people work on one team's artifacts, with everything real: two `agent lsp` processes,
the command line, and a Supabase-compatible backend on this machine.

  --keep   afterwards, leave the backend running and say how to open both folders in an editor";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let keep = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => false,
        ["--keep"] => true,
        ["--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match demo(keep) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nThe demo failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn demo(keep: bool) -> Result<()> {
    println!("Building the program …");
    agent_binary()?;
    println!("Starting a backend on this machine (Supabase Lite on an embedded PostgreSQL) …");
    // The backend is stopped and started in scene 4, and must remember.
    let data = tempfile::Builder::new().prefix("agent-demo-data-").tempdir()?;
    let options = Options { data: Some(data.path().join("pg")), ..Options::default() };
    let backend = Arc::new(Backend::start_with(options, &mut |said| println!("{said}"))?);
    println!("It listens on {}.", backend.url());

    let mut stage = Told;
    let mut pair = scenes::gather(&backend, ["ann@example.com", "bob@example.com"], &mut stage)?;
    backend.reset_stats()?;
    scenes::arrives(&mut pair, &mut stage)?;
    scenes::merges(&mut pair, &mut stage)?;
    scenes::conflict(&mut pair, &mut stage)?;
    // The counters do not outlive the backend.
    let stats = backend.stats()?;
    let looks = pair.team.looks();
    scenes::offline(&mut pair, &mut stage)?;
    summary(&stats, looks);
    match keep {
        true => left_running(pair, &backend),
        false => Ok(()),
    }
}

fn summary(stats: &Stats, looks: u64) {
    let (pushes, pulls) = (stats.calls("push_artifacts"), stats.calls("pull_artifacts") - looks);
    let (messages, deliveries) = (stats.live("broadcasts"), stats.live("deliveries"));
    println!("\nEverything held. The first three scenes were 5 edits, and cost:");
    println!(
        "  {pushes} pushes, each announced with one realtime message ({messages} sent, {deliveries} delivered)"
    );
    println!("  {pulls} pulls by the other side");
}

fn left_running(pair: Pair, backend: &Backend) -> Result<()> {
    let binary = agent_binary()?.display();
    let key = backend.anon_key();
    let Pair { ann, bob, .. } = pair;
    let mut folders = Vec::new();
    for side in [ann, bob] {
        side.editor.shutdown()?;
        let (root, home) = side.workspace.keep();
        println!("\n{} ({}), in a shell of their own:", side.name, side.user.email);
        println!("  export AGENT_HOME='{}'", home.display());
        println!("  export SUPABASE_ANON_KEY='{key}'");
        println!("  cd '{}'", root.display());
        println!("  VS Code, with the extension of editors/vscode (its setting agent.path: {binary}):");
        println!("    code --new-window --user-data-dir \"$AGENT_HOME/code\" .");
        println!("  Neovim 0.11 or newer, with nothing installed:");
        println!(
            "    nvim -c \"lua vim.lsp.config('agent', {{ cmd = {{ '{binary}', 'lsp' }}, \
             filetypes = {{ 'markdown', 'yaml' }}, root_markers = {{ '.agent' }} }}) vim.lsp.enable('agent')\" \\\n      \
             {}",
            scenes::STORY.0
        );
        folders.push(root);
    }
    println!("\nEdit and save in one, look at the other. In Neovim, `gra` offers the actions.");
    println!("The backend runs until you press Ctrl-C; the folders go with it.");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(tokio::signal::ctrl_c()).context("waiting for Ctrl-C")?;
    for root in folders {
        let machine = root.parent().context("a folder without a parent")?;
        std::fs::remove_dir_all(machine).with_context(|| machine.display().to_string())?;
    }
    Ok(())
}

/// Two voices: Ann on the left, Bob further right.
struct Told;

impl Stage for Told {
    fn scene(&mut self, title: &str) {
        println!("\n── {title} ──");
    }

    fn tells(&mut self, who: &str, text: &str) {
        let indent = match who {
            "Ann" => "",
            "Bob" => "        ",
            _ => "    ",
        };
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        match who {
            "" => println!("{indent}({first})"),
            _ => println!("{indent}{who} │ {first}"),
        }
        let gap = " ".repeat(who.len());
        lines.for_each(|line| println!("{indent}{gap} │   {line}"));
    }
}
