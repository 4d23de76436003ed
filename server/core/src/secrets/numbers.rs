//! Numbers that belong to somebody, told by their form and check digits: cards, bank accounts, telephone
//! numbers, national identity numbers. Only those whose form and check leave next to no room for chance;
//! a number that could as well be an order's or a time's is left alone.

use std::ops::Range;

use super::{Finding, Rule};

/// Every such number in a text.
pub(super) fn find(text: &str, found: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    let mut at = 0;
    while at < bytes.len() {
        let joined =
            at > 0 && (is_word(bytes[at - 1]) || (bytes[at - 1] == b'-' && bytes[at].is_ascii_digit()));
        let starts = bytes[at].is_ascii_digit() || bytes[at].is_ascii_uppercase() || bytes[at] == b'+';
        if joined || !starts {
            at += 1;
            continue;
        }
        match number_at(bytes, at) {
            Some((id, end)) => {
                if let Some(rule) = Rule::by_id(id) {
                    found.push(Finding { rule, range: at..end, shown: shown(text, at..end) });
                }
                at = end;
            }
            None => at += 1,
        }
    }
}

/// Telephone numbers by their country, all others not at all.
fn shown(text: &str, range: Range<usize>) -> String {
    match text.get(range.start..range.start + 3) {
        Some(country) if country.starts_with('+') => format!("{country}…"),
        _ => "…".to_owned(),
    }
}

fn number_at(bytes: &[u8], at: usize) -> Option<(&'static str, usize)> {
    if bytes[at] == b'+' {
        return phone(bytes, at).map(|end| ("phone-number", end));
    }
    let kinds: [(&'static str, Check); 3] =
        [("card-number", card), ("iban", iban), ("national-id", national)];
    kinds.into_iter().find_map(|(id, check)| Some((id, check(bytes, at)?)))
}

/// Where the number that starts here ends, if one does.
type Check = fn(&[u8], usize) -> Option<usize>;

/// Digits or letters with single separators between, from `at`: the characters, and the end after each.
fn grouped(
    bytes: &[u8],
    at: usize,
    most: usize,
    is_part: fn(u8) -> bool,
    separators: &[u8],
) -> Vec<(u8, usize)> {
    let mut parts = Vec::new();
    let mut place = at;
    while parts.len() <= most && place < bytes.len() {
        let is_separator = separators.contains(&bytes[place]) && place > at;
        if is_part(bytes[place]) {
            parts.push((bytes[place], place + 1));
        } else if !is_separator || !bytes.get(place + 1).is_some_and(|next| is_part(*next)) {
            break;
        }
        place += 1;
    }
    parts
}

fn digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

/// Whether nothing that would make the number part of something longer follows.
fn ends(bytes: &[u8], end: usize) -> bool {
    let next = |n: usize| bytes.get(end + n).copied().unwrap_or(b' ');
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    let goes_on = matches!(next(0), b'-' | b'.' | b'/' | b':') && is_word(next(1));
    !is_word(next(0)) && !goes_on
}

fn value(byte: u8) -> u32 {
    u32::from(byte.wrapping_sub(b'0'))
}

/// International numbers in full (E.164): `+`, a country, 9 to 15 digits in two groups or more, or 10 to
/// 15 in one. Those set aside for stories (555-01xx) are nobody's.
fn phone(bytes: &[u8], at: usize) -> Option<usize> {
    let mut digits = Vec::new();
    let (mut place, mut end, mut groups, mut open) = (at + 1, at, 1, false);
    while let Some(&byte) = bytes.get(place) {
        match byte {
            b'0'..=b'9' => {
                digits.push(byte);
                end = place + 1;
            }
            b' ' | b'-' | b'.' | b'/' if bytes.get(place + 1).is_some_and(|b| digit(*b) || *b == b'(') => {
                groups += 1
            }
            b'(' if !open => open = true,
            b')' if open => open = false,
            _ => break,
        }
        place += 1;
    }
    let is_country = matches!(digits.first(), Some(b'1'..=b'9'));
    let least = if groups > 1 { 9 } else { 10 };
    let is_fiction = digits.first() == Some(&b'1') && digits.get(4..8) == Some(b"5550");
    let fits = (least..=15).contains(&digits.len()) && is_country && !is_fiction && !open;
    (fits && ends(bytes, end)).then_some(end)
}

/// Cards of the large networks: length and first digits of the network, one kind of separator or none,
/// Luhn's check digit. The numbers of payment services' own documentation are nobody's.
fn card(bytes: &[u8], at: usize) -> Option<usize> {
    let separators: &[u8] = if bytes.get(at + 4) == Some(&b'-') { b"-" } else { b" " };
    let parts = grouped(bytes, at, 19, digit, separators);
    let digits: Vec<u8> = parts.iter().map(|(byte, _)| *byte).collect();
    let (_, end) = *parts.last()?;
    let number = |count: usize| digits.iter().take(count).fold(0, |sum, byte| sum * 10 + value(*byte));
    let (two, four) = (number(2), number(4));
    let network = match digits.len() {
        15 => matches!(two, 34 | 37),
        16 => {
            (40..50).contains(&two)
                || (51..56).contains(&two)
                || (2221..2721).contains(&four)
                || four == 6011
                || two == 65
        }
        19 => (40..50).contains(&two),
        _ => false,
    };
    let tests: [&[u8]; 6] = [
        b"4242424242424242",
        b"4111111111111111",
        b"4000056655665556",
        b"5555555555554444",
        b"378282246310005",
        b"6011111111111117",
    ];
    let luhn: u32 = (digits.iter().rev().enumerate())
        .map(|(n, byte)| match (n % 2, value(*byte) * 2) {
            (0, double) => double / 2,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    let repeats = digits.windows(2).all(|two| two[0] == two[1]);
    (network && luhn.is_multiple_of(10) && !repeats && !tests.contains(&&*digits) && ends(bytes, end))
        .then_some(end)
}

/// The length of a country's account numbers (ISO 13616).
const IBAN: [(&[u8; 2], usize); 30] = [
    (b"AT", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"CH", 21),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DK", 18),
    (b"EE", 20),
    (b"ES", 24),
    (b"FI", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GR", 27),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IT", 27),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"MT", 31),
    (b"NL", 18),
    (b"NO", 15),
    (b"PL", 28),
    (b"PT", 25),
    (b"RO", 24),
    (b"SE", 24),
    (b"SI", 19),
];

/// Length by country, and the remainder 1 by 97 (ISO 7064).
fn iban(bytes: &[u8], at: usize) -> Option<usize> {
    let country = bytes.get(at..at + 2)?;
    let (_, length) = *IBAN.iter().find(|(known, _)| *known == country)?;
    let is_part = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    let parts = grouped(bytes, at, length, is_part, b" ");
    let (_, end) = *parts.get(length - 1)?;
    let code: Vec<u8> = parts.iter().take(length).map(|(byte, _)| *byte).collect();
    let remainder = code[4..].iter().chain(&code[..4]).fold(0, |sum, byte| match byte {
        b'0'..=b'9' => (sum * 10 + value(*byte)) % 97,
        _ => (sum * 100 + u32::from(byte - b'A') + 10) % 97,
    });
    (remainder == 1 && ends(bytes, end)).then_some(end)
}

/// Numbers whose form says what they are, and whose check digits agree: Switzerland (AHV), Brazil (CPF),
/// Italy (codice fiscale), Spain (DNI), France (NIR, in groups).
fn national(bytes: &[u8], at: usize) -> Option<usize> {
    let forms: [(&str, Digits); 5] = [
        ("756.9999.9999.99", ahv),
        ("999.999.999-99", cpf),
        ("AAAAAA99A99A999A", codice_fiscale),
        ("99999999A", dni),
        ("9 99 99 99 999 999 99", nir),
    ];
    forms.into_iter().find_map(|(form, check)| {
        let end = at + form.len();
        let text = bytes.get(at..end)?;
        let fits = form.bytes().zip(text).all(|(form, byte)| match form {
            b'9' => byte.is_ascii_digit(),
            b'A' => byte.is_ascii_uppercase(),
            other => other == *byte,
        });
        (fits && ends(bytes, end) && check(text)).then_some(end)
    })
}

/// Whether the check digits of a number agree with the others.
type Digits = fn(&[u8]) -> bool;

fn digits_of(text: &[u8]) -> Vec<u32> {
    text.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| value(*byte)).collect()
}

fn ahv(text: &[u8]) -> bool {
    let sum: u32 = digits_of(text).iter().enumerate().map(|(n, d)| d * if n % 2 == 0 { 1 } else { 3 }).sum();
    sum.is_multiple_of(10)
}

fn cpf(text: &[u8]) -> bool {
    let digits = digits_of(text);
    let check = |count: usize| {
        let sum: u32 =
            digits[..count].iter().zip((2..=count as u32 + 1).rev()).map(|(d, weight)| d * weight).sum();
        (sum * 10) % 11 % 10
    };
    digits.windows(2).any(|two| two[0] != two[1]) && check(9) == digits[9] && check(10) == digits[10]
}

fn codice_fiscale(text: &[u8]) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let place = |byte: u8| usize::from(if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' });
    let weight = |(n, byte): (usize, &u8)| if n % 2 == 0 { ODD[place(*byte)] } else { place(*byte) as u32 };
    let sum: u32 = text[..15].iter().enumerate().map(weight).sum();
    sum % 26 == place(text[15]) as u32
}

fn dni(text: &[u8]) -> bool {
    let number = digits_of(text).iter().fold(0, |sum, d| sum * 10 + d);
    b"TRWAGMYFPDXBNJZSQVHLCKE"[number as usize % 23] == text[8]
}

fn nir(text: &[u8]) -> bool {
    let digits = digits_of(text);
    let number = digits[..13].iter().fold(0_u64, |sum, d| sum * 10 + u64::from(*d));
    let key = u64::from(digits[13] * 10 + digits[14]);
    matches!(digits[0], 1 | 2) && 97 - number % 97 == key
}
