//! `pull_artifacts` and `artifact_versions`: what is new since a seq, and one artifact's revisions.

use agent_core::id::{Seq, Version};
use uuid::Uuid;

use super::{Erased, ModelRemote, Refusal, Revision, Team};

/// The most bytes of the contents in a page of revisions; the first one is always there.
const MAX_VERSIONS_BYTES: u64 = 8_000_000;

/// How long a page of a pull may be; what is missing has the server's default.
#[derive(Debug, Clone, Copy, Default)]
pub struct PageLimits {
    /// Rows: 500 unless said otherwise, at least 1, at most 1000.
    pub rows: Option<i32>,
    /// Bytes of the contents: 4,000,000 unless said otherwise, at least 1, at most 16,000,000.
    pub bytes: Option<i32>,
}

/// The artifacts that changed after a seq.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Their newest revisions in seq order, with their authors' names.
    pub rows: Vec<(Revision, Option<String>)>,
    /// Who was erased after that seq, up to the last row, or to the newest seq if nothing follows.
    pub erasures: Vec<Erased>,
    /// The team's newest seq.
    pub newest_seq: Seq,
    /// Whether to go on after the last row.
    pub more: bool,
}

/// Which revisions of an artifact are asked for.
#[derive(Debug, Clone, Default)]
pub struct VersionsQuery {
    /// The kind, of any form.
    pub kind: Option<String>,
    /// The id, of any form.
    pub id: Option<String>,
    /// Only those with this hash.
    pub content_hash: Option<String>,
    /// Only those before this version.
    pub before_version: Option<i64>,
    /// 50 unless said otherwise, at least 1, at most 500.
    pub max_rows: Option<i32>,
    /// Whether the contents are sent, too.
    pub with_content: bool,
}

/// An artifact's revisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    /// Newest first, with their authors' names.
    pub versions: Vec<(Revision, Option<String>)>,
    /// Whether there are older ones.
    pub more: bool,
    /// Whether the contents are sent, too.
    pub with_content: bool,
}

impl ModelRemote {
    /// What changed after a seq.
    ///
    /// # Errors
    /// When they are no member.
    pub fn pull(
        &self,
        me: Option<Uuid>,
        team: Uuid,
        after: i64,
        limits: PageLimits,
    ) -> Result<Page, Refusal> {
        self.require_role(me, team)?;
        let team = self.team(team)?;
        let rows = limits.rows.unwrap_or(500).clamp(1, 1000).unsigned_abs() as usize;
        let most_bytes = u64::from(limits.bytes.unwrap_or(4_000_000).clamp(1, 16_000_000).unsigned_abs());
        let after = Seq(after.max(0).unsigned_abs());
        let mut newer: Vec<_> = team.newest.values().filter(|revision| revision.seq > after).collect();
        newer.sort_by_key(|revision| revision.seq);
        let page = up_to(newer.iter().copied().take(rows), most_bytes);
        let newest_seq = Seq(team.newest_seq);
        let more = page.len() < newer.len();
        let end = page.last().filter(|_| more).map_or(newest_seq, |last| last.seq);
        let is_here = |erased: &&Erased| after < erased.seq && erased.seq <= end;
        let erasures = team.erasures.iter().filter(is_here).cloned().collect();
        Ok(Page { rows: named(team, page), erasures, newest_seq, more })
    }

    /// The revisions of an artifact.
    ///
    /// # Errors
    /// When they are no member.
    pub fn versions(&self, me: Option<Uuid>, team: Uuid, query: &VersionsQuery) -> Result<Versions, Refusal> {
        self.require_role(me, team)?;
        let team = self.team(team)?;
        let rows = query.max_rows.unwrap_or(50).clamp(1, 500).unsigned_abs() as usize;
        let most_bytes = if query.with_content { MAX_VERSIONS_BYTES } else { u64::MAX };
        let matching: Vec<&Revision> =
            team.history.iter().rev().filter(|revision| query.matches(revision)).collect();
        let page = up_to(matching.iter().copied().take(rows), most_bytes);
        let more = matching.len() > page.len();
        Ok(Versions { versions: named(team, page), more, with_content: query.with_content })
    }
}

impl VersionsQuery {
    fn matches(&self, revision: &Revision) -> bool {
        let is_before =
            |before: i64| u64::try_from(before).is_ok_and(|before| revision.version < Version(before));
        self.kind.as_deref() == Some(revision.key.kind.as_str())
            && self.id.as_deref() == Some(revision.key.id.as_str())
            && (self.content_hash.is_none() || self.content_hash == revision.shown_hash())
            && self.before_version.is_none_or(is_before)
    }
}

/// The first of these, and then as many as fit into the bytes with it.
fn up_to<'a>(revisions: impl Iterator<Item = &'a Revision>, most_bytes: u64) -> Vec<&'a Revision> {
    let mut bytes = 0;
    let fits = |(place, revision): &(usize, &Revision)| {
        bytes += revision.content_bytes();
        *place == 0 || bytes <= most_bytes
    };
    revisions.enumerate().take_while(fits).map(|(_, revision)| revision).collect()
}

fn named(team: &Team, revisions: Vec<&Revision>) -> Vec<(Revision, Option<String>)> {
    revisions.into_iter().map(|revision| (revision.clone(), team.name_of(revision.author))).collect()
}
