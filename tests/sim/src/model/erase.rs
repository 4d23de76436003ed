//! `erase_author`: a person's place is taken by a pseudonym, and their texts may go with them.

use agent_core::id::{Author, Seq, Timestamp, Version};
use agent_core::ports::Erasure;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Context, ModelRemote, Notice, Refusal, Revision, Role, Team};

/// What a pseudonym is called.
pub(super) fn name_of(pseudonym: Uuid) -> String {
    let text = pseudonym.to_string();
    format!("erased-{}", &text[text.len() - 6..])
}

/// That somebody was erased, as pulls tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// Its place in the team's order.
    pub seq: Seq,
    /// What tells whoever knows them whom it is about.
    pub erasure: Erasure,
}

/// The change id of a revision that nobody pushed. The server's is random; this one can be told by its
/// beginning from those that clients make, and stands for the server's.
fn nobodys_change(team: Uuid, seq: Seq) -> Uuid {
    let team = team.as_u128() & 0xffff_ffff;
    Uuid::from_u128(0xffff_ffff << 96 | team << 64 | u128::from(seq.0))
}

impl ModelRemote {
    /// Replaces somebody by a pseudonym, which is the context's new id, and ends their membership. With
    /// `texts` = `remove`, artifacts whose newest version is theirs are deleted and older versions of
    /// theirs emptied.
    ///
    /// # Errors
    /// When one is no admin and it is about somebody else, the arguments are none, or no admin would be left.
    pub fn erase_author(
        &mut self,
        context: Context,
        team: Uuid,
        member: Option<Uuid>,
        texts: Option<&str>,
    ) -> Result<Value, Refusal> {
        let (me, role) = self.require_role(context.me, team)?;
        if role != Role::Admin && member != Some(me) {
            return Err(Refusal::new("42501", "only an admin of the team can do this for others"));
        }
        let (Some(member), Some(texts @ ("keep" | "remove"))) = (member, texts) else {
            return Err(Refusal::new("22023", "texts is keep or remove, and member is a user's id"));
        };
        let email = self.accounts.get(&member).map(|email| email.to_lowercase());
        let id = team;
        let team = self.team_mut(team)?;
        if team.members.contains_key(&member) {
            team.require_admin_besides(member)?;
        }
        let pseudonym = context.new_id;
        let seq = team.next_seq();
        let author = Author { id: pseudonym.to_string(), name: name_of(pseudonym) };
        team.erasures.push(Erased { seq, erasure: Erasure::of(&member.to_string(), author) });
        let (deleted, removed) =
            if texts == "remove" { team.remove_texts(id, member, pseudonym, context.now) } else { (0, 0) };
        let (versions, renamed) = team.rename(member, pseudonym);
        team.rename_in_log(member, pseudonym);
        team.end_membership(member);
        team.notices.retain(|notice| notice.changes.iter().all(|(revision, _)| revision.author != member));
        let to = Seq(team.newest_seq);
        team.notices.push(Notice { epoch: team.epoch, from: seq, to, changes: Vec::new() });
        let newest_seq = team.newest_seq;
        self.invitations.retain(|_, offer| offer.team != id || Some(&offer.email) != email.as_ref());
        Ok(json!({
            "pseudonym": pseudonym.to_string(), "name": name_of(pseudonym), "versions": versions,
            "artifacts": deleted + renamed, "deleted": deleted, "removed_texts": removed,
            // Nobody has a session who only calls functions.
            "sessions": 0, "newest_seq": newest_seq,
        }))
    }
}

impl Team {
    /// How many artifacts were deleted, and how many texts emptied.
    fn remove_texts(&mut self, team: Uuid, member: Uuid, pseudonym: Uuid, now: Timestamp) -> (usize, usize) {
        let mut theirs: Vec<_> =
            self.newest.values().filter(|newest| newest.author == member).cloned().collect();
        theirs.retain(|newest| newest.content.is_some());
        theirs.sort_by_key(|newest| newest.seq);
        let deleted = theirs.len();
        for newest in theirs {
            let seq = self.next_seq();
            self.add(Revision {
                version: Version(newest.version.0 + 1),
                seq,
                title: None,
                state: None,
                content: None,
                author: pseudonym,
                change_id: nobodys_change(team, seq),
                at: now,
                ..newest
            });
        }
        let texts = self.history.iter_mut().filter(|revision| revision.author == member);
        let texts: Vec<_> = texts.filter(|revision| revision.content.is_some()).collect();
        let removed = texts.len();
        for revision in texts {
            revision.erased = revision.shown_hash();
            (revision.content, revision.title) = (None, None);
        }
        (deleted, removed)
    }

    /// How many versions, and how many newest ones, are the pseudonym's from now on.
    fn rename(&mut self, member: Uuid, pseudonym: Uuid) -> (usize, usize) {
        self.pseudonyms.insert(pseudonym);
        let versions: Vec<_> = self.history.iter_mut().filter(|revision| revision.author == member).collect();
        let n_versions = versions.len();
        versions.into_iter().for_each(|revision| revision.author = pseudonym);
        for approval in self.approvals.iter_mut().filter(|approval| approval.revision.author == member) {
            approval.revision.author = pseudonym;
        }
        let mut newest: Vec<_> = self.newest.values_mut().filter(|newest| newest.author == member).collect();
        newest.sort_by_key(|newest| newest.seq);
        let renamed = newest.len();
        for newest in newest {
            self.newest_seq += 1;
            (newest.author, newest.seq) = (pseudonym, Seq(self.newest_seq));
        }
        (n_versions, renamed)
    }
}
