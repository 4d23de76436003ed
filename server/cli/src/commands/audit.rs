//! `agent audit`: the team's log of accepted and refused operations, newest first.

use std::fmt::Write as _;

use agent_engine::AnyRemote;
use agent_remote::{AuditEntry, AuditQuery, SupabaseRemote};
use anyhow::{Context as _, bail};
use serde::Serialize;
use uuid::Uuid;

use crate::args::Audit;
use crate::commands::{block_on, project};
use crate::output::{Done, Form};
use crate::place;
use crate::work::Work;

/// The most entries of one answer.
const PAGE: u32 = 1000;

#[derive(Serialize)]
struct Report {
    entries: Vec<AuditEntry>,
    /// Whether there are older ones.
    more: bool,
}

/// Shows the log.
pub(crate) fn run(args: &Audit) -> anyhow::Result<Done> {
    let work = Work::open()?;
    work.check_remote("the log is the team's")?;
    let AnyRemote::Supabase(remote) = &work.session.remote else { bail!("there is no team") };
    let report = block_on(read(remote, args))??;
    Ok(Done::new(text(&report), &report)?.with(work.notes, false).form(Form::Pages))
}

async fn read(remote: &SupabaseRemote, args: &Audit) -> anyhow::Result<Report> {
    let since = args.since.as_deref().map(moment).transpose()?;
    let member = match &args.user {
        Some(name) => Some(member(remote, name).await?),
        None => None,
    };
    let mut report = Report { entries: Vec::new(), more: true };
    while report.more && report.entries.len() < args.max_count {
        let left = u32::try_from(args.max_count - report.entries.len()).unwrap_or(PAGE);
        let before = report.entries.last().map(|entry| entry.entry);
        let query = AuditQuery { since: since.clone(), member, before, limit: left.min(PAGE) };
        let page = remote.audit(&query).await.map_err(|error| project::failed(&error))?;
        report.more = page.more;
        if page.entries.is_empty() {
            break;
        }
        report.entries.extend(page.entries);
    }
    Ok(report)
}

/// A moment as the server takes it: a time, a day, or how long ago.
fn moment(text: &str) -> anyhow::Result<String> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(at.to_string());
    }
    if let Ok(day) = text.parse::<jiff::civil::Date>() {
        return Ok(format!("{day}T00:00:00Z"));
    }
    let (number, unit) = text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let hours = match (number.parse::<i64>(), unit) {
        (Ok(n), "h") => n,
        (Ok(n), "d") => n.saturating_mul(24),
        (Ok(n), "w") => n.saturating_mul(24 * 7),
        _ => bail!("--since {text:?} is no moment; write 2026-01-31, 2026-01-31T10:00:00Z, 12h, 7d or 2w"),
    };
    let span = jiff::SignedDuration::from_hours(hours);
    let now = jiff::Timestamp::from_millisecond(place::now().0).unwrap_or_default();
    let at = now.checked_sub(span).context("--since lies too far back")?;
    Ok(at.to_string())
}

/// The member somebody named: by id, or by the name or address that the team has.
async fn member(remote: &SupabaseRemote, name: &str) -> anyhow::Result<Uuid> {
    if let Ok(id) = Uuid::try_parse(name) {
        return Ok(id);
    }
    let members = remote.members().await.map_err(|error| project::failed(&error))?;
    let found: Vec<&(Uuid, String)> =
        members.iter().filter(|(_, known)| known.eq_ignore_ascii_case(name)).collect();
    match found.as_slice() {
        [(id, _)] => Ok(*id),
        [] => {
            let known: Vec<&str> = members.iter().map(|(_, name)| name.as_str()).collect();
            bail!("--user {name}: nobody in the team is called so; there are: {}", known.join(", "))
        }
        _ => bail!("--user {name}: several are called so; give the id, as --json shows it"),
    }
}

fn text(report: &Report) -> String {
    let mut out = String::new();
    for entry in &report.entries {
        let who = entry.user_name.as_deref().or(entry.user_id.as_deref()).unwrap_or("somebody");
        let what = match (&entry.kind, &entry.id) {
            (Some(kind), Some(id)) => format!("  {kind}/{id}"),
            _ => String::new(),
        };
        let version = match (entry.from_version, entry.to_version) {
            (_, Some(to)) => format!("  version {to}"),
            (Some(from), None) => format!("  at version {from}"),
            (None, None) => String::new(),
        };
        let state = match (&entry.state_before, &entry.state_after) {
            (Some(before), Some(after)) if before != after => format!("  {before} → {after}"),
            (None, Some(after)) => format!("  → {after}"),
            _ => String::new(),
        };
        let why = entry.reason.as_ref().map_or_else(String::new, |reason| format!("  {reason}"));
        let _ = writeln!(
            out,
            "{}  {who}  {}  {}{what}{version}{state}{why}",
            entry.at, entry.action, entry.outcome
        );
    }
    match (report.entries.is_empty(), report.more) {
        (true, _) => out.push_str("Nothing is in the log.\n"),
        (false, true) => out.push_str("There are older entries; -n N shows N.\n"),
        (false, false) => {}
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_several_forms() {
        assert_eq!(moment("2026-01-31").expect("a day"), "2026-01-31T00:00:00Z");
        assert_eq!(moment("2026-01-31T10:00:00+01:00").expect("a time"), "2026-01-31T09:00:00Z");
        assert!(moment("2d").expect("a span") > moment("3d").expect("a span"));
        for bad in ["", "yesterday", "5", "5y", "é"] {
            assert!(moment(bad).is_err(), "{bad:?}");
        }
    }
}
