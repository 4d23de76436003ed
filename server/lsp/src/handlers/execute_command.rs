//! `workspace/executeCommand`.

use std::sync::Arc;

use serde_json::Value;
use tower_lsp::jsonrpc::{Error, Result};

use crate::actions::{MoveArgs, ResolveArgs};
use crate::apply::{self, COMPARE, PULL, PUSH, RESOLVE};
use crate::compare;
use crate::create::{self, NEW, NewArgs};
use crate::moves::{self, MOVE};
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
        COMPARE => compare(state, &uri_of(argument.as_ref())?)?,
        PUSH => state.folders.all().iter().for_each(|folder| folder.handle.push()),
        PULL => state.folders.all().iter().for_each(|folder| folder.handle.pull()),
        SIGN_IN => return sign_in::sign_in(state, arguments(SIGN_IN, argument)?).await,
        SUBMIT_CODE => return sign_in::submit_code(state, arguments(SUBMIT_CODE, argument)?).await,
        SIGN_OUT => return sign_in::sign_out(state, uri_of(argument.as_ref()).ok()).await,
        other => return Err(Error::invalid_params(format!("unknown command {other}"))),
    }
    Ok(None)
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
    let (document, hunks) = super::hunks(state, uri).ok_or_else(Error::content_modified)?;
    let place = document.place.ok_or_else(Error::content_modified)?;
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
