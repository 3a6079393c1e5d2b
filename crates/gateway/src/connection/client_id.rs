//! The client id that goes upstream.

use bytes::Bytes;
use tidegate_authz::ZoneView;

/// Longest client id sent upstream: brokers keep metrics and quotas by it.
const MAX_UPSTREAM_CLIENT_ID: usize = 128;

/// Puts the zone's tag before the partner's client id, and remembers the last one made.
///
/// It never goes up as it came: a broker lets `__admin_client` produce to internal topics, and whatever bytes a
/// partner chooses end up in the broker's logs.
#[derive(Debug)]
pub(super) struct ClientId {
    tag: String,
    seen: Bytes,
    upstream: String,
}

impl ClientId {
    pub(super) fn new(zone: &ZoneView) -> Self {
        let tag = zone.prefix().tag().to_owned();
        Self { upstream: format!("{tag}/"), tag, seen: Bytes::new() }
    }

    /// The upstream form of `client_id`.
    pub(super) fn upstream(&mut self, client_id: &Bytes) -> &str {
        if *client_id != self.seen {
            self.seen = Bytes::copy_from_slice(client_id);
            let printable = String::from_utf8_lossy(client_id).into_owned();
            let clean = printable.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' });
            self.upstream = format!("{}/", self.tag);
            self.upstream.extend(clean);
            self.upstream.truncate(MAX_UPSTREAM_CLIENT_ID);
        }
        &self.upstream
    }
}
