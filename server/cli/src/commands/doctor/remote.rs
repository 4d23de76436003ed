//! The team's project: whether it can be reached and by whom it is encrypted, what its clock and its
//! database say, who is signed in, and whether changes are announced live.

use std::time::{Duration, Instant};

use agent_core::ports::{LiveEvent, RemoteError};
use agent_remote::probe::{CONTRACTS, Contract, Probe, probe};
use agent_remote::{Auth, Settings, SupabaseRemote};
use tokio::sync::mpsc;

use super::finding::Finding;

/// What is asked of the project, in this order.
const NAMES: [&str; 7] = ["connection", "tls", "clock", "schema", "session", "team", "realtime"];
/// How long the live channel may take: a refused join is answered after 5 s.
const JOIN: Duration = Duration::from_secs(20);
/// A clock that is this far off, in seconds, gives wrong moments in the history.
const ODD_CLOCK: i64 = 10;
/// A clock that is this far off makes tokens look not yet, or no longer, good.
const WRONG_CLOCK: i64 = 60;

/// Says why nothing was asked.
pub(super) fn skip(why: &str, findings: &mut Vec<Finding>) {
    findings.extend(NAMES.map(|name| Finding::skipped(name, why)));
}

/// Asks the project.
pub(super) async fn look(settings: &Settings, auth: &Auth, findings: &mut Vec<Finding>) {
    let host = settings.host();
    let probe = match probe(settings).await {
        Ok(probe) => probe,
        Err(silent) => {
            let (name, fix) = match silent.is_tls {
                true => (
                    "tls",
                    "see whose certificate the server shows; a company's own authority belongs into the system's \
                     certificates, or into the file that SSL_CERT_FILE names",
                ),
                false => {
                    ("connection", "check the network and remote.url; what you save is kept and sent later")
                }
            };
            if silent.is_tls {
                findings.push(Finding::ok("connection", format!("{host} can be reached")));
            }
            findings.push(Finding::failure(name, silent.error.to_string(), fix));
            let rest = NAMES.into_iter().filter(|other| *other != name && *other != "connection");
            findings.extend(rest.map(|name| Finding::skipped(name, format!("{host} gives no answer"))));
            return;
        }
    };
    findings.push(connection(&host, &probe));
    findings.push(tls(settings));
    findings.push(clock(&probe));
    findings.push(schema(&probe));
    if let Some(why) = session(auth, findings).await {
        findings.extend(["team", "realtime"].map(|name| Finding::skipped(name, why)));
        return;
    }
    findings.push(team(settings, auth).await);
    findings.push(realtime(settings, auth).await);
}

fn connection(host: &str, probe: &Probe) -> Finding {
    match &probe.contract {
        Contract::Unknown(error) => Finding::failure(
            "connection",
            error.to_string(),
            "check remote.url and the key in the environment variable that remote.anon_key names",
        ),
        _ => Finding::ok("connection", format!("{host} answers in {} ms", probe.took.as_millis())),
    }
}

fn tls(settings: &Settings) -> Finding {
    match settings.url().scheme() {
        "https" => {
            Finding::ok("tls", "the connection is encrypted, and the system trusts the server's certificate")
        }
        _ => Finding::ok("tls", "not needed: the server is on this machine"),
    }
}

fn clock(probe: &Probe) -> Finding {
    let Some(ahead) = probe.ahead else {
        return Finding::warning(
            "clock",
            "the server does not date its answers",
            "compare the clock with another one",
        );
    };
    let (seconds, side) = (ahead.abs(), if ahead > 0 { "behind" } else { "ahead of" });
    let cause = format!("this machine's clock is {seconds} s {side} the server's");
    let fix = "let the system set the clock by the network (timedatectl set-ntp true, or the like)";
    match seconds {
        ..=ODD_CLOCK => Finding::ok("clock", format!("within {} s of the server's", seconds.max(1))),
        seconds if seconds <= WRONG_CLOCK => Finding::warning("clock", cause, fix),
        _ => Finding::failure("clock", cause, fix),
    }
}

fn schema(probe: &Probe) -> Finding {
    const NAME: &str = "schema";
    let apply = "apply supabase/migrations to the project";
    match &probe.contract {
        Contract::Version(version) if CONTRACTS.contains(version) => {
            Finding::ok(NAME, format!("the project's database keeps contract {version}"))
        }
        // Whether it still serves this program, a pull says.
        Contract::Version(version) if version > CONTRACTS.end() => Finding::warning(
            NAME,
            format!("the project keeps contract {version}, this program knows up to {}", CONTRACTS.end()),
            "install the newest agent",
        ),
        Contract::Version(version) => Finding::failure(
            NAME,
            format!("the project keeps contract {version}, this program needs {}", CONTRACTS.start()),
            apply,
        ),
        Contract::Missing => Finding::failure(NAME, "the project's database lacks what agent needs", apply),
        Contract::Unknown(_) => Finding::skipped(NAME, "the project did not say"),
    }
}

/// Looks at the session; answers why nothing can be asked with it.
async fn session(auth: &Auth, findings: &mut Vec<Finding>) -> Option<&'static str> {
    let (why, finding) = match auth.access_token().await {
        Ok(_) => {
            let who = auth.user().map_or_else(|| "somebody".to_owned(), |user| user.email);
            let kept = auth.kept().unwrap_or("nowhere");
            (None, Finding::ok("session", format!("signed in as {who}; kept in: {kept}")))
        }
        Err(RemoteError::SignedOut(reason)) => {
            let fix = "agent login --email EMAIL --code, or --provider NAME";
            (Some("nobody is signed in"), Finding::failure("session", reason, fix))
        }
        Err(error) => {
            let fix = "see docs/sign-in.md; your files and what waits to be sent are as they were";
            (Some("the session cannot be used"), Finding::failure("session", error.to_string(), fix))
        }
    };
    findings.push(finding);
    why
}

async fn team(settings: &Settings, auth: &Auth) -> Finding {
    const NAME: &str = "team";
    let id = settings.team();
    match SupabaseRemote::new(settings, auth.clone()).teams().await {
        Err(error) => Finding::failure(NAME, error.to_string(), "sign in again: agent login"),
        Ok(teams) => match teams.into_iter().find(|team| team.id == id) {
            Some(team) => Finding::ok(NAME, format!("{}, as {}", team.name, team.role)),
            None => Finding::failure(
                NAME,
                format!("you are not in the team {id}"),
                "ask one of its admins to invite you, then: agent team accept; or correct remote.team_id",
            ),
        },
    }
}

/// Joins the team's channel, and waits until what the database announces arrives there.
async fn realtime(settings: &Settings, auth: &Auth) -> Finding {
    let (sender, mut events) = mpsc::unbounded_channel();
    let began = Instant::now();
    let _listener = agent_remote::listen(settings, auth, move |event| drop(sender.send(event)));
    let answer = tokio::time::timeout(JOIN, async {
        while let Some(event) = events.recv().await {
            match event {
                LiveEvent::Ready => return Ok(()),
                LiveEvent::Lost(why) | LiveEvent::Refused(why) => return Err(why),
                LiveEvent::Moved { .. } => {}
            }
        }
        Err("the channel ended".to_owned())
    });
    let problem = match answer.await {
        Ok(Ok(())) => {
            let took = began.elapsed().as_millis();
            return Finding::ok("realtime", format!("joined the team's channel in {took} ms"));
        }
        Ok(Err(why)) => why,
        Err(_) => format!("no answer to the join within {} s", JOIN.as_secs()),
    };
    Finding::failure(
        "realtime",
        problem,
        "see that Realtime is on in the project and that proxies let WebSockets through; until then changes arrive \
         with the pull every sync.auto_pull_interval seconds",
    )
}
