//! The rules that a literal gives away: the fixed part of a token's form. One pass looks for all
//! literals at once; only around one is the rule's pattern tried.
//!
//! The credentials' forms are those of Gitleaks' rules (v8, MIT licence), taken are the ones with a prefix
//! of their own; its rules that guess by a word beside a random string raise false alarms in prose.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::AhoCorasick;
use regex::bytes::{Regex, RegexBuilder};

use super::{Class, Finding};

/// A kind of finding.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its stable name, in configuration, comments and placeholders.
    pub id: &'static str,
    /// What it finds, for people.
    pub name: &'static str,
    /// What that is.
    pub class: Class,
    /// Literals one of which is in every match; none for rules about numbers.
    pub(super) literals: &'static [&'static str],
    /// The form; a group, if there is one, is the finding itself.
    pub(super) pattern: &'static str,
}

const fn secret(
    id: &'static str,
    name: &'static str,
    literals: &'static [&'static str],
    pattern: &'static str,
) -> Rule {
    Rule { id, name, class: Class::Secret, literals, pattern }
}

const fn personal(id: &'static str, name: &'static str) -> Rule {
    Rule { id, name, class: Class::Personal, literals: &[], pattern: "" }
}

/// Every rule. A place in this list is for this build only; the `id` is what is stable.
pub static RULES: [Rule; 39] = [
    secret(
        "private-key",
        "private key",
        &["PRIVATE KEY"],
        r"-----BEGIN[ A-Z0-9_-]{0,60}PRIVATE KEY( BLOCK)?-----",
    ),
    secret(
        "aws-access-key",
        "AWS access key",
        &["AKIA", "ASIA", "ABIA", "ACCA"],
        r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b",
    ),
    secret(
        "aws-secret-key",
        "AWS secret key",
        &["aws_secret_access_key", "AWS_SECRET_ACCESS_KEY"],
        r#"(?:aws_secret_access_key|AWS_SECRET_ACCESS_KEY)["']?\s*[:=]\s*["']?([A-Za-z0-9/+]{40})\b"#,
    ),
    secret("gcp-api-key", "Google API key", &["AIza"], r"\bAIza[A-Za-z0-9_-]{35}"),
    secret("google-oauth-secret", "Google OAuth secret", &["GOCSPX-"], r"\bGOCSPX-[A-Za-z0-9_-]{28}"),
    secret("azure-storage-key", "Azure storage key", &["AccountKey="], r"AccountKey=([A-Za-z0-9+/]{86}==)"),
    secret(
        "github-token",
        "GitHub token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{82})",
    ),
    secret(
        "gitlab-token",
        "GitLab token",
        &["glpat-", "glptt-", "gldt-", "glrt-", "glsoat-"],
        r"\bgl(?:pat|ptt|dt|rt|soat)-[A-Za-z0-9_-]{20}",
    ),
    secret("slack-token", "Slack token", &["xox"], r"\bxox[abeoprs]-[0-9A-Za-z-]{10,200}"),
    secret(
        "slack-webhook",
        "Slack webhook",
        &["hooks.slack.com/"],
        r"hooks\.slack\.com/(?:services|workflows)/([A-Za-z0-9+/]{40,60})",
    ),
    secret(
        "stripe-key",
        "Stripe key",
        &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "sk_prod_", "rk_prod_"],
        r"\b[rs]k_(?:live|test|prod)_[A-Za-z0-9]{10,99}\b",
    ),
    secret(
        "openai-key",
        "OpenAI key",
        &["sk-proj-", "sk-svcacct-", "sk-admin-", "T3BlbkFJ"],
        r"\bsk-(?:(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,200}|[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20})",
    ),
    secret("anthropic-key", "Anthropic key", &["sk-ant-"], r"\bsk-ant-[a-z0-9]{3,12}-[A-Za-z0-9_-]{24,200}"),
    secret("huggingface-token", "Hugging Face token", &["hf_"], r"\bhf_[A-Za-z]{34}\b"),
    secret("npm-token", "npm token", &["npm_"], r"\bnpm_[A-Za-z0-9]{36}\b"),
    secret(
        "pypi-token",
        "PyPI token",
        &["pypi-AgEIcHlwaS5vcmc"],
        r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,250}",
    ),
    secret("docker-token", "Docker token", &["dckr_pat_"], r"\bdckr_pat_[A-Za-z0-9_-]{27}"),
    secret("sendgrid-key", "SendGrid key", &["SG."], r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    secret("twilio-key", "Twilio key", &["SK"], r"\bSK[0-9a-f]{32}\b"),
    secret("mailgun-key", "Mailgun key", &["key-"], r"\bkey-[0-9a-f]{32}\b"),
    secret(
        "supabase-key",
        "Supabase key",
        &["sbp_", "sb_secret_"],
        r"\b(?:sbp_[a-f0-9]{40}|sb_secret_[A-Za-z0-9_-]{20,64})",
    ),
    secret("vault-token", "Vault token", &["hvs.", "hvb."], r"\bhv[sb]\.[A-Za-z0-9_-]{24,250}"),
    secret(
        "digitalocean-token",
        "DigitalOcean token",
        &["do_v1_", "op_v1_", "or_v1_"],
        r"\bdo[opr]_v1_[a-f0-9]{64}\b",
    ),
    secret("linear-key", "Linear key", &["lin_api_"], r"\blin_api_[A-Za-z0-9]{40}\b"),
    secret("shopify-token", "Shopify token", &["shp"], r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b"),
    secret("telegram-token", "Telegram bot token", &[":AA"], r"\b[0-9]{8,12}:AA[A-Za-z0-9_-]{33}\b"),
    secret(
        "age-key",
        "age key",
        &["AGE-SECRET-KEY-1"],
        r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}",
    ),
    secret("grafana-token", "Grafana token", &["glsa_"], r"\bglsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}\b"),
    secret("databricks-token", "Databricks token", &["dapi"], r"\bdapi[a-f0-9]{32}\b"),
    secret("atlassian-token", "Atlassian token", &["ATATT3"], r"\bATATT3[A-Za-z0-9_=-]{180,200}"),
    secret("postman-key", "Postman key", &["PMAK-"], r"\bPMAK-[A-Fa-f0-9]{24}-[A-Fa-f0-9]{34}\b"),
    secret("crates-token", "crates.io token", &["cio"], r"\bcio[A-Za-z0-9]{32}\b"),
    secret(
        "jwt",
        "JSON Web Token",
        &["eyJ"],
        r"\beyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,3000}\.[A-Za-z0-9_-]{16,1000}",
    ),
    secret(
        "connection-string",
        "password in an address",
        &["://"],
        r#"[a-z][a-z0-9+.-]{1,20}://[A-Za-z0-9._%+-]{0,64}:([!#-&(-.0-9:;=?A-Z\[-_a-z{-~]{3,128})@([A-Za-z0-9.-]{1,253}|\[)"#,
    ),
    Rule {
        id: "mail-address",
        name: "mail address",
        class: Class::Personal,
        literals: &["@"],
        pattern: r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b",
    },
    personal("phone-number", "phone number"),
    personal("card-number", "card number"),
    personal("iban", "bank account (IBAN)"),
    personal("national-id", "national identity number"),
];

impl Rule {
    /// The rule of that name.
    pub fn by_id(id: &str) -> Option<&'static Self> {
        RULES.iter().find(|rule| rule.id == id)
    }
}

/// Some of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RuleSet(u64);

impl RuleSet {
    /// No rule.
    pub const NONE: Self = Self(0);

    /// The set with one rule more.
    #[must_use]
    pub fn with(self, rule: &Rule) -> Self {
        Self(self.0 | Self::bit(rule))
    }

    /// Whether a rule is one of them.
    pub fn contains(self, rule: &Rule) -> bool {
        self.0 & Self::bit(rule) != 0
    }

    fn bit(rule: &Rule) -> u64 {
        RULES.iter().position(|known| known == rule).map_or(0, |place| 1 << place)
    }
}

/// The literals, and the rule that each may give away.
struct Literals {
    search: AhoCorasick,
    rules: Vec<usize>,
}

/// `None` never happens: a test builds it.
static LITERALS: LazyLock<Option<Literals>> = LazyLock::new(|| {
    let of = |(n, rule): (usize, &'static Rule)| rule.literals.iter().map(move |literal| (n, *literal));
    let (rules, literals): (Vec<_>, Vec<_>) = RULES.iter().enumerate().flat_map(of).unzip();
    let search = AhoCorasick::new(literals).ok()?;
    Some(Literals { search, rules })
});

/// The patterns, each compiled when it is needed first.
static PATTERNS: [OnceLock<Option<Regex>>; RULES.len()] = [const { OnceLock::new() }; RULES.len()];

fn pattern(n: usize) -> Option<&'static Regex> {
    let compile = || RegexBuilder::new(RULES.get(n)?.pattern).unicode(false).build().ok();
    PATTERNS.get(n)?.get_or_init(compile).as_ref()
}

/// How far before a literal a match may begin, and how far after it one may end, in bytes.
const BEFORE: usize = 160;
const AFTER: usize = 4096;
/// A literal this close to the end of what was looked at is looked at again.
const AGAIN: usize = 2048;

/// Everything that the rules with literals find in a text.
pub(super) fn find(text: &str, found: &mut Vec<Finding>) {
    let Some(literals) = LITERALS.as_ref() else { return };
    let bytes = text.as_bytes();
    let mut looked = [0; RULES.len()];
    for hit in literals.search.find_overlapping_iter(bytes) {
        let n = literals.rules[hit.pattern().as_usize()];
        if hit.start() + AGAIN < looked[n] {
            continue;
        }
        let Some(pattern) = pattern(n) else { continue };
        let (start, end) = window(bytes, hit.range());
        looked[n] = end;
        for captures in pattern.captures_iter(&bytes[start..end]) {
            let whole = captures.get(0);
            let Some(part) = captures.get(1).or(whole) else { continue };
            let range = start + part.start()..start + part.end();
            let after = whole.map_or(range.end, |whole| start + whole.end());
            found.extend(judged(text, &RULES[n], range, after));
        }
    }
}

/// The part of the literal's line that a match around it may take up.
fn window(bytes: &[u8], hit: Range<usize>) -> (usize, usize) {
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let before = hit.start.saturating_sub(BEFORE);
    let after = (hit.end + AFTER).min(bytes.len());
    let start = bytes[before..hit.start].iter().rposition(is_end).map_or(before, |at| before + at + 1);
    let end = bytes[hit.end..after].iter().position(is_end).map_or(after, |at| hit.end + at);
    (start, end)
}

/// A match, if it is no example, placeholder or something that only looks alike. `after` is where the
/// match as a whole ends.
fn judged(text: &str, rule: &'static Rule, range: Range<usize>, after: usize) -> Option<Finding> {
    let value = text.get(range.clone())?;
    let range = match rule.id {
        "private-key" => key_block(text, range)?,
        "mail-address" if is_nobodys(text, &range) => return None,
        "connection-string" if is_placeholder(value) || is_local(text, &range, after) => return None,
        _ if rule.class == Class::Secret && is_example(value) => return None,
        _ => range,
    };
    let shown = match (rule.class, rule.id) {
        (Class::Personal, _) => format!("{}…", value.chars().next().unwrap_or('…')),
        (
            _,
            "private-key" | "connection-string" | "aws-secret-key" | "azure-storage-key" | "slack-webhook",
        ) => "…".to_owned(),
        // The literal is the same in every such token.
        _ => {
            let prefix = rule.literals.iter().find(|literal| value.starts_with(**literal));
            format!("{}…", prefix.unwrap_or(&""))
        }
    };
    Some(Finding { rule, range, shown })
}

/// Documentation's keys say so, or repeat one character.
fn is_example(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let repeats = value.as_bytes().windows(8).any(|eight| eight.iter().all(|byte| *byte == eight[0]));
    repeats
        || ["example", "xxxx", "your", "placeholder", "redacted", "abcdefghij"]
            .iter()
            .any(|w| lower.contains(w))
}

/// What stands where a password would.
fn is_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let words =
        ["password", "passwd", "pass", "pwd", "secret", "token", "changeme", "postgres", "user", "key"];
    let is_variable =
        value.contains(['$', '{', '<', '[', '%', '*']) && !value.chars().any(|c| c.is_ascii_digit());
    words.contains(&&*lower)
        || is_variable
        || value.starts_with(['$', '{', '<', '[', '*', '%'])
        || is_example(value)
}

/// A server on the same machine, or one that cannot exist.
fn is_local(text: &str, password: &Range<usize>, after: usize) -> bool {
    let host = text.get(password.end + 1..after).unwrap_or_default();
    ["localhost", "127.0.0.1", "[", "0.0.0.0", "db", "host", "postgres", "redis"].contains(&host)
        || is_reserved(host)
}

/// A domain that nobody can own (RFC 2606, RFC 6761).
fn is_reserved(domain: &str) -> bool {
    let lower = domain.to_ascii_lowercase();
    let ends = |end: &str| lower == end || lower.strip_suffix(end).is_some_and(|rest| rest.ends_with('.'));
    ["example.com", "example.org", "example.net", "example", "invalid", "test", "localhost", "local"]
        .iter()
        .any(|end| ends(end))
}

/// Addresses that are no person's, and what has an `@` for other reasons: `git@host:path`, packages,
/// units, pictures, user parts of an address.
fn is_nobodys(text: &str, range: &Range<usize>) -> bool {
    let value = &text[range.clone()];
    let Some((user, domain)) = value.split_once('@') else { return true };
    let user = user.to_ascii_lowercase();
    let nobody =
        ["git", "noreply", "no-reply", "donotreply", "postmaster", "mailer-daemon"].contains(&&*user);
    let last = domain.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let files =
        ["png", "jpg", "jpeg", "svg", "gif", "webp", "js", "ts", "json", "md", "yaml", "yml", "service"];
    let units = ["timer", "socket", "target", "mount", "rs", "py", "sh", "html", "css"];
    let is_name = files.contains(&&*last) || units.contains(&&*last);
    let before = text[..range.start].rsplit(char::is_whitespace).next().unwrap_or_default();
    let mut after = text[range.end..].chars();
    let is_path = before.contains("://")
        || before.ends_with(['/', '@', '\\'])
        || match after.next() {
            Some('/' | '@' | '(') => true,
            Some(':') => after.next().is_some_and(|next| !next.is_whitespace()),
            _ => false,
        };
    nobody || is_name || is_path || is_reserved(domain) || domain.ends_with("users.noreply.github.com")
}

/// The block a private key's first line opens: up to its last line, or as far as lines look like a key.
/// `None` when no key follows, as where text speaks of such a line.
fn key_block(text: &str, head: Range<usize>) -> Option<Range<usize>> {
    const LONGEST: usize = 20_000;
    /// Characters that no text about keys has in a row.
    const LEAST: usize = 40;
    let rest = text.get(head.end..)?;
    let mut length = 0;
    let mut key = 0;
    for line in crate::text::split_lines(rest) {
        // A key in a string has its line breaks as `\n`.
        if let Some(end) = line.find("-----END") {
            let close = line[end + 8..].find("-----").map_or(line.len(), |at| end + 8 + at + 5);
            key += end;
            length += close;
            return (key >= LEAST).then_some(head.start..head.end + length);
        }
        let is_key = |c: char| c.is_ascii_alphanumeric() || "+/=\\:,->|\"' \t\r\n#*".contains(c);
        let has_key = line.trim().len() > 16 && !line.trim().contains(' ');
        if length > LONGEST || !line.chars().all(is_key) || (!has_key && key > 0) {
            break;
        }
        key += if has_key { line.trim().len() } else { 0 };
        length += line.len();
    }
    (key >= LEAST).then(|| head.start..head.end + rest[..length].trim_end().len())
}

/// Rules that can find nothing, because their pattern is none.
#[cfg(test)]
pub(super) fn broken() -> Vec<&'static str> {
    assert!(LITERALS.is_some(), "the literals are searched");
    let is_broken = |(n, rule): (usize, &'static Rule)| {
        (!rule.literals.is_empty() && pattern(n).is_none()).then_some(rule.id)
    };
    RULES.iter().enumerate().filter_map(is_broken).collect()
}
