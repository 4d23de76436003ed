//! One small question to the project, for whoever asks what is wrong: whether it answers, what its
//! clock says, and which contract its database keeps. It needs no session.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use agent_core::ports::RemoteError;
use reqwest::Method;

use crate::fault::{self, Fault, Problem};
use crate::http::{Answer, Http};
use crate::schema::SCHEMA_VERSION;
use crate::settings::Settings;

/// The contracts that this program works with, as the project's `schema_version()` numbers them.
pub const CONTRACTS: RangeInclusive<u32> = SCHEMA_VERSION..=SCHEMA_VERSION;

/// How long the project may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a project answered.
#[derive(Debug, Clone)]
pub struct Probe {
    /// The contract of its database.
    pub contract: Contract,
    /// By how many seconds its clock is ahead of this machine's, give or take one; `None` when the
    /// answer was not dated.
    pub ahead: Option<i64>,
    /// How long the answer took.
    pub took: Duration,
}

/// The contract that the database of a project keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contract {
    /// Its number.
    Version(u32),
    /// The database does not have the function that says it.
    Missing,
    /// The project did not say, and why.
    Unknown(RemoteError),
}

/// Why no answer came.
#[derive(Debug, Clone)]
pub struct Silent {
    /// The reason.
    pub error: RemoteError,
    /// Whether the server was reached, and it was TLS that failed.
    pub is_tls: bool,
}

impl From<RemoteError> for Silent {
    fn from(error: RemoteError) -> Self {
        Self { error, is_tls: false }
    }
}

/// Asks the project.
///
/// # Errors
/// When no answer came at all.
pub async fn probe(settings: &Settings) -> Result<Probe, Silent> {
    let http = Http::new(settings)?;
    let request = http.request(Method::POST, "rest/v1/rpc/schema_version", Some(b"{}".to_vec()))?;
    let began = Instant::now();
    let answer = match tokio::time::timeout(PATIENCE, http.send(&request, None)).await {
        Ok(answer) => answer.map_err(|failed| Silent { error: failed.error, is_tls: failed.is_tls })?,
        Err(_) => {
            let text = format!("{} did not answer within {} s", http.host(), PATIENCE.as_secs());
            return Err(RemoteError::Unreachable(text).into());
        }
    };
    let (took, now) = (began.elapsed(), jiff::Timestamp::now());
    // The header has whole seconds, and was written about half the time ago.
    let ahead = answer.date.map(|date| {
        let middle = now.as_millisecond() - i64::try_from(took.as_millis() / 2).unwrap_or(0);
        (date * 1000 + 500 - middle) / 1000
    });
    Ok(Probe { contract: contract(http.host(), &answer), ahead, took })
}

fn contract(host: &str, answer: &Answer) -> Contract {
    if answer.status.is_success() {
        return match serde_json::from_slice(&answer.body) {
            Ok(version) => Contract::Version(version),
            Err(_) => Contract::Unknown(RemoteError::Protocol(format!(
                "{host} answers, but not as a Supabase project: {}",
                fault::excerpt(&answer.body)
            ))),
        };
    }
    if matches!(Problem::read(answer).code.as_str(), "PGRST202" | "42883") {
        return Contract::Missing;
    }
    Contract::Unknown(match fault::judge(host, answer) {
        Fault::Brief(error) | Fault::Slow(error) | Fault::Final(error) => error,
        // No token was sent, so it is the key that is not taken.
        Fault::Expired(said) | Fault::NotYet(said) => {
            RemoteError::Misconfigured(format!("{host} does not accept remote.anon_key ({said})"))
        }
    })
}
