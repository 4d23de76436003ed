//! `textDocument/diagnostic`: the pull model.

use crate::publisher;
use crate::server::State;
use crate::types::{
    DocumentDiagnosticParams, DocumentDiagnosticReport, DocumentDiagnosticReportResult,
    FullDocumentDiagnosticReport, RelatedFullDocumentDiagnosticReport,
};

pub(crate) fn diagnostic(state: &State, params: &DocumentDiagnosticParams) -> DocumentDiagnosticReportResult {
    let items = publisher::of_document(state, &params.text_document.uri);
    DocumentDiagnosticReportResult::Report(DocumentDiagnosticReport::Full(
        RelatedFullDocumentDiagnosticReport {
            related_documents: None,
            full_document_diagnostic_report: FullDocumentDiagnosticReport { result_id: None, items },
        },
    ))
}
