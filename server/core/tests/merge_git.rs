//! Our merges beside those of `git merge-file -p`, on generated texts. Without Git there is nothing
//! to compare with, and the test says so and passes.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use agent_core::merge::Merge;
use agent_core::merge::markers::{Favor, MarkerOptions, Style, render};
use support::{Triple, triple};

const LABELS: [&str; 3] = ["mine", "old", "yours"];

/// What Git makes of three texts: the text and whether it is clean.
fn git(folder: &Path, texts: &Triple, flags: &[&str]) -> Option<(String, bool)> {
    for (name, text) in [("local", &texts.local), ("base", &texts.base), ("remote", &texts.remote)] {
        fs::write(folder.join(name), text).unwrap();
    }
    let mut command = Command::new("git");
    // Nobody's configuration may choose the style, and no repository around the folder either.
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "").env("GIT_CEILING_DIRECTORIES", "/");
    command.env("GIT_DIR", folder.join("none")).current_dir(folder);
    command.args(["merge-file", "-p"]).args(flags);
    for label in LABELS {
        command.args(["-L", label]);
    }
    let output = command.args(["local", "base", "remote"]).output().ok()?;
    let code = output.status.code()?;
    (code < 128).then(|| (String::from_utf8(output.stdout).unwrap(), code == 0))
}

fn ours(texts: &Triple, style: Style, favor: Favor) -> (String, bool) {
    let side = |text: &String| Arc::from(text.as_str());
    let merge = Merge::of(&side(&texts.base), &side(&texts.local), &side(&texts.remote));
    let labels = LABELS.map(|label| Some(label.to_owned()));
    let (text, conflicts) = render(&merge, &MarkerOptions { style, favor, labels, marker_size: 7 });
    assert_eq!(conflicts == 0, favor != Favor::None || merge.is_clean());
    if let Some(clean) = merge.text() {
        assert_eq!(clean, text, "a clean merge has one text");
    }
    (text, conflicts == 0)
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// How many of so many seeds agree.
#[derive(Debug, Default)]
struct Agreement {
    cases: usize,
    conflicted: usize,
    verdict: usize,
    text: usize,
    clean_in_both: usize,
}

fn compare(name: &str, flags: &[&str], style: Style, favor: Favor, seeds: u64) -> Option<Agreement> {
    let folder = folder(name);
    let mut agreement = Agreement::default();
    for seed in 0..seeds {
        let texts = triple(seed);
        let Some((theirs, clean_theirs)) = git(&folder, &texts, flags) else {
            println!("skipped: git merge-file {flags:?} does not run here");
            return None;
        };
        let (text, clean) = ours(&texts, style, favor);
        if clean && clean_theirs && favor == Favor::None {
            assert_eq!(text, theirs, "seed {seed}: both clean, texts differ");
            agreement.clean_in_both += 1;
        }
        if std::env::var_os("MERGE_GIT_SHOW").is_some() && (text != theirs) {
            println!(
                "=== seed {seed} verdict ours {clean} git {clean_theirs}\n--- base\n{}--- ours\n{text}--- git\n{theirs}",
                texts.base
            );
        }
        agreement.cases += 1;
        agreement.conflicted += usize::from(!clean_theirs);
        agreement.verdict += usize::from(clean == clean_theirs);
        agreement.text += usize::from(text == theirs);
    }
    println!("{name}: {agreement:?}");
    Some(agreement)
}

#[test]
fn conflicts_are_presented_as_git_presents_them() {
    let seeds = std::env::var("MERGE_GIT_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    for (name, flags, style, favor) in [
        ("merge", &[][..], Style::Merge, Favor::None),
        ("diff3", &["--diff3"], Style::Diff3, Favor::None),
        ("zdiff3", &["--zdiff3"], Style::ZDiff3, Favor::None),
        ("union", &["--union"], Style::Merge, Favor::Union),
        ("ours", &["--ours"], Style::Merge, Favor::Ours),
        ("theirs", &["--theirs"], Style::Merge, Favor::Theirs),
    ] {
        let Some(found) = compare(name, flags, style, favor, seeds) else { return };
        assert!(found.verdict * 100 >= found.cases * 99, "{name}: {found:?}");
        assert!(found.text * 100 >= found.cases * 95, "{name}: {found:?}");
    }
}
