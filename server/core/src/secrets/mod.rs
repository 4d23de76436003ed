//! Credentials and personal data in a text: what is found where, what of it is allowed, and what a
//! push does about it. Pure and fast enough for every keystroke; who shows or sends what is decided
//! elsewhere. Nothing here ever repeats a finding in clear: all that leaves is [`Finding::shown`].

mod allow;
mod numbers;
mod rules;

use std::ops::Range;

pub use allow::{allowing, comment};
pub use rules::{RULES, Rule, RuleSet};

/// What a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Something that opens a door: a key, a token, a password.
    Secret,
    /// Something that belongs to a person: an address, a number.
    Personal,
}

/// What happens about findings of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Response {
    /// Nobody looks.
    Off,
    /// It is shown, and pushed.
    Warn,
    /// It is shown, and the artifact is not pushed.
    Block,
    /// It is replaced in the file before the artifact is pushed; where that cannot be, as `Block`.
    Redact,
}

/// What the team configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanPolicy {
    /// About credentials.
    pub secrets: Response,
    /// About personal data.
    pub personal: Response,
    /// Rules that are not applied.
    pub allowed: RuleSet,
}

impl Default for ScanPolicy {
    fn default() -> Self {
        Self { secrets: Response::Block, personal: Response::Warn, allowed: RuleSet::default() }
    }
}

impl ScanPolicy {
    /// What happens about a class.
    pub fn response(&self, class: Class) -> Response {
        match class {
            Class::Secret => self.secrets,
            Class::Personal => self.personal,
        }
    }
}

/// One thing found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// By which rule.
    pub rule: &'static Rule,
    /// The bytes it stands at.
    pub range: Range<usize>,
    /// Enough of it to be recognised, and no more: a public prefix.
    pub shown: String,
}

impl Finding {
    /// What stands in its place once it is redacted.
    pub fn placeholder(&self) -> String {
        format!("[redacted: {}]", self.rule.id)
    }
}

/// Everything in a text that is not allowed by the policy or by a comment, in order, not overlapping.
pub fn scan(text: &str, policy: ScanPolicy) -> Vec<Finding> {
    let mut found = Vec::new();
    rules::find(text, &mut found);
    numbers::find(text, &mut found);
    found.retain(|finding| {
        !policy.allowed.contains(finding.rule) && policy.response(finding.rule.class) != Response::Off
    });
    found.sort_by_key(|finding| (finding.range.start, std::cmp::Reverse(finding.range.end)));
    let mut kept: Vec<Finding> = Vec::with_capacity(found.len());
    for finding in found {
        match kept.last_mut() {
            // Of what overlaps, the secret stays, then what starts first, then the longer.
            Some(last) if finding.range.start < last.range.end => {
                if last.rule.class == Class::Personal && finding.rule.class == Class::Secret {
                    *last = finding;
                }
            }
            _ => kept.push(finding),
        }
    }
    allow::drop_allowed(text, &mut kept);
    kept
}

/// The findings whose text the team's copy does not have yet. What it has is shown, but holding back
/// further work would take nothing back.
pub fn not_in(text: &str, findings: Vec<Finding>, remote: Option<&str>) -> Vec<Finding> {
    let is_known = |f: &Finding| {
        remote.is_some_and(|remote| text.get(f.range.clone()).is_some_and(|value| remote.contains(value)))
    };
    findings.into_iter().filter(|finding| !is_known(finding)).collect()
}

/// Why a text is not to be pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// [`SECRET`] or [`PERSONAL_DATA`].
    pub code: &'static str,
    /// The reason, for people.
    pub message: String,
}

/// The code of a text that holds a credential.
pub const SECRET: &str = "secret";
/// The code of a text that holds personal data.
pub const PERSONAL_DATA: &str = "personal_data";

/// What is to be done with a text before it may be pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may be pushed.
    Pass,
    /// It is pushed once `text` is in the file; where the file cannot be changed, it stays here.
    Redact {
        /// The text without what was found.
        text: String,
        /// Why it stays otherwise.
        otherwise: Refusal,
    },
    /// It stays here.
    Refuse(Refusal),
}

/// The most findings that a reason names.
const NAMED: usize = 3;

/// Judges a text on its way to a remote that has `remote`.
pub fn judge(text: &str, remote: Option<&str>, policy: ScanPolicy) -> Verdict {
    let mut found = not_in(text, scan(text, policy), remote);
    found.retain(|finding| policy.response(finding.rule.class) != Response::Warn);
    let to_redact = |finding: &Finding| policy.response(finding.rule.class) == Response::Redact;
    if found.is_empty() {
        return Verdict::Pass;
    }
    if found.iter().all(to_redact) {
        return Verdict::Redact { text: redacted(text, &found), otherwise: refusal(text, &found) };
    }
    found.retain(|finding| !to_redact(finding));
    Verdict::Refuse(refusal(text, &found))
}

/// The refusal of a text for these findings.
pub fn refusal(text: &str, findings: &[Finding]) -> Refusal {
    let secret = findings.iter().any(|finding| finding.rule.class == Class::Secret);
    let mut named: Vec<_> = findings.iter().take(NAMED).map(|finding| named(text, finding)).collect();
    if findings.len() > NAMED {
        named.push(format!("{} more", findings.len() - NAMED));
    }
    let rule = findings.first().map_or("", |finding| finding.rule.id);
    let message = format!(
        "{}; redact it, or allow it there with <!-- agent-allow: {rule} -->, or everywhere with \
         sync.scan.allow",
        named.join("; ")
    );
    Refusal { code: if secret { SECRET } else { PERSONAL_DATA }, message }
}

fn named(text: &str, finding: &Finding) -> String {
    let line = text.get(..finding.range.start).map_or(0, |before| crate::text::split_lines(before).len());
    let starts_line = text[..finding.range.start].ends_with(['\n', '\r']) || finding.range.start == 0;
    let line = if starts_line { line + 1 } else { line };
    format!("line {line}: {} ({})", finding.rule.name, finding.shown)
}

/// The text with these findings replaced.
pub fn redacted(text: &str, findings: &[Finding]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for finding in findings {
        out.push_str(text.get(at..finding.range.start).unwrap_or_default());
        out.push_str(&finding.placeholder());
        at = finding.range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

#[cfg(test)]
#[path = "secrets_tests.rs"]
mod tests;
