//! What may be said about a password that is wanted: never the password itself.

use serde::Serialize;
use tidegate_core::Label;
use tidegate_core::document::Fields;
use utoipa::ToSchema;

use crate::refusal::Refusal;
use crate::{body, expiry};

/// A password that is wanted; there is nothing that has to be said about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WantedCredential {
    /// What people call it.
    #[schema(value_type = Option<String>, example = "since May", min_length = 1, max_length = 128)]
    label: Option<Label>,
    /// Days after which it opens nothing any more; never unless it is written.
    #[schema(minimum = 1, maximum = 3650)]
    expires_in_days: Option<u64>,
}

impl WantedCredential {
    /// Reads what is wanted, or tells all that is wrong with it. No body wants nothing in particular.
    pub(super) fn read(body: &str) -> Result<Self, Refusal> {
        Ok(body::read(body, |fields| Some(Self::of(fields)))?.unwrap_or_default())
    }

    fn of(fields: &mut Fields<'_>) -> Self {
        let label = fields.optional("label").and_then(|place| place.parse(Label::parse));
        Self { label, expires_in_days: expiry::in_days(fields) }
    }

    pub(super) fn label(&self) -> Option<&str> {
        self.label.as_ref().map(Label::as_str)
    }

    pub(super) fn expires_in_days(&self) -> Option<u64> {
        self.expires_in_days
    }
}

/// Tools send nothing or `null` to `generate-credentials`; whoever sends more wants something that is not done.
pub(super) fn check_is_nothing(body: &str) -> Result<(), Refusal> {
    match body.trim() {
        "" | "null" | "{}" => Ok(()),
        _ => Err(Refusal::wrong(
            "nothing can be said about the password here; send no body, or `null`, or use `credentials` in place of \
             `generate-credentials`",
        )),
    }
}
