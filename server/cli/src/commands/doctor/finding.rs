//! What one look of `agent doctor` found.

use serde::Serialize;

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Result {
    /// As it should be.
    Ok,
    /// It works, and something about it should be different.
    Warning,
    /// It does not work.
    Failure,
    /// It could not be looked at, because of something that failed before.
    Skipped,
}

impl Result {
    /// The word in reports.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
            Self::Skipped => "skipped",
        }
    }
}

/// One finding.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    /// What was looked at: a stable word.
    pub(super) name: &'static str,
    pub(super) result: Result,
    /// What there is, where nothing is wrong with it.
    pub(super) detail: Option<String>,
    /// What is wrong.
    pub(super) cause: Option<String>,
    /// What puts it right.
    pub(super) fix: Option<String>,
}

impl Finding {
    pub(super) fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, result: Result::Ok, detail: Some(detail.into()), cause: None, fix: None }
    }

    pub(super) fn warning(name: &'static str, cause: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::of(name, Result::Warning, cause.into(), Some(fix.into()))
    }

    pub(super) fn failure(name: &'static str, cause: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::of(name, Result::Failure, cause.into(), Some(fix.into()))
    }

    pub(super) fn skipped(name: &'static str, cause: impl Into<String>) -> Self {
        Self::of(name, Result::Skipped, cause.into(), None)
    }

    fn of(name: &'static str, result: Result, cause: String, fix: Option<String>) -> Self {
        Self { name, result, detail: None, cause: Some(cause), fix }
    }
}
