//! Ids given out without the team's server, such as `INFRA-draft-0k3f9aq2`. No file name that is read
//! as an id of the team's own looks so, and none is ever pushed: the first push replaces it.

const MARK: &str = "-draft-0";
/// Letters and digits that are not mistaken for one another (Crockford's base 32).
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// How many of them follow the mark; the last is a letter, so that no date is taken for an id.
const LENGTH: usize = 7;
const LETTERS: u64 = 22;

/// A provisional id. `random` makes it unlike every other.
pub fn id(prefix: &str, random: u64) -> String {
    let mut rest = random;
    let mut tail: Vec<char> = Vec::with_capacity(LENGTH);
    tail.push(char::from(DIGITS[usize::try_from(10 + rest % LETTERS).unwrap_or(10)]));
    rest /= LETTERS;
    for _ in 1..LENGTH {
        tail.push(char::from(DIGITS[usize::try_from(rest % 32).unwrap_or(0)]));
        rest /= 32;
    }
    format!("{prefix}{MARK}{}", tail.iter().rev().collect::<String>())
}

/// The prefix of a provisional id; `None` when it is none.
pub fn prefix(id: &str) -> Option<&str> {
    let (prefix, tail) = id.split_once(MARK)?;
    let is_digit = |byte: u8| DIGITS.contains(&byte);
    let is_tail = tail.len() == LENGTH
        && tail.bytes().all(is_digit)
        && tail.as_bytes().last().is_some_and(u8::is_ascii_lowercase);
    (is_tail && super::naming::is_prefix(prefix)).then_some(prefix)
}

/// Whether an id is provisional.
pub fn is_provisional(id: &str) -> bool {
    prefix(id).is_some()
}
