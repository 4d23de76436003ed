//! Accounts, teams, and who may do what in them.

use agent_core::id::{ArtifactKey, Kind, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Context, Member, ModelRemote, Refusal, Team};

/// What somebody may do in a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// May read.
    Viewer,
    /// May push, too.
    Editor,
    /// May approve, too.
    Approver,
    /// May change who is in the team, too.
    Admin,
}

impl Role {
    /// All of them, the least powerful first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Editor, Self::Approver, Self::Admin];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }

    pub(super) fn named(name: Option<&str>) -> Result<Self, Refusal> {
        let role = Self::ALL.into_iter().find(|role| Some(role.as_str()) == name);
        role.ok_or_else(|| Refusal::new("22023", format!("unknown role {}", name.unwrap_or("null"))))
    }
}

/// Somebody's offer to join a team.
#[derive(Debug, Clone)]
pub(super) struct Invitation {
    pub(super) team: Uuid,
    pub(super) email: String,
    role: Role,
    at: Timestamp,
}

impl ModelRemote {
    /// Somebody gets an account.
    pub fn sign_up(&mut self, user: Uuid, email: &str) {
        self.accounts.insert(user, email.to_owned());
    }

    /// Makes a team with oneself as its admin; `team` is the id it gets.
    ///
    /// # Errors
    /// When nobody is signed in, or the name is none.
    pub fn create_team(&mut self, me: Option<Uuid>, team: Uuid, name: Option<&str>) -> Result<Uuid, Refusal> {
        let Some(me) = me else { return Err(Refusal::new("42501", "sign in to create a team")) };
        let length = name.map(|name| name.trim_matches(' ').chars().count());
        if !length.is_some_and(|length| (1..=200).contains(&length)) {
            return Err(Refusal::new("22023", "a team name has 1 to 200 characters"));
        }
        let Some(email) = self.accounts.get(&me) else {
            return Err(Refusal::new("42501", "the signed-in user no longer exists"));
        };
        let admin = Member { role: Role::Admin, display_name: email.clone() };
        let made = self.teams.entry(team).or_default();
        made.name = name.unwrap_or_default().trim_matches(' ').to_owned();
        made.members.insert(me, admin);
        Ok(team)
    }

    /// Invites whoever has an address; inviting again changes the role that is offered. `new_id` is the
    /// id of an invitation that is new.
    ///
    /// # Errors
    /// When one is no admin, there is no such role, or that is no address.
    pub fn invite_member(
        &mut self,
        context: Context,
        team: Uuid,
        email: Option<&str>,
        role: Option<&str>,
    ) -> Result<Value, Refusal> {
        self.require_admin(context.me, team)?;
        let role = Role::named(role)?;
        let email = email.map(|email| email.trim_matches(' ').to_lowercase());
        let email = email.filter(|email| is_address(email));
        let email = email.ok_or_else(|| Refusal::new("22023", "that is not an email address"))?;
        let known = self.invitations.iter().find(|(_, known)| known.team == team && known.email == email);
        let id = known.map_or(context.new_id, |(id, _)| *id);
        let answer = json!({ "invitation": id.to_string(), "email": email, "role": role.as_str() });
        self.invitations.insert(id, Invitation { team, email, role, at: context.now });
        Ok(answer)
    }

    /// The invitations to one's own address, oldest first.
    pub fn my_invitations(&self, me: Option<Uuid>) -> Value {
        let mut mine: Vec<_> = self.invitations.iter().filter(|(_, offer)| self.is_for(offer, me)).collect();
        mine.sort_by_key(|(id, offer)| (offer.at, **id));
        let one = |(id, offer): (&Uuid, &Invitation)| {
            json!({
                "invitation": id.to_string(), "team": offer.team.to_string(), "role": offer.role.as_str(),
                "team_name": self.team_name(offer.team), "invited_at": offer.at.0,
            })
        };
        mine.into_iter().map(one).collect()
    }

    /// Joins the team of an invitation; whoever is in it already keeps their role.
    ///
    /// # Errors
    /// When there is none for one's address.
    pub fn accept_invitation(&mut self, me: Option<Uuid>, invitation: Uuid) -> Result<Value, Refusal> {
        let (me, offer) = self.take_invitation(me, invitation)?;
        let name = self.team_name(offer.team);
        let display_name = self.accounts.get(&me).cloned().unwrap_or_default();
        let team = self.team_mut(offer.team)?;
        let member = team.members.entry(me).or_insert(Member { role: offer.role, display_name });
        Ok(json!({ "team": offer.team.to_string(), "role": member.role.as_str(), "name": name }))
    }

    /// Gives an invitation back.
    ///
    /// # Errors
    /// When there is none for one's address.
    pub fn decline_invitation(&mut self, me: Option<Uuid>, invitation: Uuid) -> Result<Value, Refusal> {
        self.take_invitation(me, invitation).map(|_| json!(true))
    }

    /// Takes an invitation back; answers whether there was one in a team of one's own.
    ///
    /// # Errors
    /// When one is no admin there.
    pub fn revoke_invitation(&mut self, me: Option<Uuid>, invitation: Uuid) -> Result<Value, Refusal> {
        let team = self.invitations.get(&invitation).map(|offer| offer.team);
        let Some(team) = team.filter(|team| self.require_role(me, *team).is_ok()) else {
            return Ok(json!(false));
        };
        self.require_admin(me, team)?;
        Ok(json!(self.invitations.remove(&invitation).is_some()))
    }

    /// Changes a member's role.
    ///
    /// # Errors
    /// When one is no admin, there is no such role or member, or no admin would be left.
    pub fn set_member_role(
        &mut self,
        me: Option<Uuid>,
        team: Uuid,
        member: Option<Uuid>,
        role: Option<&str>,
    ) -> Result<Value, Refusal> {
        self.require_admin(me, team)?;
        let role = Role::named(role)?;
        let was = member.and_then(|member| self.role(member, team));
        let Some((member, was)) = member.zip(was) else {
            return Err(Refusal::new("PT404", "there is no such member of the team"));
        };
        let team = self.team_mut(team)?;
        if role != Role::Admin {
            team.require_admin_besides(member)?;
        }
        if let Some(known) = team.members.get_mut(&member) {
            known.role = role;
        }
        Ok(json!({ "member": member.to_string(), "role": role.as_str(), "was": was.as_str() }))
    }

    /// Ends a membership; answers whether there was one.
    ///
    /// # Errors
    /// When one is no admin and it is somebody else's, or no admin would be left.
    pub fn remove_team_member(
        &mut self,
        me: Option<Uuid>,
        team: Uuid,
        member: Option<Uuid>,
    ) -> Result<Value, Refusal> {
        self.require_role(me, team)?;
        if member != me {
            self.require_admin(me, team)?;
        }
        let Some(member) = member.filter(|member| self.role(*member, team).is_some()) else {
            return Ok(json!(false));
        };
        let team = self.team_mut(team)?;
        team.require_admin_besides(member)?;
        Ok(json!(team.end_membership(member)))
    }

    /// The next free id of a kind and prefix, after every one given, used, or known to the caller.
    ///
    /// # Errors
    /// When one is no member or may not push, or the prefix, kind or number is none.
    pub fn allocate_id(
        &mut self,
        me: Option<Uuid>,
        team: Uuid,
        kind: Option<&str>,
        prefix: Option<&str>,
        after: i64,
    ) -> Result<Value, Refusal> {
        if self.require_role(me, team)?.1 == Role::Viewer {
            return Err(Refusal::new("42501", "viewers cannot take ids"));
        }
        let kind = kind.filter(|kind| Kind::new(kind).is_ok());
        let prefix = prefix.filter(|prefix| is_prefix(prefix));
        let after = u64::try_from(after).ok().filter(|after| *after <= 999_999_999);
        let (Some(kind), Some(prefix), Some(after)) = (kind, prefix, after) else {
            let message = "a prefix is up to 32 capital letters and digits, a kind matches \
                           ^[a-z][a-z0-9_-]{0,31}$, and a number has at most nine digits";
            return Err(Refusal::new("22023", message));
        };
        let team = self.team_mut(team)?;
        let digits = |key: &ArtifactKey| {
            let rest = key.id.as_str().strip_prefix(prefix)?.strip_prefix('-')?.to_owned();
            let is_number = (1..=9).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_digit());
            (key.kind.as_str() == kind && is_number).then_some(rest)
        };
        let used: Vec<String> = team.newest.keys().filter_map(digits).collect();
        let taken = used.iter().filter_map(|digits| digits.parse().ok()).max().unwrap_or(0);
        let given = team.given_ids.entry((kind.to_owned(), prefix.to_owned())).or_insert(0);
        *given = taken.max(after).max(*given) + 1;
        let width = used.iter().map(String::len).max().unwrap_or(3).max(3);
        Ok(json!(format!("{prefix}-{given:0width$}")))
    }

    fn take_invitation(&mut self, me: Option<Uuid>, id: Uuid) -> Result<(Uuid, Invitation), Refusal> {
        let mine = self.invitations.get(&id).is_some_and(|offer| self.is_for(offer, me));
        let taken = if mine { self.invitations.remove(&id) } else { None };
        me.zip(taken).ok_or_else(|| Refusal::new("PT404", "there is no such invitation for you"))
    }

    fn is_for(&self, offer: &Invitation, me: Option<Uuid>) -> bool {
        let email = me.and_then(|me| self.accounts.get(&me));
        email.is_some_and(|email| email.to_lowercase() == offer.email)
    }

    fn team_name(&self, team: Uuid) -> Option<String> {
        self.teams.get(&team).map(|team| team.name.clone())
    }

    /// Somebody's role in a team.
    pub fn role(&self, user: Uuid, team: Uuid) -> Option<Role> {
        Some(self.teams.get(&team)?.members.get(&user)?.role)
    }

    /// Who is asking, and their role; one answer for no team and not one's team.
    pub(super) fn require_role(&self, me: Option<Uuid>, team: Uuid) -> Result<(Uuid, Role), Refusal> {
        let found = me.and_then(|me| Some((me, self.role(me, team)?)));
        found.ok_or_else(no_such_team)
    }

    fn require_admin(&self, me: Option<Uuid>, team: Uuid) -> Result<(), Refusal> {
        match self.require_role(me, team)? {
            (_, Role::Admin) => Ok(()),
            _ => Err(Refusal::new("42501", "only an admin of the team can change its members")),
        }
    }

    pub(super) fn team(&self, team: Uuid) -> Result<&Team, Refusal> {
        self.teams.get(&team).ok_or_else(no_such_team)
    }

    pub(super) fn team_mut(&mut self, team: Uuid) -> Result<&mut Team, Refusal> {
        self.teams.get_mut(&team).ok_or_else(no_such_team)
    }
}

impl Team {
    /// Whether there was one; then the channel moves.
    pub(super) fn end_membership(&mut self, user: Uuid) -> bool {
        let was_member = self.members.remove(&user).is_some();
        self.epoch += u64::from(was_member);
        was_member
    }

    pub(super) fn require_admin_besides(&self, user: Uuid) -> Result<(), Refusal> {
        let is_other_admin = |(id, member): (&Uuid, &Member)| member.role == Role::Admin && *id != user;
        match self.members.iter().any(is_other_admin) {
            true => Ok(()),
            false => Err(Refusal::new("PT409", "a team needs at least one admin")),
        }
    }
}

/// One `@` with something before and after it, and no white space.
fn is_address(text: &str) -> bool {
    let parts: Vec<_> = text.split('@').collect();
    parts.len() == 2
        && parts.iter().all(|part| !part.is_empty() && !part.contains(char::is_whitespace))
        && text.chars().count() <= 320
}

fn is_prefix(text: &str) -> bool {
    let is_sign = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    (1..=32).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(is_sign)
}

fn no_such_team() -> Refusal {
    Refusal::new("42501", "you are not a member of this team, or it does not exist")
}
