//! Small bodies, read field by field so that every mistake in one is told at once.

use tidegate_core::document::{self, Document, Fields, Problem, Report};

use crate::refusal::Refusal;

/// What `read` makes of a body, or all that is wrong with it; `None` where there is nothing in it.
pub(crate) fn read<T>(
    body: &str,
    read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
) -> Result<Option<T>, Refusal> {
    let (documents, syntax) = document::parse(body);
    if syntax.is_none() && documents.iter().all(Document::is_empty) {
        return Ok(None);
    }
    if documents.len() > 1 {
        return Err(Refusal::wrong(format!("there are {} documents in it; send one", documents.len())));
    }
    let report = Report::default();
    let mut fields = documents.first().and_then(|document| document.place(&report).fields());
    let value = fields.as_mut().and_then(read);
    if let Some(fields) = fields {
        fields.finish();
    }
    let mut mistakes: Vec<Problem> = report.into_problems().into_iter().chain(syntax).collect();
    // There is one document, so nobody has to be told which.
    mistakes.iter_mut().for_each(|problem| problem.document = None);
    match mistakes.is_empty() {
        true => Ok(value),
        false => Err(Refusal::Wrong(mistakes.iter().map(ToString::to_string).collect())),
    }
}
