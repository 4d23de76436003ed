//! The development backend as a child process: started, stopped, killed and started again on the
//! same port and data, and asked for its counters.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::binary::project;
use crate::http::Http;
use crate::team::User;
use crate::wait::eventually;
use crate::{npm, team};

/// How to start a backend.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// Keep the data here, so that it survives a stop.
    pub data: Option<PathBuf>,
    /// Apply these migrations instead of the project's.
    pub migrations: Option<PathBuf>,
    /// How long an access token is good for, in seconds.
    pub jwt_expiry: Option<u32>,
    /// How long a mailed code is good for, in seconds.
    pub otp_expiry: Option<u32>,
    /// Who signs up must confirm the address before signing in.
    pub confirm_mail: bool,
}

/// A mail that Auth would have sent.
#[derive(Debug, Clone, Deserialize)]
pub struct Mail {
    /// What it says.
    pub text: String,
    /// When, as RFC 3339.
    pub sent_at: String,
}

impl Mail {
    /// The code in it.
    ///
    /// # Errors
    /// When there is none.
    pub fn code(&self) -> Result<&str> {
        let words = self.text.split(|c: char| !c.is_ascii_digit());
        words.into_iter().find(|word| word.len() == 6).with_context(|| format!("no code in {:?}", self.text))
    }
}

/// What a backend says when it is ready.
#[derive(Debug, Clone, Deserialize)]
struct Ready {
    url: String,
    publishable_key: String,
    secret_key: String,
}

/// The backend's counters.
#[derive(Debug, Clone)]
pub struct Stats(Value);

impl Stats {
    /// How many requests of this method and path, such as `POST /rest/v1/rpc/push_artifacts`.
    pub fn requests(&self, of: &str) -> u64 {
        self.0["requests"][of]["count"].as_u64().unwrap_or(0)
    }

    /// How many bytes the answers to these requests had, headers included.
    pub fn bytes_out(&self, of: &str) -> u64 {
        self.0["requests"][of]["bytes_out"].as_u64().unwrap_or(0)
    }

    /// How many calls of one of the project's functions.
    pub fn calls(&self, function: &str) -> u64 {
        self.requests(&format!("POST /rest/v1/rpc/{function}"))
    }

    /// How many requests in all, without those for the counters themselves.
    pub fn total(&self) -> u64 {
        self.table().iter().map(|(_, count)| count).sum()
    }

    /// A counter of the live channel: `broadcasts`, `deliveries`, `joins` …
    pub fn live(&self, counter: &str) -> u64 {
        self.0["realtime"][counter].as_u64().unwrap_or(0)
    }

    /// All requests by method and path, with their counts.
    pub fn table(&self) -> Vec<(String, u64)> {
        let requests = self.0["requests"].as_object();
        let rows = requests.into_iter().flatten().filter(|(name, _)| !name.contains(" /dev/"));
        rows.map(|(name, row)| (name.clone(), row["count"].as_u64().unwrap_or(0))).collect()
    }
}

/// A backend that remembers, and where: it may be stopped and started. The folder goes last.
///
/// # Errors
/// When it does not start.
pub fn lasting_backend() -> Result<(Arc<Backend>, TempDir)> {
    let folder = tempfile::tempdir()?;
    let options = Options { data: Some(folder.path().join("pg")), ..Options::default() };
    Ok((Arc::new(Backend::start_with(options, &mut |_| {})?), folder))
}

/// A running (or stopped) backend. Dropping it ends the process.
#[derive(Debug)]
pub struct Backend {
    options: Options,
    ready: Ready,
    port: u16,
    running: Mutex<Option<Running>>,
    http: Mutex<Http>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    /// Closing it stops the process, also when this program is killed.
    stdin: Option<ChildStdin>,
    said: Arc<Mutex<String>>,
}

impl Backend {
    /// One for all tests of this process: each makes its own team. It ends with the process, which
    /// closes its standard input.
    ///
    /// # Errors
    /// When it does not start.
    pub fn shared() -> Result<Arc<Self>> {
        static SHARED: Mutex<Option<Arc<Backend>>> = Mutex::new(None);
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(backend) = &*shared {
            return Ok(Arc::clone(backend));
        }
        let backend = Arc::new(Self::start()?);
        *shared = Some(Arc::clone(&backend));
        Ok(backend)
    }

    /// Starts one with its data in memory, on any free port.
    ///
    /// # Errors
    /// Without Node.js, or when it does not start.
    pub fn start() -> Result<Self> {
        Self::start_with(Options::default(), &mut |_| {})
    }

    /// Starts one; `say` hears what takes long.
    ///
    /// # Errors
    /// As above.
    pub fn start_with(options: Options, say: &mut dyn FnMut(&str)) -> Result<Self> {
        npm::install(&project().join("supabase/dev"), say)?;
        let (running, ready) = launch(&options, 0)?;
        let port = url::Url::parse(&ready.url)?.port().context("the backend's address has no port")?;
        let running = Mutex::new(Some(running));
        Ok(Self { options, ready, port, running, http: Mutex::new(Http::new()?) })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.ready.url
    }

    /// The key that clients carry.
    pub fn anon_key(&self) -> &str {
        &self.ready.publishable_key
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Errors
    /// When it does not.
    pub fn stop(&self) -> Result<()> {
        match self.running().take() {
            Some(running) => running.end(),
            None => Ok(()),
        }
    }

    /// Ends it as a power cut would.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill9(&self) -> Result<()> {
        if let Some(mut running) = self.running().take() {
            running.child.kill()?;
            running.child.wait()?;
        }
        Ok(())
    }

    /// Starts it again on the same port, with the same data if there is a folder for it.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart(&self) -> Result<()> {
        self.stop()?;
        // The port may be held for a moment by what was just ended.
        let started = eventually("the backend to start again", || launch(&self.options, self.port))?;
        *self.running() = Some(started.0);
        Ok(())
    }

    /// What it counted since the last reset.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn stats(&self) -> Result<Stats> {
        self.dev("/dev/stats", None).map(Stats)
    }

    /// Starts counting from nothing.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn reset_stats(&self) -> Result<()> {
        self.dev("/dev/stats/reset", Some(&json!({}))).map(drop)
    }

    /// Sets fault knobs (docs/backend.md).
    ///
    /// # Errors
    /// When it refuses them.
    pub fn faults(&self, knobs: &Value) -> Result<()> {
        self.dev("/dev/faults", Some(knobs)).map(drop)
    }

    /// Signs somebody up. The address is `name+<random>@example.com`, because a database may be
    /// shared by many tests.
    ///
    /// # Errors
    /// When it refuses.
    pub fn user(&self, name: &str) -> Result<User> {
        let email = format!("{name}+{}@example.com", uuid::Uuid::new_v4().simple());
        self.user_as(&email)
    }

    /// Signs somebody up with exactly this address.
    ///
    /// # Errors
    /// When it refuses.
    pub fn user_as(&self, email: &str) -> Result<User> {
        let body = json!({ "email": email, "password": team::PASSWORD });
        let answer = self.call("/auth/v1/signup", None, Some(&body))?;
        let token = answer["access_token"].as_str().context("signing up gave no session")?;
        Ok(User { email: email.to_owned(), token: token.to_owned() })
    }

    /// Signs somebody up who then has to confirm the address.
    ///
    /// # Errors
    /// When it refuses.
    pub fn unconfirmed_user(&self, name: &str) -> Result<User> {
        let email = format!("{name}+{}@example.com", uuid::Uuid::new_v4().simple());
        let body = json!({ "email": email, "password": team::PASSWORD });
        self.call("/auth/v1/signup", None, Some(&body))?;
        Ok(User { email, token: String::new() })
    }

    /// A session of somebody's, as Auth grants it.
    ///
    /// # Errors
    /// When it refuses.
    pub fn session(&self, who: &User) -> Result<Value> {
        let body = json!({ "email": who.email, "password": who.password() });
        self.call("/auth/v1/token?grant_type=password", None, Some(&body))
    }

    /// The mails to an address, newest first.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn mails(&self, to: &str) -> Result<Vec<Mail>> {
        let to: String = url::form_urlencoded::byte_serialize(to.as_bytes()).collect();
        Ok(serde_json::from_value(self.dev(&format!("/dev/mails?to={to}"), None)?)?)
    }

    /// The key that must never leave a server.
    pub fn secret_key(&self) -> &str {
        &self.ready.secret_key
    }

    /// Calls a function of the project as somebody. A token that lives for seconds may be over by then: it is
    /// asked for again once.
    ///
    /// # Errors
    /// What it answers.
    pub fn rpc(&self, who: &User, function: &str, arguments: &Value) -> Result<Value> {
        let path = format!("/rest/v1/rpc/{function}");
        match self.call(&path, Some(who), Some(arguments)) {
            Err(error) if error.to_string().contains("JWT expired") => {
                let session = self.session(who)?;
                let token = session["access_token"].as_str().context("signing in gave no session")?;
                let who = User { email: who.email.clone(), token: token.to_owned() };
                self.call(&path, Some(&who), Some(arguments))
            }
            answer => answer,
        }
    }

    pub(crate) fn call(&self, path: &str, who: Option<&User>, body: Option<&Value>) -> Result<Value> {
        let bearer = who.map(|who| format!("Bearer {}", who.token));
        let mut headers = vec![("apikey", self.anon_key())];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        self.http().call(&format!("{}{path}", self.url()), &headers, body)
    }

    fn dev(&self, path: &str, body: Option<&Value>) -> Result<Value> {
        let headers = [("apikey", self.ready.secret_key.as_str())];
        self.http().call(&format!("{}{path}", self.url()), &headers, body)
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn http(&self) -> std::sync::MutexGuard<'_, Http> {
        self.http.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

impl Running {
    fn end(mut self) -> Result<()> {
        drop(self.stdin.take());
        let ended = eventually("the backend to end", || match self.child.try_wait()? {
            Some(status) => Ok(status),
            None => bail!("still running; it said:\n{}", self.said()),
        });
        if ended.is_err() {
            self.child.kill()?;
            self.child.wait()?;
        }
        ended.map(drop)
    }

    fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn launch(options: &Options, port: u16) -> Result<(Running, Ready)> {
    let mut command = Command::new("node");
    command.arg("src/main.js").current_dir(project().join("supabase/dev"));
    command.args(["--port", &port.to_string(), "--exit-on-stdin-close", "--no-delays"]);
    if let Some(data) = &options.data {
        command.arg("--data").arg(data);
    } else if options.migrations.is_some() {
        // Not on a database that has the project's own already.
    } else if let Some(database) = std::env::var_os("TEST_DATABASE_URL").filter(|url| !url.is_empty()) {
        command.arg("--database-url").arg(database);
    }
    if let Some(migrations) = &options.migrations {
        command.arg("--migrations").arg(migrations);
    }
    if let Some(seconds) = options.jwt_expiry {
        command.args(["--jwt-expiry", &seconds.to_string()]);
    }
    if let Some(seconds) = options.otp_expiry {
        command.args(["--otp-expiry", &seconds.to_string()]);
    }
    if options.confirm_mail {
        command.arg("--confirm-mail");
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("node does not start; Node.js 20 or newer is needed")?;
    let said = Arc::new(Mutex::new(String::new()));
    if let Some(stderr) = child.stderr.take() {
        let said = Arc::clone(&said);
        std::thread::spawn(move || keep(stderr, &said));
    }
    let stdin = child.stdin.take();
    let stdout = child.stdout.take().context("the backend has no output")?;
    let mut running = Running { child, stdin, said };
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    match serde_json::from_str(&line) {
        Ok(ready) => Ok((running, ready)),
        Err(_) => {
            let _ = running.child.kill();
            let _ = running.child.wait();
            bail!("the backend did not start; it said:\n{line}{}", running.said())
        }
    }
}

fn keep(from: impl Read, said: &Mutex<String>) {
    for line in BufReader::new(from).lines().map_while(std::result::Result::ok) {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.push_str(&line);
        said.push('\n');
    }
}
