//! The lines of `.gitattributes` that name the artifacts' folders. Pure: text in, text out.
//!
//! The format is that of gitattributes(5): a pattern that holds a blank or a quote is written in
//! double quotes, as a C string.

use agent_core::artifact::identity::Kinds;

const BEGIN: &str = "# agent: how Git merges and shows the team's artifacts (agent git install)";
const END: &str = "# agent: end";

/// The text of a `.gitattributes` in which the artifacts are agent's to merge and to show. Other
/// lines stay as they are; lines of an earlier installation are replaced where they stand.
pub(super) fn with_artifacts(before: &str, kinds: &Kinds) -> String {
    let block = block(kinds);
    match split(before) {
        Some((head, tail)) => format!("{head}{block}{tail}"),
        None if before.is_empty() || before.ends_with('\n') => format!("{before}{block}"),
        None => format!("{before}\n{block}"),
    }
}

/// The text without them.
pub(super) fn without_artifacts(before: &str) -> String {
    split(before).map_or_else(|| before.to_owned(), |(head, tail)| format!("{head}{tail}"))
}

/// What stands before and after the block; `None` without one.
fn split(text: &str) -> Option<(&str, &str)> {
    let start = text.find(BEGIN)?;
    let end = start + text[start..].find(END)? + END.len();
    let tail = &text[end..];
    let tail = tail.strip_prefix("\r\n").or_else(|| tail.strip_prefix('\n')).unwrap_or(tail);
    Some((&text[..start], tail))
}

fn block(kinds: &Kinds) -> String {
    let mut block = format!("{BEGIN}\n");
    for rule in kinds.rules() {
        for folder in &rule.folders {
            for extension in &rule.extensions {
                let pattern = quoted(&format!("/{}/**/*.{extension}", escaped(folder)));
                // Bytes are kept as they are: another kind of line endings in the files than in the
                // repository would look like an edit of every line.
                block.push_str(&format!("{pattern} merge=agent diff=agent -text\n"));
            }
        }
    }
    block + END + "\n"
}

/// A folder's name with what patterns give a meaning taken literally.
fn escaped(folder: &str) -> String {
    let special = |c| matches!(c, '*' | '?' | '[' | ']' | '\\');
    folder.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

fn quoted(pattern: &str) -> String {
    if !pattern.contains([' ', '\t', '"']) {
        return pattern.to_owned();
    }
    let inner: String = pattern
        .chars()
        .flat_map(|c| matches!(c, '"' | '\\').then_some('\\').into_iter().chain([c]))
        .collect();
    format!("\"{inner}\"")
}

#[cfg(test)]
mod tests {
    use agent_core::artifact::identity::KindRule;
    use agent_core::id::Kind;

    use super::*;

    #[test]
    fn installing_twice_changes_nothing_and_uninstalling_leaves_the_rest() {
        for before in ["", "*.png binary\n", "*.png binary", "a\r\n"] {
            let once = with_artifacts(before, &Kinds::standard());
            assert!(once.contains("/.agent/adrs/**/*.md merge=agent diff=agent -text\n"), "{once}");
            assert_eq!(with_artifacts(&once, &Kinds::standard()), once);
            assert_eq!(without_artifacts(&once).trim_end(), before.trim_end());
        }
        assert_eq!(without_artifacts("*.md text\n"), "*.md text\n");
    }

    #[test]
    fn lines_around_an_earlier_installation_stay_where_they_are() {
        let old = format!("first\n{BEGIN}\n/gone/** merge=agent\n{END}\nlast\n");
        let new = with_artifacts(&old, &Kinds::standard());
        assert!(new.starts_with("first\n# agent") && new.ends_with("# agent: end\nlast\n"), "{new}");
        assert!(!new.contains("/gone/"));
    }

    #[test]
    fn odd_names_of_folders_are_taken_literally() {
        let rule = |folder: &str| KindRule {
            kind: Kind::new("plan").expect("a kind"),
            folders: vec![folder.to_owned()],
            extensions: vec!["md".to_owned()],
        };
        let line = |folder| with_artifacts("", &Kinds::new(vec![rule(folder)]).expect("valid"));
        assert!(line("our plans").contains("\n\"/our plans/**/*.md\" merge=agent"));
        assert!(line("a[1]").contains("\n/a\\[1\\]/**/*.md merge=agent"));
    }
}
