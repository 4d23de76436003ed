//! Every way to sign in, through the real program: a password, a code by mail, a provider in the
//! browser, tokens of the environment. What goes wrong has its own words, and no secret is printed.

use std::sync::Arc;

use agent_tests::browser::{self, Decision};
use agent_tests::{Backend, Editor, Options, Team, User, Workspace, eventually};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;

pub(crate) fn machine(backend: &Arc<Backend>) -> Result<(Workspace, User, Team)> {
    let ann = backend.user("ann")?;
    let team = Team::create(backend, &ann)?;
    let mut workspace = Workspace::of_team("machine", &team)?;
    workspace.set_env("AGENT_LOG", "trace");
    Ok((workspace, ann, team))
}

/// The tokens in the session file.
fn tokens(workspace: &Workspace) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(workspace.home().join("sessions"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let file: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
            let token = |name: &str| file["session"][name].as_str().map(str::to_owned);
            all.extend(["access_token", "refresh_token"].into_iter().filter_map(token));
        }
    }
    ensure!(all.len() == 2, "{} tokens", all.len());
    Ok(all)
}

pub(crate) fn expect_user(workspace: &Workspace, user: &User) -> Result<()> {
    let whoami = workspace.agent_ok(&["whoami", "--json"])?.json()?;
    ensure!(whoami["user"] == user.email.as_str() && whoami["session"] == "file", "{whoami}");
    Ok(())
}

#[test]
fn a_code_by_mail() -> Result<()> {
    let backend = Backend::shared()?;
    let (workspace, ann, _) = machine(&backend)?;
    let mut login = workspace.converse(&["login", "--email", &ann.email, "--code"])?;
    login.hear(|said| said.contains("The code: ").then_some(()))?;
    let mails = backend.mails(&ann.email)?;
    let code = mails.first().context("no mail")?.code()?.to_owned();
    let ran = login.end(&format!(" {} {}\n", &code[..3], &code[3..]))?;
    ran.says(0, &["Signed in", &ann.email])?;
    ran.tells_none(&[&code])?;
    ran.tells_none(&tokens(&workspace)?.iter().map(String::as_str).collect::<Vec<_>>())?;
    expect_user(&workspace, &ann)?;

    // A code is good once, and a failed attempt leaves the session as it was.
    let again = workspace.agent(&["login", "--email", &ann.email, &format!("--code={code}")])?;
    again.says(128, &["wrong, used or too old", "an earlier sign-in is as it was"])?;
    again.tells_none(&[&code])?;
    expect_user(&workspace, &ann)?;

    let nobody = workspace.agent(&["login", "--email", "nobody@example.com", "--code"])?;
    nobody.says(128, &["nobody has an account with this address"])?;
    ensure!(backend.mails("nobody@example.com")?.is_empty(), "a mail to nobody");
    Ok(())
}

#[test]
fn a_provider_in_the_browser() -> Result<()> {
    let backend = Backend::shared()?;
    let (workspace, ann, _) = machine(&backend)?;
    let address = |said: &str| {
        let line = said.lines().find(|line| line.starts_with("http"))?;
        said.contains(&format!("{line}\n")).then(|| line.to_owned())
    };
    let args = ["login", "--provider", "github", "--no-browser"];
    let mut cancelled = workspace.converse(&args)?;
    let page = browser::sign_in(&cancelled.hear(address)?, Decision::Cancel)?;
    ensure!(page.contains("You are not signed in"), "{page}");
    cancelled.end("")?.says(128, &["cancelled at the provider"])?;

    let mut login = workspace.converse(&args)?;
    let page = browser::sign_in(&login.hear(address)?, Decision::Allow(&ann.email))?;
    ensure!(page.contains("You are signed in"), "{page}");
    let ran = login.end("")?;
    ran.says(0, &["Signed in", &ann.email])?;
    ran.tells_none(&tokens(&workspace)?.iter().map(String::as_str).collect::<Vec<_>>())?;
    ensure!(!ran.err.contains("?code=") && !ran.err.contains("code_verifier"), "the code is told: {ran:?}");
    expect_user(&workspace, &ann)?;
    workspace.agent_ok(&["sync", "pull"])?;

    let unknown = workspace.agent(&["login", "--provider", "gitlab"])?;
    unknown.says(128, &["no provider \"gitlab\"; it has github"])?;
    Ok(())
}

pub(crate) fn command(
    editor: &mut Editor,
    name: &str,
    argument: &serde_json::Value,
) -> Result<serde_json::Value> {
    editor.request("workspace/executeCommand", json!({ "command": name, "arguments": [argument] }))
}

#[test]
fn from_the_editor_with_a_provider_and_with_a_code() -> Result<()> {
    let backend = Backend::shared()?;
    let (mut workspace, ann, team) = machine(&backend)?;
    workspace.set_env("AGENT_LOG", "warn");
    let path = ".agent/plans/T-010-editor.md";
    workspace.write(path, "# T-010 Editor\n")?;
    let mut editor = Editor::start(&workspace)?;
    editor.wait_status("signed out", |status| status["state"] == "signed-out")?;
    editor.open(path)?;
    let uri = workspace.uri(path);
    let start = json!({ "line": 0, "character": 0 });
    let params = json!({
        "textDocument": { "uri": uri }, "range": { "start": start, "end": start }, "context": { "diagnostics": [] },
    });
    let actions = editor.request("textDocument/codeAction", params)?;
    let titled = |action: &&serde_json::Value| action["title"] == "Sign in to the team's project";
    let action = actions.as_array().into_iter().flatten().find(titled);
    let action = action.with_context(|| format!("no such action in {actions}"))?.clone();

    // The action asks which way, then the browser does the rest.
    editor.choose("With github");
    editor.run(&action)?;
    let address = editor.wait_address()?;
    let page = browser::sign_in(&address, Decision::Allow(&ann.email))?;
    ensure!(page.contains("You are signed in"), "{page}");
    editor.wait_message("signed in", |text| text == format!("Signed in as {}", ann.email))?;
    editor.wait_live()?;
    team.expect(path, "# T-010 Editor\n")?;

    command(&mut editor, "agent.signOut", &json!({ "uri": uri }))?;
    editor.wait_status("signed out again", |status| status["state"] == "signed-out")?;
    command(&mut editor, "agent.signIn", &json!({ "method": "browser", "provider": "github" }))?;
    browser::sign_in(&editor.wait_address()?, Decision::Cancel)?;
    editor.wait_message("why not", |text| text.contains("cancelled at the provider"))?;

    let sent = command(&mut editor, "agent.signIn", &json!({ "method": "code", "email": ann.email }))?;
    ensure!(sent["sentTo"] == ann.email.as_str(), "{sent}");
    let mails = backend.mails(&ann.email)?;
    let code = mails.first().context("no mail")?.code()?.to_owned();
    let wrong =
        json!({ "command": "agent.submitCode", "arguments": [{ "email": ann.email, "code": "wrong" }] });
    let refused = editor.request_refused("workspace/executeCommand", wrong)?;
    ensure!(refused.code == -32803 && refused.message.contains("wrong, used or too old"), "{refused:?}");
    command(&mut editor, "agent.submitCode", &json!({ "email": ann.email, "code": code }))?;
    editor.wait_live()?;
    let odd = json!({ "command": "agent.submitCode", "arguments": [{ "email": ann.email, "password": "hunter2" }] });
    let refused = editor.request_refused("workspace/executeCommand", odd)?;
    ensure!(refused.code == -32602 && !refused.message.contains("hunter2"), "{refused:?}");
    for secret in tokens(&workspace)?.iter().chain([&code]) {
        ensure!(!editor.stderr().contains(secret.as_str()), "the log tells a secret");
    }
    editor.shutdown()
}

#[test]
fn tokens_of_the_environment() -> Result<()> {
    let backend = Backend::shared()?;
    let (mut workspace, ann, team) = machine(&backend)?;
    let path = ".agent/plans/T-001-ci.md";
    workspace.write(path, "# T-001 CI\n")?;
    let session = backend.session(&ann)?;
    let token = |name: &str| session[name].as_str().map(str::to_owned).context("no token");
    let (access, refresh) = (token("access_token")?, token("refresh_token")?);

    workspace.set_env("AGENT_ACCESS_TOKEN", &access);
    let pushed = workspace.agent(&["sync", "push"])?;
    pushed.says(0, &[])?;
    pushed.tells_none(&[&access])?;
    team.expect(path, "# T-001 CI\n")?;
    let whoami = workspace.agent_ok(&["whoami", "--json"])?.json()?;
    ensure!(whoami["user"] == ann.email.as_str() && whoami["session"] == "environment", "{whoami}");
    let login = workspace.agent_with(&["login", "--email", &ann.email, "--password-stdin"], "x\n")?;
    login.says(128, &["AGENT_ACCESS_TOKEN is set and counts over any sign-in"])?;
    workspace.agent(&["logout"])?.says(128, &["AGENT_ACCESS_TOKEN", "unset it"])?;

    // The same refresh token serves any number of runs, one after the other and at once.
    workspace.set_env("AGENT_ACCESS_TOKEN", "");
    workspace.set_env("AGENT_REFRESH_TOKEN", &refresh);
    for run in 0..3 {
        workspace.write(path, format!("# T-001 CI\n\nrun {run}\n"))?;
        let pushed = workspace.agent(&["sync", "push"])?;
        pushed.says(0, &[])?;
        pushed.tells_none(&[&refresh])?;
        team.expect(path, &format!("# T-001 CI\n\nrun {run}\n"))?;
    }
    ensure!(!workspace.home().join("sessions").exists(), "a token of the environment was written down");

    workspace.write(path, "# T-001 CI\n\nwaits\n")?;
    workspace.set_env("AGENT_REFRESH_TOKEN", "gone");
    workspace.agent(&["sync", "push"])?.says(1, &["does not accept the token in AGENT_REFRESH_TOKEN"])?;
    workspace.set_env("AGENT_REFRESH_TOKEN", "");
    workspace.set_env("AGENT_ACCESS_TOKEN", backend.secret_key());
    let refused = workspace.agent(&["sync", "push"])?;
    ensure!(refused.code != 0, "{refused:?}");
    refused.says(refused.code, &["AGENT_ACCESS_TOKEN is a secret key, which bypasses every access rule"])?;
    refused.tells_none(&[backend.secret_key()])?;
    Ok(())
}

#[test]
fn codes_that_are_too_old_addresses_that_are_not_confirmed_and_too_many_attempts() -> Result<()> {
    let options = Options { otp_expiry: Some(1), confirm_mail: true, ..Options::default() };
    let backend = Arc::new(Backend::start_with(options, &mut |_| {})?);
    let ann = backend.unconfirmed_user("ann")?;
    let mut workspace = Workspace::new("machine")?;
    workspace.set_anon_key(backend.anon_key());
    let url = backend.url().to_owned();
    let login = |args: &[&str], input: &str| {
        let mut all =
            vec!["login", "--email", &ann.email, "--url", &url, "--anon-key-env", "SUPABASE_ANON_KEY"];
        all.extend(args);
        workspace.agent_with(&all, input)
    };
    let ran = login(&["--password-stdin"], &format!("{}\n", ann.password()))?;
    ran.says(128, &["the address is not confirmed yet: follow the link"])?;

    login(&["--code"], "\n")?.says(128, &["holds no code", "--code=CODE"])?;
    let mails = backend.mails(&ann.email)?;
    let mail = mails.first().context("no mail")?;
    let sent_at: jiff::Timestamp = mail.sent_at.parse()?;
    eventually("the code to be too old", || {
        let age = jiff::Timestamp::now().as_millisecond() - sent_at.as_millisecond();
        ensure!(age > 1500, "{age} ms old");
        Ok(())
    })?;
    let code = format!("--code={}", mail.code()?);
    login(&[&code], "")?.says(128, &["wrong, used or too old; have a new one sent"])?;

    backend.faults(&json!({ "rest": { "path": "/auth/v1/otp", "action": "fail", "status": 429 } }))?;
    login(&["--code"], "")?.says(128, &["no more attempts for now", "try again in a few minutes"])?;
    Ok(())
}
