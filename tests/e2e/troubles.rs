//! docs/troubleshooting.md knows every code that the program and the project can refuse with.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use agent_core::id::ArtifactPath;
use agent_core::ports::{FileProblem, RemoteError};
use anyhow::{Result, ensure};

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The words in quotes that follow `before`, where only letters and underscores are in the quotes.
fn words_after<'t>(text: &'t str, before: &str, quote: char) -> Vec<&'t str> {
    let found = text.split(before).skip(1).filter_map(|rest| rest.split(quote).next());
    found
        .filter(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        .collect()
}

/// What the server's functions answer.
fn of_the_server() -> Result<BTreeSet<String>> {
    let mut codes = BTreeSet::new();
    for file in fs::read_dir(project().join("supabase/migrations"))? {
        let text = fs::read_to_string(file?.path())?;
        codes.extend(words_after(&text, "jsonb_build_object('code', '", '\'').into_iter().map(str::to_owned));
    }
    Ok(codes)
}

/// What is refused here, by the constants that name it.
fn of_the_program() -> Result<BTreeSet<String>> {
    let mut codes = BTreeSet::new();
    for file in [
        "core/src/sync/handle.rs",
        "core/src/sync/deletions.rs",
        "core/src/secrets/mod.rs",
        "engine/src/engine/outgoing.rs",
    ] {
        let text = fs::read_to_string(project().join("server").join(file))?;
        codes.extend(words_after(&text, ": &str = \"", '"').into_iter().map(str::to_owned));
    }
    let wire = fs::read_to_string(project().join("server/remote/src/wire.rs"))?;
    codes.extend(words_after(&wire, "code: \"", '"').into_iter().map(str::to_owned));
    codes.extend(words_after(&wire, "code.map_or(\"", '"').into_iter().map(str::to_owned));
    Ok(codes)
}

/// One of each; a new one does not compile until it is here.
fn of_the_remote() -> Vec<&'static str> {
    let text = String::new;
    let all = [
        RemoteError::Unreachable(text()),
        RemoteError::Busy { detail: text(), retry_after: None },
        RemoteError::TooMuch(text()),
        RemoteError::SignedOut(text()),
        RemoteError::Forbidden(text()),
        RemoteError::Misconfigured(text()),
        RemoteError::Incompatible(text()),
        RemoteError::Protocol(text()),
    ];
    let known = |error: &RemoteError| match error {
        RemoteError::Unreachable(_)
        | RemoteError::Busy { .. }
        | RemoteError::TooMuch(_)
        | RemoteError::SignedOut(_)
        | RemoteError::Forbidden(_)
        | RemoteError::Misconfigured(_)
        | RemoteError::Incompatible(_)
        | RemoteError::Protocol(_) => error.parts().0,
    };
    all.iter().map(known).collect()
}

/// How each begins that is not about a name, up to where what differs begins.
fn of_files() -> Result<Vec<String>> {
    let path = ArtifactPath::new("a.md")?;
    let all = [
        FileProblem::NotUtf8(0),
        FileProblem::Nul(0),
        FileProblem::TooLarge { size: 2, limit: 1 },
        FileProblem::SameId(path),
        FileProblem::BadName("anything about a name".to_owned()),
        FileProblem::NotAFile,
        FileProblem::Io(String::new()),
    ];
    let begins = |problem: &FileProblem| {
        let said = problem.to_string();
        let until = |part: &str| said.split(part).next().unwrap_or_default().to_owned();
        match problem {
            FileProblem::NotUtf8(_) => until(" ("),
            FileProblem::Nul(_) => until(" at"),
            FileProblem::TooLarge { .. } | FileProblem::Io(_) => until(":"),
            FileProblem::SameId(_) => until(" a.md"),
            FileProblem::BadName(_) | FileProblem::NotAFile => said.clone(),
        }
    };
    Ok(all.iter().map(begins).collect())
}

#[test]
fn every_code_is_explained() -> Result<()> {
    let page = fs::read_to_string(project().join("docs/troubleshooting.md"))?;
    let (server, own) = (of_the_server()?, of_the_program()?);
    ensure!(
        server.contains("state_role") && own.contains("text_missing") && own.contains("unreadable"),
        "{server:?} {own:?}"
    );
    let codes = server.iter().chain(&own).map(String::as_str).chain(of_the_remote());
    let missing: Vec<&str> = codes.filter(|code| !page.contains(&format!("| `{code}` |"))).collect();
    ensure!(missing.is_empty(), "docs/troubleshooting.md does not explain {missing:?}");
    let missing: Vec<_> =
        of_files()?.into_iter().filter(|says| !page.contains(&format!("| {says} |"))).collect();
    ensure!(missing.is_empty(), "docs/troubleshooting.md does not explain {missing:?}");
    Ok(())
}
