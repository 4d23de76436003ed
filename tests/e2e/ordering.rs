//! Changes take effect in the order they were sent, however fast they come and whatever is asked
//! between them.

use agent_tests::scenes::Pair;
use agent_tests::{Backend, RpcError};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

const CHANGES: usize = 10_000;
const ASK_EVERY: usize = 40;
const MARK: &str = "the line that Ann changes";

#[test]
fn ten_thousand_changes_end_in_exactly_the_right_text() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let path = ".agent/stories/O-001-order.md";
    let text =
        format!("# O-001 Order\n\n{}\nstays\nstays too\nand this\n{MARK}\nend\n", "é𝄞 words\n".repeat(40));
    pair.share_open(path, &text)?;
    pair.ann.edit(path, MARK, "the line that Ann changed")?;
    pair.bob.editor.wait_codes(path, &["behind"])?;

    let mut chance = Chance(0x2545_F491_4F6C_DD1D);
    let mut asked = Vec::new();
    for number in 0..CHANGES {
        change(&mut pair, path, &mut chance)?;
        if number % ASK_EVERY == 0 {
            asked.push(ask(&mut pair, path, number % (2 * ASK_EVERY) == 0)?);
        }
    }
    let count = asked.len();
    for (id, expected) in asked {
        check(&pair.bob.editor.answer(id)?, &expected)?;
    }
    println!("{CHANGES} changes and {count} requests between them");
    compare(&mut pair, path)
}

/// Inserts or removes characters and lines, above the mark.
fn change(pair: &mut Pair, path: &str, chance: &mut Chance) -> Result<()> {
    let text = pair.bob.editor.text(path)?;
    let start = text.find("\n\n").context("the title's end")? + 2;
    let end = text.find("\nstays\n").context("the end of what may change")?;
    let place = |number: usize| {
        let mut at = start + number % (end - start + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let from = place(chance.next());
    let grows = end - start < 1_000 || chance.next().is_multiple_of(2);
    let new = ["x", "é", "𝄞", "line\n", "👩‍👩‍👧", "\n"][chance.next() % 6];
    match grows {
        true => pair.bob.editor.replace_at(path, from, from, new),
        false => {
            let to =
                text[from..end].char_indices().nth(1 + chance.next() % 9).map_or(end, |(at, _)| from + at);
            pair.bob.editor.replace_at(path, from, to, "")
        }
    }
}

/// A question whose answer depends on the exact text, and what it must be.
fn ask(pair: &mut Pair, path: &str, hover: bool) -> Result<(i64, Value)> {
    let editor = &mut pair.bob.editor;
    let text = editor.text(path)?;
    let line = text[..text.find(MARK).context("the mark")?].matches('\n').count();
    let document = json!({ "uri": pair.bob.workspace.uri(path) });
    let position = json!({ "line": line, "character": 3 });
    if hover {
        let id = editor
            .send_request("textDocument/hover", json!({ "textDocument": document, "position": position }))?;
        return Ok((id, json!({ "line": line })));
    }
    let range = json!({ "start": position, "end": position });
    let params = json!({ "textDocument": document, "range": range, "context": { "diagnostics": [] } });
    let version = editor.version(path)?;
    Ok((editor.send_request("textDocument/codeAction", params)?, json!({ "version": version })))
}

fn check(answer: &std::result::Result<Value, RpcError>, expected: &Value) -> Result<()> {
    let answer = answer.as_ref().map_err(|error| anyhow::anyhow!("{error:?}, not {expected}"))?;
    match expected.get("line") {
        Some(line) => ensure!(answer["range"]["start"]["line"] == *line, "{answer}, not {expected}"),
        None => {
            let offered = answer.as_array().context("no actions")?;
            let hunk = offered.iter().find(|action| action["title"] == "Keep local version");
            let hunk = hunk.with_context(|| format!("nothing for the mark in {answer}"))?;
            ensure!(
                hunk["command"]["arguments"][0]["version"] == expected["version"],
                "{hunk}, not {expected}"
            );
        }
    }
    Ok(())
}

/// The whole text as the server has it, read off its comparison with a remote that shares nothing.
fn compare(pair: &mut Pair, path: &str) -> Result<()> {
    pair.ann.editor.set_text(path, "nothing is left of it\n")?;
    pair.ann.editor.save(path)?;
    let shown = pair.bob.editor.wait_diagnostics(path, "all of it changed", |list| {
        list.iter().any(|diagnostic| diagnostic["message"].to_string().contains("nothing is left of it"))
    })?;
    let action = pair.bob.editor.action(path, &shown[0], "Compare")?;
    pair.bob.editor.run(&action)?;
    let diff = std::fs::read_to_string(pair.bob.editor.wait_shown()?)?;
    let lines = diff.split_inclusive('\n').skip(2).filter_map(|line| line.strip_prefix('-'));
    let server: String = lines.collect();
    ensure!(server == pair.bob.editor.text(path)?, "the server has another text than the editor");
    Ok(())
}

struct Chance(u64);

impl Chance {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0)
    }
}
