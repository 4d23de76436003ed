//! `agent doctor`: each look finds what is well to be well, and what is broken to be broken, with the
//! way out; and it never tells a secret.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use agent_remote::schema::SCHEMA_VERSION;
use agent_tests::{Backend, Ran, Team, TlsFront, User, Workspace, lasting_backend};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

const LOCAL: [&str; 6] = ["configuration", "permissions", "database", "git", "git-merge", "git-ignore"];
const REMOTE: [&str; 7] = ["connection", "tls", "clock", "schema", "session", "team", "realtime"];

/// A workspace with nothing wrong.
struct Healthy {
    workspace: Workspace,
    team: Team,
    ann: User,
}

fn healthy_on(backend: &Arc<Backend>) -> Result<Healthy> {
    let ann = backend.user("ann")?;
    let team = Team::create(backend, &ann)?;
    let workspace = Workspace::of_team("doctor", &team)?;
    git(&workspace, &["init", "--quiet"])?;
    workspace.agent_ok(&["sync", "init"])?;
    workspace.agent_ok(&["git", "install"])?;
    workspace.login(&ann)?;
    workspace.write(".agent/plans/D-001-x.md", "# D-001 X\n")?;
    workspace.agent_ok(&["sync", "push"])?;
    Ok(Healthy { workspace, team, ann })
}

fn healthy() -> Result<Healthy> {
    healthy_on(&Backend::shared()?)
}

fn git(workspace: &Workspace, args: &[&str]) -> Result<()> {
    let ran = workspace.command_of("git")?.args(args).output()?;
    ensure!(ran.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    Ok(())
}

/// Everything that was found, by name; of several of one name the worst.
struct Found {
    by_name: BTreeMap<String, Value>,
    ran: Ran,
}

fn doctor(workspace: &Workspace, args: &[&str]) -> Result<Found> {
    let args: Vec<&str> = ["doctor", "--json"].into_iter().chain(args.iter().copied()).collect();
    let ran = workspace.agent(&args)?;
    let report = ran.json()?;
    ensure!(report["version"] == 1, "{report}");
    let mut by_name = BTreeMap::new();
    for finding in report["findings"].as_array().context("no findings")? {
        let name = finding["name"].as_str().context("no name")?.to_owned();
        let is_worse = finding["result"] != "ok" || !by_name.contains_key(&name);
        if is_worse {
            by_name.insert(name, finding.clone());
        }
    }
    Ok(Found { by_name, ran })
}

impl Found {
    /// Fails unless the look of this name says this, in these words, with a way out where one is due.
    fn says(&self, name: &str, result: &str, words: &[&str]) -> Result<&Self> {
        let finding = self.by_name.get(name).with_context(|| format!("no {name} in {:#?}", self.by_name))?;
        ensure!(finding["result"] == result, "{name} is not {result}: {finding:#}");
        let said = finding.to_string();
        for word in words {
            ensure!(said.contains(word), "{word:?} is not in {finding:#}");
        }
        let has_fix = finding["fix"].as_str().is_some_and(|fix| !fix.is_empty());
        ensure!(has_fix == matches!(result, "warning" | "failure"), "{finding:#}");
        ensure!(finding["cause"].is_string() == (result != "ok"), "{finding:#}");
        let code = i32::from(self.by_name.values().any(|finding| finding["result"] == "failure"));
        ensure!(self.ran.code == code, "exit code {}, not {code}", self.ran.code);
        Ok(self)
    }

    fn all(&self, names: &[&str], result: &str) -> Result<&Self> {
        names.iter().try_for_each(|name| self.says(name, result, &[]).map(drop))?;
        Ok(self)
    }
}

#[test]
fn nothing_is_wrong_with_what_is_well() -> Result<()> {
    let Healthy { workspace, .. } = healthy()?;
    let found = doctor(&workspace, &[])?;
    found.all(&LOCAL, "ok")?.all(&REMOTE, "ok")?;
    ensure!(found.by_name.len() == LOCAL.len() + REMOTE.len(), "{:#?}", found.by_name);
    let text = workspace.agent_ok(&["doctor"])?;
    ensure!(text.out.ends_with("Nothing is wrong.\n"), "{text:?}");
    // Without asking anybody.
    doctor(&workspace, &["--offline"])?.all(&LOCAL, "ok")?.all(&REMOTE, "skipped")?;
    Ok(())
}

#[test]
fn a_configuration_that_cannot_be_used_is_named() -> Result<()> {
    let Healthy { mut workspace, team, .. } = healthy()?;
    workspace.configure("remote:\n  ulr: https://x\n")?;
    doctor(&workspace, &[])?
        .says("configuration", "failure", &["ulr", "sync.yaml"])?
        .all(&REMOTE, "skipped")?;
    workspace.configure("sync:\n  auto_push: true\n")?;
    doctor(&workspace, &[])?.says("configuration", "failure", &["remote.url is not set"])?;
    fs::remove_file(workspace.file(".agent/etc/sync.yaml"))?;
    doctor(&workspace, &[])?.says("configuration", "failure", &["agent sync init"])?;
    let yaml = "remote:\n  url: URL\n  anon_key: ${SUPABASE_ANON_KEY}\n  team_id: TEAM\n";
    workspace.configure(&yaml.replace("URL", team.backend.url()).replace("TEAM", &team.id))?;
    doctor(&workspace, &["--offline"])?.says("configuration", "ok", &[&team.id])?;
    workspace.set_anon_key("");
    doctor(&workspace, &[])?.says("configuration", "failure", &["SUPABASE_ANON_KEY is not set"])?;
    // Nowhere at all.
    let nowhere = workspace.agent(&["-C", "/", "doctor", "--json"])?;
    ensure!(nowhere.code == 1 && nowhere.out.contains("agent sync init"), "{nowhere:?}");
    Ok(())
}

#[cfg(unix)]
#[test]
fn what_others_can_read_and_what_cannot_be_written_is_found() -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let Healthy { workspace, .. } = healthy()?;
    let database = workspace.file(".agent/cache/agent.db");
    let open_up = |file: &std::path::Path| fs::set_permissions(file, fs::Permissions::from_mode(0o644));
    open_up(&database)?;
    doctor(&workspace, &["--offline"])?.says("permissions", "warning", &["agent.db", "644", "chmod 600"])?;
    fs::set_permissions(&database, fs::Permissions::from_mode(0o600))?;
    let session = fs::read_dir(workspace.home().join("sessions"))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "json"))
        .context("no session file")?;
    open_up(&session)?;
    doctor(&workspace, &["--offline"])?.says("permissions", "warning", &["sessions", "chmod 600"])?;
    fs::set_permissions(&session, fs::Permissions::from_mode(0o600))?;
    doctor(&workspace, &["--offline"])?.says("permissions", "ok", &[])?;
    fs::remove_dir_all(workspace.file(".agent/logs"))?;
    workspace.write(".agent/logs", "a file where a folder belongs")?;
    doctor(&workspace, &["--offline"])?.says("permissions", "failure", &[".agent/logs"])?;
    Ok(())
}

#[test]
fn a_database_is_looked_at_and_left_as_it_is() -> Result<()> {
    let Healthy { workspace, team, .. } = healthy()?;
    let file = workspace.file(".agent/cache/agent.db");
    let sound = fs::read(&file)?;
    // Damage far behind the first page, which opening it does not meet.
    let mut damaged = sound.clone();
    let page = damaged.len() / 4096 / 2 * 4096;
    damaged[page..page + 2048].fill(0xa5);
    for (bytes, words) in [(damaged, "damaged"), (b"no database".repeat(500), "agent sync pull")] {
        fs::write(&file, &bytes)?;
        doctor(&workspace, &["--offline"])?.says("database", "failure", &[words])?;
        ensure!(fs::read(&file)? == bytes, "it was changed");
    }
    fs::write(&file, &sound)?;
    doctor(&workspace, &["--offline"])?.says("database", "ok", &["sound"])?;
    let other = "00000000-0000-4000-8000-000000000009";
    let yaml = fs::read_to_string(workspace.file(".agent/etc/sync.yaml"))?;
    workspace.configure(&yaml.replace(&team.id, other))?;
    doctor(&workspace, &["--offline"])?.says("database", "failure", &["belongs to", other, &team.id])?;
    workspace.configure(&yaml)?;
    rusqlite::Connection::open(&file)?.pragma_update(None, "user_version", 99)?;
    doctor(&workspace, &["--offline"])?.says("database", "failure", &["99", "newest agent"])?;
    fs::remove_file(&file)?;
    doctor(&workspace, &["--offline"])?.says("database", "warning", &["not there yet"])?;
    ensure!(!file.exists(), "looking made one");
    Ok(())
}

#[cfg(unix)]
#[test]
fn git_and_its_set_up_are_looked_at() -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let Healthy { mut workspace, .. } = healthy()?;
    let look = |workspace: &Workspace| doctor(workspace, &["--offline"]);
    git(&workspace, &["config", "merge.agent.driver", "/gone/agent merge-file %A %O %B"])?;
    look(&workspace)?.says("git-merge", "warning", &["merge.agent.driver", "agent git install"])?;
    workspace.agent_ok(&["git", "uninstall"])?;
    look(&workspace)?.says("git-merge", "warning", &[".gitattributes"])?;
    workspace.agent_ok(&["git", "install"])?;
    let ignored = workspace.read(".agent/.gitignore")?;
    workspace.remove(".agent/.gitignore")?;
    look(&workspace)?.says("git-merge", "ok", &[])?.says(
        "git-ignore",
        "warning",
        &["agent.db", "sync.log"],
    )?;
    git(&workspace, &["add", ".agent/cache/agent.db"])?;
    workspace.write(".agent/.gitignore", &ignored)?;
    look(&workspace)?.says("git-ignore", "failure", &["git rm --cached"])?;
    git(&workspace, &["rm", "--quiet", "--cached", ".agent/cache/agent.db"])?;
    look(&workspace)?.says("git-ignore", "ok", &[])?;
    fs::remove_dir_all(workspace.file(".git"))?;
    look(&workspace)?.says("git-merge", "warning", &["no Git repository"])?;

    // An old Git, and none.
    let programs = workspace.home().join("programs");
    fs::create_dir_all(&programs)?;
    workspace.set_env("PATH", &programs.display().to_string());
    look(&workspace)?.says("git", "warning", &["cannot be run"])?;
    let old = programs.join("git");
    fs::write(&old, "#!/bin/sh\necho git version 1.8.3\n")?;
    fs::set_permissions(&old, fs::Permissions::from_mode(0o755))?;
    look(&workspace)?.says("git", "warning", &["1.8.3", "newer Git"])?;
    Ok(())
}

#[test]
fn a_server_that_is_gone_is_named_and_the_rest_is_looked_at_still() -> Result<()> {
    let (backend, _folder) = lasting_backend()?;
    let Healthy { mut workspace, .. } = healthy_on(&backend)?;
    let key = backend.anon_key().to_owned();
    workspace.set_anon_key("sb_publishable_another-project");
    doctor(&workspace, &[])?.says("connection", "failure", &["anon_key"])?;
    workspace.set_anon_key(&key);
    backend.stop()?;
    let found = doctor(&workspace, &[])?;
    found
        .all(&LOCAL, "ok")?
        .says("connection", "failure", &["connection refused"])?
        .all(&REMOTE[1..], "skipped")?;
    backend.restart()?;
    doctor(&workspace, &[])?.all(&REMOTE, "ok")?;
    Ok(())
}

#[test]
fn a_certificate_nobody_trusts_is_a_failure_of_tls() -> Result<()> {
    let Healthy { mut workspace, team, ann } = healthy()?;
    let front = TlsFront::before(team.backend.url())?;
    let yaml = workspace.read(".agent/etc/sync.yaml")?;
    workspace.configure(&yaml.replace(team.backend.url(), &front.url()))?;
    let found = doctor(&workspace, &[])?;
    found.says("connection", "ok", &["can be reached"])?.says(
        "tls",
        "failure",
        &["certificate", "SSL_CERT_FILE"],
    )?;
    found.all(&REMOTE[2..], "skipped")?;
    workspace.set_env("SSL_CERT_FILE", &front.certificate().display().to_string());
    workspace.login(&ann)?;
    fs::remove_file(workspace.file(".agent/cache/agent.db"))?;
    doctor(&workspace, &[])?.says("tls", "ok", &["encrypted"])?.all(&REMOTE, "ok")?;
    Ok(())
}

/// A server that answers everything with this status, date and body.
fn answering(status: u16, date: &str, body: &str) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let head = format!("HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\ndate: {date}\r\n");
    let answer = format!("{head}connection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines().map_while(std::result::Result::ok);
            while lines.next().is_some_and(|line| !line.is_empty()) {}
            let _ = (&stream).write_all(answer.as_bytes());
        }
    });
    Ok(url)
}

#[test]
fn a_wrong_clock_and_another_contract_are_found() -> Result<()> {
    let Healthy { workspace, team, .. } = healthy()?;
    let yaml = workspace.read(".agent/etc/sync.yaml")?;
    let of = |server: &str| -> Result<Found> {
        workspace.configure(&yaml.replace(team.backend.url(), server))?;
        doctor(&workspace, &[])
    };
    let now = jiff::Timestamp::now();
    let date = |at: jiff::Timestamp| at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let current = SCHEMA_VERSION.to_string();
    let hour = jiff::SignedDuration::from_hours(1);
    let found = of(&answering(200, &date(now + hour), &current)?)?;
    found.says("clock", "failure", &["behind the server's"])?.says("schema", "ok", &[])?;
    of(&answering(200, &date(now - hour), &current)?)?.says(
        "clock",
        "failure",
        &["ahead of the server's"],
    )?;
    let late = jiff::SignedDuration::from_secs(30);
    of(&answering(200, &date(now + late), &current)?)?.says("clock", "warning", &["behind"])?;
    let found = of(&answering(200, &date(jiff::Timestamp::now()), "99")?)?;
    found.says("clock", "ok", &[])?.says("schema", "warning", &["99", "newest agent"])?;
    of(&answering(200, "yesterday", "0")?)?.says("schema", "failure", &["supabase/migrations"])?.says(
        "clock",
        "warning",
        &["does not date"],
    )?;
    let missing = r#"{"code":"PGRST202","message":"Could not find the function"}"#;
    of(&answering(404, &date(now), missing)?)?.says("schema", "failure", &["supabase/migrations"])?;
    of(&answering(200, &date(now), r#"{"hello":1}"#)?)?.says("connection", "failure", &["remote.url"])?;
    Ok(())
}

#[test]
fn who_is_signed_in_and_in_which_team_is_found() -> Result<()> {
    let Healthy { workspace, team, ann } = healthy()?;
    workspace.agent_ok(&["logout"])?;
    doctor(&workspace, &[])?
        .says("session", "failure", &["agent login"])?
        .all(&["team", "realtime"], "skipped")?;
    let eve = team.backend.user("eve")?;
    workspace.login(&eve)?;
    doctor(&workspace, &[])?
        .says("session", "ok", &[&eve.email])?
        .says("team", "failure", &[&team.id, "agent team accept"])?
        .says("realtime", "failure", &[])?;
    workspace.login(&ann)?;
    let yaml = workspace.read(".agent/etc/sync.yaml")?;
    let elsewhere = answering(404, "today", "{}")?;
    workspace.configure(&yaml.replace("sync:", &format!("  realtime_url: {elsewhere}\nsync:")))?;
    doctor(&workspace, &[])?.says("session", "ok", &[])?.says("realtime", "failure", &["WebSockets"])?;
    Ok(())
}

#[test]
fn no_secret_is_told_whatever_is_wrong() -> Result<()> {
    let Healthy { mut workspace, team, ann } = healthy()?;
    let granted = team.backend.session(&ann)?;
    let access = granted["access_token"].as_str().context("no token")?.to_owned();
    let mut secrets = vec![access.clone(), team.backend.anon_key().to_owned(), "hunter2".to_owned()];
    for file in fs::read_dir(workspace.home().join("sessions"))? {
        let text = fs::read_to_string(file?.path()).unwrap_or_default();
        let Ok(stored) = serde_json::from_str::<Value>(&text) else { continue };
        let tokens = ["access_token", "refresh_token"].map(|name| stored.to_string().contains(name));
        ensure!(tokens == [true, true], "the session file holds no tokens: {stored}");
        let fields = stored
            .as_object()
            .into_iter()
            .flatten()
            .chain(stored["session"].as_object().into_iter().flatten());
        let tokens =
            fields.filter(|(name, _)| name.ends_with("_token")).filter_map(|(_, value)| value.as_str());
        secrets.extend(tokens.map(str::to_owned));
    }
    ensure!(secrets.len() == 5, "{}", secrets.len());
    workspace.set_env("AGENT_LOG", "trace");
    let yaml = workspace.read(".agent/etc/sync.yaml")?;
    let with_password = yaml.replace("http://", "http://ann:hunter2@");
    let elsewhere = yaml.replace(&team.id, "00000000-0000-4000-8000-000000000009");
    let mut said = 0;
    for (yaml, token) in
        [(&yaml, ""), (&yaml, &access), (&yaml, "hunter2"), (&with_password, ""), (&elsewhere, "")]
    {
        workspace.configure(yaml)?;
        workspace.set_env("AGENT_ACCESS_TOKEN", token);
        for args in [&["doctor"][..], &["doctor", "--json"]] {
            let ran = workspace.agent(args)?;
            said += ran.out.len();
            for secret in &secrets {
                ensure!(!ran.out.contains(secret) && !ran.err.contains(secret), "{secret} in {ran:?}");
            }
        }
    }
    ensure!(said > 5_000, "it said next to nothing");
    Ok(())
}
