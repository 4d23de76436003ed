//! `textDocument/codeAction`.

use agent_engine::now;

use crate::actions;
use crate::create;
use crate::findings;
use crate::past;
use crate::server::State;
use crate::sign_in;
use crate::states::Standing;
use crate::types::{CodeActionKind, CodeActionOrCommand, CodeActionParams, CodeActionResponse};

pub(crate) fn code_action(state: &State, params: &CodeActionParams) -> Option<CodeActionResponse> {
    let uri = &params.text_document.uri;
    super::seen_at(state, uri, params.range.start);
    let wanted = params.context.only.as_ref();
    let wants = |offered: &CodeActionKind| {
        let is_wanted = |kind: &CodeActionKind| kind.as_str().is_empty() || kind == offered;
        wanted.is_none_or(|kinds| kinds.iter().any(is_wanted))
    };
    let (fixes, news) = (wants(&CodeActionKind::QUICKFIX), wants(&CodeActionKind::SOURCE));
    let mut offered = if fixes { fixes_at(state, params)? } else { Vec::new() };
    // Among the fixes of a problem nobody looks for something new.
    let is_head = params.range.start.line == 0 && params.context.diagnostics.is_empty();
    if news && (wanted.is_some() || is_head) {
        let document = state.documents.get(uri)?;
        offered.extend(past::actions(&document, state.client_can(), now()));
        offered.extend(create::new_actions(&document));
        offered.extend(document.place.iter().flat_map(|_| actions::exchanges()));
    }
    if !state.client_can().action_literals {
        let commands = offered.into_iter().filter_map(actions::command_of);
        offered = commands.map(CodeActionOrCommand::Command).collect();
    }
    (!offered.is_empty()).then_some(offered)
}

fn fixes_at(state: &State, params: &CodeActionParams) -> Option<CodeActionResponse> {
    let uri = &params.text_document.uri;
    let asked: Vec<_> = params
        .context
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.source.as_deref() == Some("agent"))
        .cloned()
        .collect();
    let mut offered = Vec::new();
    if let Some((document, hunks)) = super::sides(state, uri) {
        offered = actions::at(&document, &hunks, params.range, &asked);
    }
    let document = state.documents.get(uri)?;
    if let Some(place) = &document.place {
        offered.extend(sign_in::action(uri, &place.folder.handle.views().link(), &asked));
        let rules = place.folder.handle.views().rules();
        let standing = Standing::of(&document, &rules);
        let encoding = state.client_can().encoding;
        offered
            .extend(standing.map(|found| found.actions(params.range, encoding, &asked)).unwrap_or_default());
        offered.extend(create::missing_at(&document, params.range, state, &asked));
        let scan = place.folder.scan;
        offered.extend(findings::actions(&document, scan, params.range, state.client_can(), &asked));
    }
    if let Some(view) = &document.view {
        offered.extend(actions::refused(uri, view, &asked));
        offered.extend(actions::moved(uri, view, state.client_can(), &asked));
    }
    Some(offered)
}
