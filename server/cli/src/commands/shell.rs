//! `agent completions` and `agent man`: the program's description in the forms that shells and
//! `man` read, made from the arguments themselves so that neither can differ from them.

use std::fs;

use anyhow::Context as _;
use clap::CommandFactory as _;
use serde::Serialize;

use crate::args::{Args, Completions, Man};
use crate::output::{Done, Form};

/// Prints a shell's completion script.
pub(crate) fn completions(args: &Completions) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "agent", &mut script);
    Done { text: String::from_utf8_lossy(&script).into_owned(), form: Form::Answer, ..Done::default() }
}

#[derive(Serialize)]
struct Report {
    written: Vec<String>,
}

/// Writes the manual, a page for each command.
pub(crate) fn man(args: &Man) -> anyhow::Result<Done> {
    let folder = args.folder.display();
    let is_dry = args.dry_run.dry_run;
    if !is_dry {
        fs::create_dir_all(&args.folder).with_context(|| format!("{folder} cannot be made"))?;
    }
    let mut report = Report { written: Vec::new() };
    let mut command = Args::command();
    command.build();
    pages(&command, &mut |name, page| {
        let file = format!("{name}.1");
        if !is_dry {
            fs::write(args.folder.join(&file), page)
                .with_context(|| format!("{folder}/{file} cannot be written"))?;
        }
        report.written.push(file);
        Ok(())
    })?;
    let wrote = if is_dry { "Would write" } else { "Wrote" };
    let pages = report.written.len();
    let text = format!("{wrote} {pages} pages to {folder}; read one with: man {folder}/agent.1\n");
    Done::new(text, &report)
}

/// The page of a command and those of the commands below it, each under the name Git gives such
/// pages: `agent-sync-push`.
fn pages(
    command: &clap::Command,
    write: &mut dyn FnMut(&str, &[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).title(name.to_uppercase()).render(&mut page)?;
    write(&name, &page)?;
    command.get_subcommands().filter(|below| !below.is_hide_set()).try_for_each(|below| pages(below, write))
}
