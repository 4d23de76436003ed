//! The JSON of the project's functions and the only place it is spelled. Everything received is
//! converted by hand into the port's types, which refuse what must not reach a disk; what cannot be
//! converted is named, never guessed. docs/backend.md describes the shapes.

pub(crate) mod team;

use agent_core::id::{
    ArtifactKey, ArtifactPath, Author, ChangeId, ContentHash, Seq, Text, Timestamp, Version,
};
use agent_core::ports::{
    Erasure, PullPage, PushChange, PushOutcome, PushReply, RemoteRow, RemoteVersion, UnreadableRow,
    VersionQuery,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::schema::Schema;

/// How many rows a page of changes may have: the server's own limit, as bytes are what costs.
pub(crate) const PAGE_ROWS: u32 = 1000;
/// The most changes `push_artifacts` takes at once.
pub(crate) const MAX_CHANGES: usize = 1000;

#[derive(Serialize)]
struct PushArgs<'a> {
    team: String,
    changes: Vec<ChangeArg<'a>>,
}

#[derive(Serialize)]
struct ChangeArg<'a> {
    change_id: String,
    kind: &'a str,
    id: &'a str,
    base_version: u64,
    path: &'a str,
    title: Option<&'a str>,
    state: Option<&'a str>,
    content: Option<&'a str>,
    content_hash: Option<String>,
}

/// The arguments of `push_artifacts`.
pub(crate) fn push_args(team: Uuid, changes: &[PushChange]) -> serde_json::Result<Vec<u8>> {
    let changes = changes.iter().map(|change| ChangeArg {
        change_id: change.change_id.to_string(),
        kind: change.key.kind.as_str(),
        id: change.key.id.as_str(),
        base_version: change.base_version.0,
        path: change.path.as_str(),
        title: change.title.as_deref(),
        state: change.state.as_deref(),
        content: change.content.as_ref().map(Text::as_str),
        content_hash: change.content.as_ref().map(|text| text.hash().to_string()),
    });
    serde_json::to_vec(&PushArgs { team: team.to_string(), changes: changes.collect() })
}

#[derive(Serialize)]
struct PullArgs {
    team: String,
    after_seq: u64,
    max_rows: u32,
    max_bytes: u32,
}

/// The arguments of `pull_artifacts`, for a page of about `max_bytes` of content.
pub(crate) fn pull_args(team: Uuid, after: Seq, max_bytes: u32) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&PullArgs {
        team: team.to_string(),
        after_seq: after.0,
        max_rows: PAGE_ROWS,
        max_bytes,
    })
}

#[derive(Serialize)]
struct VersionsArgs<'a> {
    team: String,
    kind: &'a str,
    id: &'a str,
    content_hash: Option<String>,
    before_version: Option<u64>,
    max_rows: u32,
    with_content: bool,
}

/// The arguments of `artifact_versions`.
pub(crate) fn versions_args(team: Uuid, query: &VersionQuery) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&VersionsArgs {
        team: team.to_string(),
        kind: query.key.kind.as_str(),
        id: query.key.id.as_str(),
        content_hash: query.hash.map(|hash| hash.to_string()),
        before_version: query.before.map(|version| version.0),
        max_rows: query.limit,
        with_content: query.with_content,
    })
}

#[derive(Deserialize)]
struct Row {
    kind: String,
    id: String,
    version: u64,
    seq: u64,
    path: String,
    title: Option<String>,
    state: Option<String>,
    content: Option<String>,
    content_hash: Option<String>,
    author: Option<String>,
    author_name: Option<String>,
    change_id: Option<String>,
    updated_at: Option<String>,
}

impl Row {
    fn convert(self) -> Result<RemoteRow, String> {
        let key = ArtifactKey::new(&self.kind, &self.id).map_err(|error| error.to_string())?;
        let path = ArtifactPath::new(&self.path).map_err(|error| error.to_string())?;
        let (version, seq) = (number(self.version, "version")?, number(self.seq, "seq")?);
        Ok(RemoteRow {
            key,
            version: Version(version),
            seq: Seq(seq),
            path,
            title: self.title,
            state: self.state,
            content: content(self.content, self.content_hash.as_deref())?,
            author: author(self.author, self.author_name),
            change_id: self.change_id.and_then(|id| Uuid::try_parse(&id).ok()).map(ChangeId),
            at: moment(self.updated_at.as_deref()),
        })
    }
}

/// What can still be read of a row that is otherwise unreadable.
#[derive(Deserialize, Default)]
#[serde(default)]
struct RowTraces {
    kind: serde_json::Value,
    id: serde_json::Value,
    seq: serde_json::Value,
}

impl RowTraces {
    fn name(&self) -> String {
        let shown = |value: &serde_json::Value| value.as_str().map_or("?".to_owned(), one_line);
        format!("{}/{}", shown(&self.kind), shown(&self.id))
    }
}

/// A counter starts at 1, and Postgres and SQLite both keep it in 63 bits.
fn number(value: u64, what: &str) -> Result<u64, String> {
    if value == 0 || i64::try_from(value).is_err() {
        return Err(format!("{what} {value} is out of range"));
    }
    Ok(value)
}

/// The content, once its hash is the one the server says it has.
fn content(content: Option<String>, hash: Option<&str>) -> Result<Option<Text>, String> {
    let said: Option<ContentHash> =
        hash.map(str::parse).transpose().map_err(|error: agent_core::id::InvalidId| error.to_string())?;
    let text = content.map(Text::new);
    match (text, said) {
        (None, None) => Ok(None),
        (Some(text), Some(said)) if text.hash() == said => Ok(Some(text)),
        (Some(_), Some(_)) => Err("the content does not match its hash".to_owned()),
        (Some(_), None) => Err("the content comes without its hash".to_owned()),
        (None, Some(_)) => Err("there is a hash but no content".to_owned()),
    }
}

/// An erased author has neither id nor name.
fn author(id: Option<String>, name: Option<String>) -> Author {
    let id = id.map(|id| one_line(&id)).unwrap_or_default();
    let name = name.map(|name| one_line(&name)).filter(|name| !name.is_empty());
    Author { name: name.unwrap_or_else(|| id.clone()), id }
}

/// For display only, so a time that cannot be read is the epoch rather than a failure.
fn moment(text: Option<&str>) -> Timestamp {
    let parsed = text.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    Timestamp(parsed.map_or(0, jiff::Timestamp::as_millisecond))
}

/// Names end up in diagnostics and terminals, so they must not move a cursor or forge a line.
fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[derive(Deserialize)]
struct Pulled<'a> {
    #[serde(borrow)]
    rows: Vec<&'a RawValue>,
    #[serde(default)]
    erasures: Vec<ErasureRow>,
    newest_seq: u64,
    more: bool,
    schema: Option<Schema>,
}

#[derive(Deserialize)]
struct ErasureRow {
    pseudonym: String,
    name: Option<String>,
    mark: String,
}

impl ErasureRow {
    /// Passing one by would keep a name for good, so a page with one that cannot be read is no page.
    fn convert(self) -> Result<Erasure, String> {
        let mark = self.mark.parse().map_err(|error: agent_core::id::InvalidId| error.to_string())?;
        Ok(Erasure { mark, pseudonym: author(Some(self.pseudonym), self.name) })
    }
}

#[derive(Deserialize)]
struct Kept {
    schema: Option<Schema>,
}

/// Which contract the database keeps that gave this answer to a pull, be it a page or not.
pub(crate) fn schema(body: &[u8]) -> Option<Schema> {
    serde_json::from_slice::<Kept>(body).ok()?.schema
}

/// Reads a page of `pull_artifacts(after)`, and which contract the database keeps. The cursor never goes
/// back, and always moves on when there is more.
pub(crate) fn page(body: &[u8], after: Seq) -> Result<(PullPage, Option<Schema>), String> {
    let pulled: Pulled<'_> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let newest = i64::try_from(pulled.newest_seq).map_err(|_| "newest_seq is out of range".to_owned())?;
    let newest = Seq(newest.unsigned_abs());
    let mut page = PullPage {
        rows: Vec::with_capacity(pulled.rows.len()),
        unreadable: Vec::new(),
        erasures: pulled.erasures.into_iter().map(ErasureRow::convert).collect::<Result<_, _>>()?,
        cursor: after,
        newest_seq: newest,
        more: pulled.more,
    };
    for raw in pulled.rows {
        match read_row(raw, newest) {
            Ok(row) => {
                page.cursor = page.cursor.max(row.seq);
                page.rows.push(row);
            }
            Err((seq, unreadable)) => {
                page.cursor = page.cursor.max(seq);
                page.unreadable.push(unreadable);
            }
        }
    }
    if !page.more {
        page.cursor = page.cursor.max(newest);
    } else if page.cursor <= after {
        return Err(format!("a page after seq {} that leads nowhere", after.0));
    }
    Ok((page, pulled.schema))
}

fn read_row(raw: &RawValue, newest: Seq) -> Result<RemoteRow, (Seq, UnreadableRow)> {
    let read = serde_json::from_str::<Row>(raw.get()).map_err(|error| error.to_string());
    let row = read.and_then(Row::convert).and_then(|row| {
        if row.seq > newest { Err(format!("seq {} is after the newest", row.seq.0)) } else { Ok(row) }
    });
    row.map_err(|problem| {
        let traces: RowTraces = serde_json::from_str(raw.get()).unwrap_or_default();
        let seq = traces.seq.as_u64().map_or(Seq(0), Seq).min(newest);
        (seq, UnreadableRow { name: traces.name(), problem: one_line(&problem) })
    })
}

#[derive(Deserialize)]
struct Pushed<'a> {
    #[serde(borrow)]
    results: Vec<PushResult<'a>>,
    newest_seq: u64,
}

#[derive(Deserialize)]
struct PushResult<'a> {
    change_id: Option<String>,
    result: String,
    version: Option<u64>,
    seq: Option<u64>,
    reason: Option<Reason>,
    #[serde(borrow)]
    current: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Reason {
    code: Option<String>,
    message: Option<String>,
}

/// Reads the answer of `push_artifacts` to these changes: exactly one outcome for each, in their
/// order, whatever order the server answered in.
pub(crate) fn push_reply(body: &[u8], changes: &[PushChange]) -> Result<PushReply, String> {
    let pushed: Pushed<'_> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let mut answers = std::collections::HashMap::new();
    for result in pushed.results {
        let id = result.change_id.as_deref().and_then(|id| Uuid::try_parse(id).ok());
        if let Some(id) = id {
            answers.insert(id, result);
        }
    }
    let mut outcomes = Vec::with_capacity(changes.len());
    for change in changes {
        let answer = answers
            .remove(&change.change_id.0)
            .ok_or_else(|| format!("no result for change {} of {}", change.change_id, change.key))?;
        let outcome = outcome(answer, change).map_err(|problem| format!("{}: {problem}", change.key))?;
        outcomes.push((change.change_id, outcome));
    }
    Ok(PushReply { outcomes, newest_seq: Seq(pushed.newest_seq) })
}

fn outcome(answer: PushResult<'_>, change: &PushChange) -> Result<PushOutcome, String> {
    let place = || -> Result<(Version, Seq), String> {
        let version = answer.version.ok_or("a result without version")?;
        let seq = answer.seq.ok_or("a result without seq")?;
        Ok((Version(number(version, "version")?), Seq(number(seq, "seq")?)))
    };
    match answer.result.as_str() {
        "applied" => place().map(|(version, seq)| PushOutcome::Applied(version, seq)),
        "duplicate" => place().map(|(version, seq)| PushOutcome::Duplicate(version, seq)),
        "conflict" => Ok(conflict(answer.current, change)),
        "rejected" => {
            let reason = answer.reason.unwrap_or(Reason { code: None, message: None });
            let code = reason.code.map_or("rejected".to_owned(), |code| one_line(&code));
            let message = reason.message.map_or("no reason was given".to_owned(), |text| one_line(&text));
            Ok(PushOutcome::Rejected { code, message })
        }
        "deferred" => Ok(PushOutcome::Deferred),
        other => Err(format!("the unknown result {:?}", one_line(other))),
    }
}

/// A newest revision that cannot be taken must not read as "there is none": the change is parked,
/// and the reason shown.
fn conflict(current: Option<&RawValue>, change: &PushChange) -> PushOutcome {
    let Some(raw) = current.filter(|raw| raw.get() != "null") else { return PushOutcome::Conflict(None) };
    let row = read_row(raw, Seq(u64::MAX)).map_err(|(_, unreadable)| unreadable.problem);
    let row = row.and_then(|row| {
        if row.key == change.key { Ok(row) } else { Err(format!("it is about {} instead", row.key)) }
    });
    match row {
        Ok(row) => PushOutcome::Conflict(Some(Box::new(row))),
        Err(problem) => PushOutcome::Rejected {
            code: "unreadable".to_owned(),
            message: format!("the remote's newest revision cannot be read: {problem}"),
        },
    }
}

#[derive(Deserialize)]
struct Versions {
    versions: Vec<VersionRow>,
}

#[derive(Deserialize)]
struct VersionRow {
    version: u64,
    content_hash: Option<String>,
    content: Option<String>,
    author: Option<String>,
    author_name: Option<String>,
    updated_at: Option<String>,
    change_id: Option<String>,
}

/// Reads the answer of `artifact_versions`.
pub(crate) fn versions(body: &[u8], with_content: bool) -> Result<Vec<RemoteVersion>, String> {
    let read: Versions = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    read.versions.into_iter().map(|row| version(row, with_content)).collect()
}

fn version(row: VersionRow, with_content: bool) -> Result<RemoteVersion, String> {
    let number = number(row.version, "version")?;
    let named = |problem: String| format!("version {number}: {problem}");
    let hash: Option<ContentHash> = row
        .content_hash
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|error: agent_core::id::InvalidId| named(error.to_string()))?;
    let content =
        if with_content { content(row.content, row.content_hash.as_deref()).map_err(named)? } else { None };
    Ok(RemoteVersion {
        version: Version(number),
        hash,
        content,
        author: author(row.author, row.author_name),
        at: moment(row.updated_at.as_deref()),
        change_id: row.change_id.and_then(|id| Uuid::try_parse(&id).ok()).map(ChangeId),
    })
}

#[derive(Deserialize)]
struct Membership {
    role: String,
    teams: MemberTeam,
}

#[derive(Deserialize)]
struct MemberTeam {
    id: String,
    name: String,
}

/// Reads `team_members?select=role,teams(id,name)`: id, name and role of each team.
pub(crate) fn teams(body: &[u8]) -> Result<Vec<(Uuid, String, String)>, String> {
    let rows: Vec<Membership> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let read = rows.into_iter().map(|row| {
        let id = Uuid::try_parse(&row.teams.id).map_err(|error| error.to_string())?;
        Ok((id, one_line(&row.teams.name), one_line(&row.role)))
    });
    read.collect()
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
