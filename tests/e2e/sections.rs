//! A text with one line for each of many writers, far enough from each other that changes of two merge.
//! A writer only ever counts its own line up, so that a lost write, one that came twice, and a torn text
//! can be told from any other.

/// The text before anybody wrote.
pub(crate) fn text(title: &str, writers: &[&str]) -> String {
    let section = |writer: &&str| format!("## {writer}\n\nkeep this\n\n{writer}: 0\n\nand this\n\n");
    let sections: String = writers.iter().map(section).collect();
    format!("# {title}\n\n{sections}## End\n\nend of {title}\n")
}

/// The text with a writer's line set to a count; `None` where there is no such line.
pub(crate) fn count_up(text: &str, writer: &str, count: u64) -> Option<String> {
    let head = format!("\n{writer}: ");
    let start = text.find(&head)? + head.len();
    let end = start + text[start..].find('\n')?;
    Some(format!("{}{count}{}", &text[..start], &text[end..]))
}

/// Whether a writer's line has this count.
pub(crate) fn has(text: &str, writer: &str, count: u64) -> bool {
    text.contains(&format!("\n{writer}: {count}\n"))
}

/// Whether nothing is cut off or there twice.
pub(crate) fn is_whole(text: &str, title: &str, writers: &[&str]) -> bool {
    let once = |writer: &&str| text.matches(&format!("\n{writer}: ")).count() == 1;
    let ends = text.starts_with(&format!("# {title}\n")) && text.ends_with(&format!("end of {title}\n"));
    ends && writers.iter().all(once)
}
