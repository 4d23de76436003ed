//! `agent team`: what each verb says, in words and as JSON; who is refused what, and why; and what a
//! member sees who was removed, with nothing lost.

use std::sync::Arc;

use agent_tests::scenes::Pair;
use agent_tests::{Backend, Editor, Ran, Team, User, Workspace, eventually};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// Somebody at a machine of their own, in no project yet.
struct Person {
    workspace: Workspace,
    user: User,
    url: String,
}

impl Person {
    fn new(backend: &Arc<Backend>, name: &str) -> Result<Self> {
        let user = backend.user(name)?;
        let mut workspace = Workspace::new(name)?;
        workspace.set_anon_key(backend.anon_key());
        let person = Self { workspace, user, url: backend.url().to_owned() };
        let login = person.run(&["login", "--email", &person.user.email, "--password-stdin"])?;
        ensure!(login.code == 0, "{login:?}");
        Ok(person)
    }

    /// A command, where no project is configured.
    fn run(&self, args: &[&str]) -> Result<Ran> {
        let project = ["--url", &self.url, "--anon-key-env", "SUPABASE_ANON_KEY"];
        let args: Vec<&str> = args.iter().copied().chain(project).collect();
        self.workspace.agent_with(&args, &format!("{}\n", self.user.password()))
    }

    fn team(&self, args: &[&str]) -> Result<Ran> {
        let args: Vec<&str> = ["team"].iter().chain(args).copied().collect();
        self.run(&args)
    }

    fn json(&self, args: &[&str]) -> Result<Value> {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let ran = self.team(&args)?;
        ensure!(ran.code == 0, "{ran:?}");
        let json = ran.json()?;
        ensure!(json["version"] == 1, "{json}");
        Ok(json)
    }
}

fn text<'a>(json: &'a Value, field: &str) -> Result<&'a str> {
    json[field].as_str().with_context(|| format!("no {field} in {json}"))
}

#[test]
fn a_team_is_made_people_join_change_and_go() -> Result<()> {
    let backend = Backend::shared()?;
    let [ann, bob] = [Person::new(&backend, "ann")?, Person::new(&backend, "bob")?];
    let made = ann.team(&["create", "The crew"])?;
    made.says(
        0,
        &["Made the team The crew (", "remote.team_id", "agent team invite EMAIL --role editor --team "],
    )?;
    let created = ann.json(&["create", "The other crew"])?;
    ensure!(created["name"] == "The other crew", "{created}");
    let team = text(&created, "team")?;
    ensure!(!made.out.contains(team), "two teams, two ids");

    let (anns, bobs) = (ann.user.email.as_str(), bob.user.email.as_str());
    bob.team(&["invitations"])?.says(0, &["No invitation waits for you."])?;
    ensure!(bob.json(&["invitations"])?["invitations"] == serde_json::json!([]), "an invitation");
    bob.team(&["accept"])?.says(128, &["no invitation waits for you"])?;

    ann.team(&["invite", bobs, "--role", "viewer", "--team", team])?
        .says(0, &[bobs, "as viewer", "agent team accept"])?;
    // Asked again, the role that is offered changes; there is still one invitation.
    let invited = ann.json(&["invite", bobs, "--role", "editor", "--team", team])?;
    ensure!(invited["email"] == bobs && invited["role"] == "editor" && invited["team"] == team, "{invited}");
    let invitation = text(&invited, "invitation")?;
    bob.team(&["invitations"])?.says(0, &[invitation, "editor", "The other crew", team])?;
    let waiting = bob.json(&["invitations"])?;
    let all = waiting["invitations"].as_array().context("no list")?;
    ensure!(all.len() == 1 && all[0]["invitation"] == invitation && all[0]["role"] == "editor", "{waiting}");
    // Nobody else takes it or turns it down.
    let eve = Person::new(&backend, "eve")?;
    eve.team(&["accept", invitation])?.says(128, &["there is no such invitation for you"])?;
    eve.team(&["decline", invitation])?.says(128, &["there is no such invitation for you"])?;

    // Taken back, it is there for nobody any more; by address or id, and once more it is no error.
    eve.team(&["revoke", invitation, "--team", team])?.says(128, &["you are not a member of the team"])?;
    bob.team(&["revoke", bobs, "--team", team])?.says(128, &["you are not a member of the team"])?;
    ann.team(&["invitations", "--sent", "--team", team])?.says(0, &[invitation, "editor", bobs])?;
    ann.team(&["revoke", bobs, "--team", team, "--dry-run"])?.says(0, &["Would take back", bobs])?;
    ann.team(&["revoke", &bobs.to_uppercase(), "--team", team])?.says(0, &[bobs, "is invited", "no more"])?;
    bob.team(&["accept", invitation])?.says(128, &["there is no such invitation for you"])?;
    let again = ann.json(&["revoke", invitation, "--team", team])?;
    ensure!(again["was_invited"] == false && again["invitation"] == invitation, "{again}");
    ann.team(&["revoke", bobs, "--team", team])?.says(128, &["the team has no invitation for", bobs])?;
    ann.team(&["invitations", "--sent", "--team", team])?.says(0, &["No invitation of the team's waits"])?;
    let sent = ann.json(&["invite", bobs, "--role", "editor", "--team", team])?;
    let sent = text(&sent, "invitation")?;
    let open = ann.json(&["invitations", "--sent", "--team", team])?;
    ensure!(
        open["invitations"][0]["invitation"] == sent && open["invitations"][0]["email"] == bobs,
        "{open}"
    );
    let revoked = ann.json(&["revoke", sent, "--team", team])?;
    ensure!(revoked["was_invited"] == true && revoked["dry_run"] == false, "{revoked}");

    let invited = ann.json(&["invite", bobs, "--role", "editor", "--team", team])?;
    let invitation = text(&invited, "invitation")?;
    bob.team(&["decline", invitation])?.says(0, &["Declined."])?;
    bob.team(&["accept", invitation])?.says(128, &["there is no such invitation for you"])?;
    let first = ann.json(&["invite", bobs, "--role", "editor", "--team", team])?;
    let other = made.out.split(['(', ')']).nth(1).context("no id")?;
    ann.json(&["invite", bobs, "--role", "viewer", "--team", other])?;
    bob.team(&["accept"])?.says(128, &["2 invitations wait for you", "agent team invitations"])?;
    let joined = bob.json(&["accept", text(&first, "invitation")?])?;
    ensure!(
        joined["team"] == team && joined["name"] == "The other crew" && joined["role"] == "editor",
        "{joined}"
    );
    bob.team(&["accept"])?.says(0, &["You are viewer in the team The crew now.", "remote.team_id", other])?;

    bob.team(&["members", "--team", team])?.says(0, &[anns, bobs, "admin", "editor"])?;
    let listed = bob.json(&["members", "--team", team])?;
    let of = |email: &str| {
        let all = listed["members"].as_array().into_iter().flatten();
        all.clone().find(|member| member["display_name"] == email).cloned()
    };
    let (ann_there, bob_there) = (of(anns).context("no Ann")?, of(bobs).context("no Bob")?);
    ensure!(ann_there["role"] == "admin" && bob_there["role"] == "editor", "{listed}");

    // By address in any case, and by id.
    let shouted = bobs.to_uppercase();
    ann.team(&["role", &shouted, "approver", "--team", team])?.says(0, &["is approver in team", team])?;
    let id = text(&bob_there, "user_id")?;
    let changed = ann.json(&["role", id, "editor", "--team", team])?;
    ensure!(changed["user_id"] == id && changed["role"] == "editor" && changed["team"] == team, "{changed}");

    let removed = ann.json(&["remove", bobs, "--team", team])?;
    ensure!(removed["was_member"] == true && removed["team"] == team, "{removed}");
    let again = ann.json(&["remove", id, "--team", team])?;
    ensure!(again["was_member"] == false, "{again}");
    ann.team(&["remove", id, "--team", team])?.says(0, &["was not in team"])?;
    bob.team(&["leave", "--team", other])?.says(0, &["You left team", other])?;
    bob.team(&["members", "--team", other])?.says(128, &["you are not a member of the team"])?;
    Ok(())
}

#[test]
fn who_may_not_is_told_why_and_nothing_changes() -> Result<()> {
    let backend = Backend::shared()?;
    let [ann, bob] = [Person::new(&backend, "ann")?, Person::new(&backend, "bob")?];
    let (anns, bobs) = (ann.user.email.as_str(), bob.user.email.as_str());
    let created = ann.json(&["create", "The crew"])?;
    let team = text(&created, "team")?;
    let known = Team::known(&backend, &ann.user, team.to_owned());
    known.add(&bob.user, "approver")?;
    let members = || ann.json(&["members", "--team", team]);
    let before = members()?;

    let only = "only an admin of the team can change its members";
    bob.team(&["invite", "carl@example.com", "--role", "viewer", "--team", team])?.says(128, &[only])?;
    bob.team(&["role", bobs, "admin", "--team", team])?.says(128, &[only])?;
    bob.team(&["remove", anns, "--team", team])?.says(128, &[only])?;
    let invitations = "only an admin of the team sees its invitations";
    bob.team(&["invitations", "--sent", "--team", team])?.says(128, &[invitations])?;
    bob.team(&["revoke", anns, "--team", team])?.says(128, &[invitations])?;

    let last = ["a team needs at least one admin", "Make somebody else an admin first"];
    ann.team(&["leave", "--team", team])?.says(128, &last)?;
    ann.team(&["role", anns, "viewer", "--team", team])?.says(128, &last)?;
    ann.team(&["remove", anns, "--team", team])?.says(128, &last)?;
    let json = ann.team(&["leave", "--team", team, "--json"])?;
    let message = json.json()?["error"]["message"].as_str().unwrap_or_default().to_owned();
    ensure!(json.code == 128 && message.contains(last[0]), "{json:?}");

    for verb in [&["remove", "nobody@example.com"][..], &["role", "nobody@example.com", "viewer"]] {
        let ran = ann.team(&[verb, &["--team", team]].concat())?;
        ran.says(128, &["the team has no member nobody@example.com", "agent team members"])?;
    }
    let nobody = uuid::Uuid::new_v4().to_string();
    ann.team(&["role", &nobody, "viewer", "--team", team])?
        .says(128, &["no such member", "Invite them first"])?;
    ann.team(&["invite", "no address", "--role", "viewer", "--team", team])?
        .says(128, &["not an email address"])?;
    ann.team(&["members", "--team", &nobody])?.says(128, &["you are not a member of the team"])?;
    ann.team(&["members"])?.says(128, &["no team is named", "--team ID", "remote.team_id"])?;
    ann.team(&["create", "  "])?.says(128, &["a team name has 1 to 200 characters"])?;
    let king = ann.team(&["role", bobs, "king", "--team", team])?;
    ensure!(king.code != 0 && king.code != 128 && king.err.contains("approver"), "{king:?}");
    ensure!(members()? == before, "{}", members()?);

    // An invitation for an address says nothing of who has an account, and is for that address alone.
    ann.team(&["invite", "unknown@example.com", "--role", "viewer", "--team", team])?
        .says(0, &["unknown@example.com"])?;
    bob.team(&["invitations"])?.says(0, &["No invitation waits for you."])?;

    ann.run(&["logout"])?;
    for verb in [&["create", "X"][..], &["invitations"], &["accept"], &["members", "--team", team]] {
        ann.team(verb)?.says(128, &["agent login"])?;
    }
    Ok(())
}

const PATH: &str = ".agent/plans/M-001-member.md";
const TEXT: &str = "# M-001 Member\n\nbody\n";

#[test]
fn who_was_removed_is_told_so_loses_nothing_and_goes_on_when_asked_back() -> Result<()> {
    let backend = Backend::shared()?;
    let (ann, bob) = (backend.user("ann")?, backend.user("bob")?);
    let team = Team::create(&backend, &ann)?;
    team.add(&bob, "editor")?;
    let anns = Workspace::of_team("ann", &team)?;
    anns.login(&ann)?;
    anns.write(PATH, TEXT)?;
    anns.agent_ok(&["sync", "push"])?;
    let bobs = Workspace::of_team("bob", &team)?;
    bobs.login(&bob)?;
    bobs.agent_ok(&["sync", "pull"])?;

    anns.agent_ok(&["team", "remove", &bob.email])?;
    let edited = TEXT.replace("body", "body, and Bob's work");
    bobs.write(PATH, &edited)?;
    bobs.write(".agent/plans/M-002-new.md", "# M-002 New\n")?;
    let why = "you are not a member of this team";
    for command in [&["sync", "push"][..], &["sync", "pull"]] {
        let ran = bobs.agent(command)?;
        let said = format!("{}{}", ran.out, ran.err);
        ensure!(ran.code == 1 && said.contains(why), "{command:?}: {ran:?}");
        let json = bobs.agent(&[command, &["--json"]].concat())?.json()?;
        ensure!(json["remote_problem"].as_str().is_some_and(|problem| problem.contains(why)), "{json:#}");
    }
    let made = bobs.agent(&["new-plan", "--title", "Not any more"])?;
    ensure!(made.code == 128 && made.err.contains(why) && made.err.contains("nothing was made"), "{made:?}");
    let whoami = bobs.agent_ok(&["whoami"])?;
    ensure!(whoami.out.contains("not in this workspace's team"), "{whoami:?}");
    let status = bobs.agent_ok(&["sync", "status", "--json"])?.json()?;
    let waiting = status["artifacts"].as_array().context("no artifacts")?;
    ensure!(waiting.len() == 2 && waiting.iter().all(|entry| entry["next"] == "push"), "{status:#}");
    ensure!(
        status["remote_trouble"]["problem"].as_str().is_some_and(|said| said.contains(why)),
        "{status:#}"
    );

    // The editor says so as well, and saves as ever.
    let mut editor = Editor::start(&bobs)?;
    editor.wait_status("that it is over", |status| {
        status["state"] == "broken" && status["problem"].as_str().is_some_and(|problem| problem.contains(why))
    })?;
    editor.open(PATH)?;
    editor.replace(PATH, "Bob's work", "Bob's work to the end")?;
    editor.save(PATH)?;
    let edited = edited.replace("Bob's work", "Bob's work to the end");
    editor.wait_status("kept", |status| status["waiting"] == 2)?;
    team.expect(PATH, TEXT)?;
    bobs.expect(PATH, Some(&edited))?;

    // Asked back, everything goes out.
    anns.agent_ok(&["team", "invite", &bob.email, "--role", "editor"])?;
    bobs.agent_ok(&["team", "accept"])?;
    editor.request("workspace/executeCommand", serde_json::json!({ "command": "agent.pull" }))?;
    editor.wait_live()?;
    eventually("Bob's work at the team", || {
        team.expect(PATH, &edited)?;
        team.expect(".agent/plans/M-002-new.md", "# M-002 New\n").map(drop)
    })?;
    editor.shutdown()
}

#[test]
fn whoever_is_removed_while_the_editor_runs_keeps_what_is_saved_from_then_on() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    pair.share_open(PATH, TEXT)?;
    pair.ann.workspace.agent_ok(&["team", "remove", &pair.bob.user.email])?;
    pair.bob.edit(PATH, "body", "body after the end")?;
    pair.bob.editor.wait_status("that it is over, and what is kept", |status| {
        let problem = status["problem"].as_str().unwrap_or_default();
        status["waiting"] == 1 && problem.contains("not a member of this team")
    })?;
    // What the team does from then on is nothing Bob hears of.
    pair.ann.edit(PATH, "body", "body of the team")?;
    let anns = TEXT.replace("body", "body of the team");
    eventually("Ann's text at the team", || pair.team.expect(PATH, &anns).map(drop))?;
    let bobs = TEXT.replace("body", "body after the end");
    pair.bob.workspace.expect(PATH, Some(&bobs))?;
    ensure!(
        !pair.bob.editor.conversation().contains("body of the team"),
        "{}",
        pair.bob.editor.conversation()
    );

    // Asked back, both texts are there to choose from.
    pair.ann.workspace.agent_ok(&["team", "invite", &pair.bob.user.email, "--role", "editor"])?;
    pair.bob.workspace.agent_ok(&["team", "accept"])?;
    pair.bob.editor.request("workspace/executeCommand", serde_json::json!({ "command": "agent.pull" }))?;
    let shown = pair.bob.editor.wait_codes(PATH, &["conflict"])?;
    pair.bob.editor.apply(PATH, &shown[0], "Accept both (local first)")?;
    pair.bob.editor.save(PATH)?;
    let both = TEXT.replace("body", "body after the end\nbody of the team");
    eventually("both at the team", || pair.team.expect(PATH, &both).map(drop))?;
    Ok(())
}
