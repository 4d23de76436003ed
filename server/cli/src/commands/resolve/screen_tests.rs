use console::measure_text_width;

use super::{Hunk, Side};
use crate::show::Paint;

fn drawn(local: &str, remote: &str, width: usize) -> String {
    let side = |title: &str, text| Side { title: title.to_owned(), text };
    let hunk =
        Hunk { base: side("base", "two\n"), local: side("local", local), remote: side("remote", remote) };
    hunk.draw(width, Paint::none())
}

#[test]
fn both_sides_stand_beside_each_other_in_the_width_there_is() {
    let text = drawn("two here\n", "two there\nand more\n", 80);
    assert!(text.contains("two here                               │ two there\n"), "{text}");
    assert!(text.contains("                                       │ and more\n"), "{text}");
    let narrow = drawn("two here\n", "two there\n", 40);
    assert!(narrow.contains("\ntwo here\n") && narrow.contains("\ntwo there\n"), "{narrow}");
}

#[test]
fn no_line_is_wider_than_the_terminal_whatever_it_holds() {
    let wide = "日本語のとても長い行 ".repeat(20);
    let texts = ["x".repeat(500), wide, "\tgo\u{301} ".repeat(60), String::new()];
    for width in [20, 40, 72, 73, 100, 131, 250] {
        for local in &texts {
            for remote in &texts {
                let text = drawn(local, remote, width);
                let widest = text.lines().map(measure_text_width).max().unwrap_or(0);
                assert!(widest <= width.min(200), "{widest} at {width}:\n{text}");
            }
        }
    }
}

#[test]
fn all_of_both_texts_is_shown() {
    let (local, remote) = ("alpha ".repeat(40), "omega ".repeat(33));
    for width in [40, 100] {
        let text: String = drawn(&local, &remote, width).split_whitespace().collect();
        let count = |word: &str| text.chars().filter(|c| word.contains(*c)).count();
        assert_eq!((count("p"), count("g")), (40, 33), "{text}");
    }
}

#[test]
fn a_text_cannot_command_the_terminal() {
    let text = drawn("\u{1b}[2Jgone\u{7}\u{9b}1m\n", "\u{202e}backwards\r\n", 80);
    let is_safe = |c: char| c == '\n' || (!c.is_control() && c != '\u{202e}');
    assert!(text.chars().all(is_safe), "{text:?}");
    assert!(text.contains("␛[2Jgone␇"), "{text}");
}
