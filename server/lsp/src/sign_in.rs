//! Signing in from the editor: the commands `agent.signIn`, `agent.submitCode` and `agent.signOut`
//! (docs/lsp-extensions.md), and the code action that offers the first. No password passes through
//! here: editors log what they send. The ways themselves are the session's.

use std::sync::Arc;
use std::time::Duration;

use agent_core::ports::RemoteError;
use agent_engine::{Auth, BrowserSignIn, LinkState, User};
use serde::Deserialize;
use serde_json::{Value, json};
use tower_lsp::jsonrpc::{Error, Result};

use crate::folders::Folder;
use crate::server::State;
use crate::types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, Command, Diagnostic, MessageActionItem, MessageType,
    ProgressToken, ShowDocumentParams, Uri,
};

/// Signs in; its argument is a [`SignInArgs`].
pub(crate) const SIGN_IN: &str = "agent.signIn";
/// Brings the mailed code back; its argument is a [`CodeArgs`].
pub(crate) const SUBMIT_CODE: &str = "agent.submitCode";
/// Signs out; its argument may have a `uri`.
pub(crate) const SIGN_OUT: &str = "agent.signOut";

/// How long the browser may take: people look for passwords and second factors.
const BROWSER: Duration = Duration::from_secs(5 * 60);

/// How long the end of the progress is waited for: a client may never have answered where it begins.
const PROGRESS_ENDS: Duration = Duration::from_secs(1);

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SignInArgs {
    /// A file or folder of the project; any that nobody is signed in to when absent.
    uri: Option<Uri>,
    method: Option<Method>,
    provider: Option<String>,
    email: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Method {
    Browser,
    Code,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeArgs {
    #[serde(default)]
    uri: Option<Uri>,
    email: String,
    code: String,
}

/// Whether nobody is signed in.
pub(crate) fn is_signed_out(link: &LinkState) -> bool {
    matches!(&link.trouble, Some((_, RemoteError::SignedOut(_))))
}

/// The action for a document of a project that nobody is signed in to.
pub(crate) fn action(uri: &Uri, link: &LinkState, asked: &[Diagnostic]) -> Option<CodeActionOrCommand> {
    let title = "Sign in to the team's project".to_owned();
    is_signed_out(link).then(|| {
        CodeActionOrCommand::CodeAction(CodeAction {
            title: title.clone(),
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: (!asked.is_empty()).then(|| asked.to_vec()),
            command: Some(Command {
                title,
                command: SIGN_IN.to_owned(),
                arguments: Some(vec![json!({ "uri": uri.as_str() })]),
            }),
            ..CodeAction::default()
        })
    })
}

/// Starts to sign in. Answers once the way is known to be open: the browser's address made, the code
/// sent. What comes of it is shown as a message, and in the status.
pub(crate) async fn sign_in(state: &Arc<State>, args: SignInArgs) -> Result<Option<Value>> {
    let (folder, auth) = project(state, args.uri.as_ref())?;
    match (args.method, args.provider, args.email) {
        (Some(Method::Code), None, Some(email)) => {
            auth.send_code(&email).await.map_err(|error| refused(&error))?;
            Ok(Some(json!({ "sentTo": email })))
        }
        (Some(Method::Browser) | None, Some(provider), None) => {
            let sign_in = auth.sign_in_with_browser(&provider).await.map_err(|error| refused(&error))?;
            tokio::spawn(with_browser(Arc::clone(state), folder, sign_in));
            Ok(None)
        }
        (None, None, None) => {
            let providers = auth.providers().await.map_err(|error| refused(&error))?;
            tokio::spawn(ask(Arc::clone(state), folder, auth, providers));
            Ok(None)
        }
        _ => Err(Error::invalid_params(format!(
            "{SIGN_IN} takes method \"browser\" with a provider, method \"code\" with an email, or neither"
        ))),
    }
}

/// Brings the code back.
pub(crate) async fn submit_code(state: &Arc<State>, args: CodeArgs) -> Result<Option<Value>> {
    let (folder, auth) = project(state, args.uri.as_ref())?;
    let user = auth.sign_in_with_code(&args.email, &args.code.into()).await;
    let user = user.map_err(|error| refused(&error))?;
    let name = user.email.clone();
    signed_in(state, &folder, user).await;
    Ok(Some(json!({ "user": name })))
}

/// Signs out.
pub(crate) async fn sign_out(state: &Arc<State>, uri: Option<Uri>) -> Result<Option<Value>> {
    let (folder, auth) = project(state, uri.as_ref())?;
    let _ = auth.sign_out().await.map_err(|error| refused(&error))?;
    folder.handle.user_changed();
    Ok(None)
}

/// The project of a document or folder, else one that nobody is signed in to, else the first.
fn project(state: &State, uri: Option<&Uri>) -> Result<(Arc<Folder>, Auth)> {
    let file = uri.and_then(crate::folders::file_of);
    let all = state.folders.all();
    let is_in =
        |folder: &&Arc<Folder>| file.as_ref().is_some_and(|file| file.starts_with(folder.workspace.root()));
    let folder = match &file {
        Some(_) => all.iter().filter(is_in).max_by_key(|folder| folder.workspace.root().components().count()),
        None => all.iter().find(|folder| is_signed_out(&folder.handle.views().link())).or(all.first()),
    };
    let folder = folder.ok_or_else(|| Error::invalid_params("no project is open there"))?;
    let auth = folder.auth.clone().ok_or_else(|| {
        let config = folder.workspace.config_file();
        Error::invalid_params(format!("{} names no project to sign in to yet", config.display()))
    })?;
    Ok((Arc::clone(folder), auth))
}

/// How somebody gets to the browser who named no provider.
#[derive(Debug, PartialEq)]
enum Offer<'a> {
    /// They press a button.
    Buttons,
    /// There is nothing to choose.
    Only(&'a str),
    /// They cannot from here.
    Terminal,
}

fn offer(providers: &[String], has_buttons: bool) -> Offer<'_> {
    match (providers, has_buttons) {
        ([], _) => Offer::Terminal,
        (_, true) => Offer::Buttons,
        ([only], false) => Offer::Only(only),
        (_, false) => Offer::Terminal,
    }
}

/// Lets the person choose, where there is a choice and the client can show buttons.
async fn ask(state: Arc<State>, folder: Arc<Folder>, auth: Auth, providers: Vec<String>) {
    let terminal = "In a terminal: agent login --email you@example.com --code";
    match offer(&providers, state.client_can().message_actions) {
        Offer::Buttons => {}
        Offer::Only(provider) => return begin(state, folder, &auth, provider).await,
        Offer::Terminal => return state.client.show_message(MessageType::INFO, terminal).await,
    }
    let button = |provider: &String| MessageActionItem {
        title: format!("With {provider}"),
        properties: std::collections::HashMap::default(),
    };
    let question = format!("Sign in in the browser? With a code by mail: {}", terminal.to_lowercase());
    let buttons = providers.iter().map(button).collect();
    let answer = state.client.show_message_request(MessageType::INFO, question, Some(buttons)).await;
    let Ok(Some(chosen)) = answer else { return };
    let provider = providers.iter().find(|provider| button(provider).title == chosen.title);
    if let Some(provider) = provider {
        begin(state, folder, &auth, provider).await;
    }
}

/// Opens the browser and says what comes of it, also when it cannot.
async fn begin(state: Arc<State>, folder: Arc<Folder>, auth: &Auth, provider: &str) {
    match auth.sign_in_with_browser(provider).await {
        Ok(sign_in) => with_browser(state, folder, sign_in).await,
        Err(error) => state.client.show_message(MessageType::ERROR, said(&error)).await,
    }
}

/// Sends the person to the browser and waits for them to come back. The door is open from the
/// beginning: the browser does not wait for what the client answers in between.
async fn with_browser(state: Arc<State>, folder: Arc<Folder>, sign_in: BrowserSignIn) {
    let url = sign_in.url().clone();
    let finishing = tokio::spawn(sign_in.finish(BROWSER));
    let (done, is_done) = tokio::sync::oneshot::channel();
    let shown = tokio::spawn(show(Arc::clone(&state), url, is_done));
    let Ok(result) = finishing.await else { return };
    drop(done);
    // Editors that show progress and messages in one line, as Helix does, clear it when the progress ends.
    let _ = tokio::time::timeout(PROGRESS_ENDS, shown).await;
    match result {
        Ok(user) => signed_in(&state, &folder, user).await,
        Err(error) => state.client.show_message(MessageType::ERROR, said(&error)).await,
    }
}

/// Shows the address, and that it is waited for until `is_done` says otherwise.
async fn show(state: Arc<State>, url: url::Url, is_done: tokio::sync::oneshot::Receiver<()>) {
    show_address(&state, &url).await;
    let token = ProgressToken::String("agent-sign-in".to_owned());
    let can = state.client_can().progress;
    if !can || state.client.create_work_done_progress(token.clone()).await.is_err() {
        return;
    }
    let ongoing = state.client.progress(token, "agent: waiting for the browser").begin().await;
    let _ = is_done.await;
    ongoing.finish().await;
}

/// By the client, which may run on another machine than this server; else by this machine; else the
/// person does it.
async fn show_address(state: &State, url: &url::Url) {
    if state.client_can().show_document
        && let Ok(uri) = url.as_str().parse()
    {
        let params =
            ShowDocumentParams { uri, external: Some(true), take_focus: Some(true), selection: None };
        if state.client.show_document(params).await.unwrap_or(false) {
            return;
        }
    }
    if !agent_engine::browser::open(url) {
        let text = format!("Sign in by opening this address in a browser: {url}");
        state.client.show_message(MessageType::INFO, text).await;
    }
}

async fn signed_in(state: &State, folder: &Folder, user: User) {
    folder.handle.user_changed();
    state.client.show_message(MessageType::INFO, format!("Signed in as {}", user.email)).await;
}

fn said(error: &RemoteError) -> String {
    match error {
        RemoteError::SignedOut(why) => format!("Not signed in: {why}"),
        error => format!("Not signed in: {error}"),
    }
}

fn refused(error: &RemoteError) -> Error {
    Error {
        code: tower_lsp::jsonrpc::ErrorCode::ServerError(REQUEST_FAILED),
        message: said(error).into(),
        data: None,
    }
}

/// `RequestFailed` of the protocol: a request with nothing wrong about it that could not be done.
const REQUEST_FAILED: i64 = -32803;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_buttons_the_only_provider_is_taken() {
        let names = ["github".to_owned(), "gitlab".to_owned()];
        for (providers, has_buttons, offered) in [
            (&names[..0], true, Offer::Terminal),
            (&names[..1], true, Offer::Buttons),
            (&names[..], true, Offer::Buttons),
            (&names[..0], false, Offer::Terminal),
            (&names[..1], false, Offer::Only("github")),
            (&names[..], false, Offer::Terminal),
        ] {
            assert_eq!(offer(providers, has_buttons), offered, "{providers:?}");
        }
    }
}
