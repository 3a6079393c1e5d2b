//! What is refused, for the audit log and the zone's counters.

use tidegate_authz::Refusal;
use tidegate_wire::api::ApiKey;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Pump;
use crate::audit::{Entry, Event};
use crate::meters::RefusalKind;

impl<S: AsyncRead + AsyncWrite + Unpin> Pump<S> {
    /// Counts and tells what a rule refused.
    pub(super) fn on_refusal(&self, refusal: &Refusal, key: ApiKey, version: i16) {
        self.meters.refused(refusal.kind.into());
        let (zone, account) = (Some(self.zone.name().as_str()), Some(&*self.account));
        let reason = if refusal.more > 0 {
            "not of the zone, and others in the same request"
        } else {
            "not of the zone"
        };
        let entry = self.shared.entry(Event::Refused(refusal.kind), self.peer, reason);
        self.shared
            .common
            .audit
            .refusal(refusal, Entry { zone, account, api: Some((key, version)), ..entry });
    }

    /// Counts and tells a request that is not served.
    pub(super) fn on_hidden(&self, key: ApiKey, version: i16) {
        self.meters.refused(RefusalKind::HiddenApi);
        let (zone, account) = (Some(self.zone.name().as_str()), Some(&*self.account));
        let entry = self.shared.entry(Event::HiddenApi, self.peer, "the API or its version is not served");
        self.shared.common.audit.tell(Entry { zone, account, api: Some((key, version)), ..entry });
    }
}
