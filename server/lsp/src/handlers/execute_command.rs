//! `workspace/executeCommand`.

use std::sync::Arc;

use serde_json::Value;
use tower_lsp::jsonrpc::{Error, Result};

use crate::actions::{MoveArgs, ResolveArgs};
use crate::apply::{self, ALLOW_REVERSIONS, COMPARE, EDIT, EditArgs, PULL, PUSH, RESOLVE};
use crate::compare;
use crate::create::{self, NEW, NewArgs};
use crate::hunks::Hunks;
use crate::moves::{self, MOVE};
use crate::past::{self, RESTORE, RestoreArgs, UNDO, UndoArgs};
use crate::server::State;
use crate::sign_in::{self, SIGN_IN, SIGN_OUT, SUBMIT_CODE};
use crate::states::{self, SET_STATE, StateArgs};
use crate::types::{ExecuteCommandParams, LSPAny, MessageType, ShowDocumentParams, Uri};

pub(crate) async fn execute_command(
    state: &Arc<State>,
    params: ExecuteCommandParams,
) -> Result<Option<LSPAny>> {
    let argument = params.arguments.into_iter().next();
    match params.command.as_str() {
        RESOLVE => {
            let args: ResolveArgs = serde_json::from_value(argument.unwrap_or_default())
                .map_err(|problem| Error::invalid_params(format!("{RESOLVE}: {problem}")))?;
            apply::start(state, &args)?;
        }
        EDIT => {
            let args: EditArgs = serde_json::from_value(argument.unwrap_or_default())
                .map_err(|problem| Error::invalid_params(format!("{EDIT}: {problem}")))?;
            apply::start_edit(state, args)?;
        }
        SET_STATE => {
            let args: StateArgs = serde_json::from_value(argument.unwrap_or_default())
                .map_err(|problem| Error::invalid_params(format!("{SET_STATE}: {problem}")))?;
            states::start(state, &args)?;
        }
        NEW => {
            let args: NewArgs = serde_json::from_value(argument.unwrap_or_default())
                .map_err(|problem| Error::invalid_params(format!("{NEW}: {problem}")))?;
            create::start(state, args)?;
        }
        MOVE => {
            let args: MoveArgs = serde_json::from_value(argument.unwrap_or_default())
                .map_err(|problem| Error::invalid_params(format!("{MOVE}: {problem}")))?;
            moves::start(state, &args)?;
        }
        RESTORE => {
            let args: RestoreArgs = serde_json::from_value(argument.unwrap_or_default())
                .map_err(|problem| Error::invalid_params(format!("{RESTORE}: {problem}")))?;
            past::start_restore(state, &args).await?;
        }
        UNDO => {
            let args: UndoArgs = serde_json::from_value(argument.unwrap_or_default())
                .map_err(|problem| Error::invalid_params(format!("{UNDO}: {problem}")))?;
            past::start_undo(state, &args)?;
        }
        COMPARE => compare(state, &uri_of(argument.as_ref())?)?,
        PUSH => push(state, argument.as_ref())?,
        PULL => state.folders.all().iter().for_each(|folder| folder.handle.pull()),
        SIGN_IN => return sign_in::sign_in(state, arguments(SIGN_IN, argument)?).await,
        SUBMIT_CODE => return sign_in::submit_code(state, arguments(SUBMIT_CODE, argument)?).await,
        SIGN_OUT => return sign_in::sign_out(state, uri_of(argument.as_ref()).ok()).await,
        other => return Err(Error::invalid_params(format!("unknown command {other}"))),
    }
    Ok(None)
}

/// Pushes; with something to `allow`, what is held back in the folder that it was asked in.
fn push(state: &Arc<State>, argument: Option<&Value>) -> Result<()> {
    let allowed = argument.and_then(|argument| argument.get("allow"));
    match allowed.map(Value::as_str) {
        None => state.folders.all().iter().for_each(|folder| folder.handle.push()),
        Some(Some(ALLOW_REVERSIONS)) => {
            let place = state.folders.place(&uri_of(argument)?).ok_or_else(Error::content_modified)?;
            place.folder.handle.allow_reversions();
        }
        Some(_) => {
            return Err(Error::invalid_params(format!("{PUSH}: allow is \"{ALLOW_REVERSIONS}\" or nothing")));
        }
    }
    Ok(())
}

/// A command's argument; its words may be secret, so an error does not repeat them.
fn arguments<T: serde::de::DeserializeOwned>(command: &str, argument: Option<Value>) -> Result<T> {
    let argument = argument.unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    serde_json::from_value(argument).map_err(|_| {
        Error::invalid_params(format!("{command}: other arguments are expected (docs/lsp-extensions.md)"))
    })
}

fn uri_of(argument: Option<&Value>) -> Result<Uri> {
    let uri = argument.and_then(|argument| argument.get("uri")).and_then(Value::as_str);
    uri.and_then(|uri| uri.parse().ok())
        .ok_or_else(|| Error::invalid_params("an argument with a uri is needed"))
}

/// Writes the pictures and shows the diff, from a task of its own.
fn compare(state: &Arc<State>, uri: &Uri) -> Result<()> {
    let document = state.documents.get(uri).ok_or_else(|| super::failed("it is not open here".to_owned()))?;
    let hunks = Hunks::of_document(&document).or_else(|| Hunks::own(&document));
    let (Some(hunks), Some(place)) = (hunks, document.place) else {
        return Err(super::failed(
            "the team has no version of this yet, or it is still being looked for".to_owned(),
        ));
    };
    let views = place.folder.workspace.views();
    let state = Arc::clone(state);
    tokio::spawn(async move {
        let written = tokio::task::spawn_blocking(move || compare::write(&views, &hunks)).await;
        let message = match written {
            Ok(Ok(file)) => match show(&state, Uri::from_file_path(&file)).await {
                true => return,
                false => (MessageType::INFO, format!("The differences are in {}", file.display())),
            },
            Ok(Err(error)) => (MessageType::ERROR, format!("The comparison could not be written: {error}")),
            Err(error) => (MessageType::ERROR, format!("The comparison failed: {error}")),
        };
        state.client.show_message(message.0, message.1).await;
    });
    Ok(())
}

pub(crate) async fn show(state: &State, uri: Option<Uri>) -> bool {
    let Some(uri) = uri.filter(|_| state.client_can().show_document) else { return false };
    let params = ShowDocumentParams { uri, external: Some(false), take_focus: Some(true), selection: None };
    state.client.show_document(params).await.unwrap_or(false)
}
