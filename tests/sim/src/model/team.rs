//! Accounts, teams, and who may do what in them.

use uuid::Uuid;

use super::{Member, ModelRemote, Refusal, Team};

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
        self.teams.entry(team).or_default().members.insert(me, admin);
        Ok(team)
    }

    /// Adds somebody by their address, or changes their role.
    ///
    /// # Errors
    /// When one is no admin, there is no such role or account, or no admin would be left.
    pub fn add_team_member(
        &mut self,
        me: Option<Uuid>,
        team: Uuid,
        email: Option<&str>,
        role: Option<&str>,
    ) -> Result<Uuid, Refusal> {
        self.require_admin(me, team)?;
        let role = Role::named(role)?;
        let is_theirs = |known: &&String| {
            email.is_some_and(|email| known.to_lowercase() == email.trim_matches(' ').to_lowercase())
        };
        let account = self.accounts.iter().find(|(_, known)| is_theirs(known));
        let Some((user, known)) = account.map(|(user, known)| (*user, known.clone())) else {
            let message = format!("nobody has signed up as {}", email.unwrap_or("null"));
            return Err(Refusal::new("PT404", message));
        };
        let team = self.team_mut(team)?;
        if role != Role::Admin {
            team.require_admin_besides(Some(user))?;
        }
        let member = team.members.entry(user).or_insert(Member { role, display_name: known });
        member.role = role;
        Ok(user)
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
    ) -> Result<bool, Refusal> {
        self.require_role(me, team)?;
        if member != me {
            self.require_admin(me, team)?;
        }
        let team = self.team_mut(team)?;
        team.require_admin_besides(member)?;
        Ok(member.is_some_and(|member| team.members.remove(&member).is_some()))
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
    fn require_admin_besides(&self, user: Option<Uuid>) -> Result<(), Refusal> {
        let is_other_admin = |(id, member): (&Uuid, &Member)| member.role == Role::Admin && Some(*id) != user;
        match self.members.iter().any(is_other_admin) {
            true => Ok(()),
            false => Err(Refusal::new("PT409", "a team needs at least one admin")),
        }
    }
}

fn no_such_team() -> Refusal {
    Refusal::new("42501", "you are not a member of this team, or it does not exist")
}
