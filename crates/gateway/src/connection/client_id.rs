//! The client id that goes upstream.

use bytes::Bytes;

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
    pub(super) fn new(tag: &str) -> Self {
        Self { upstream: format!("{tag}/"), tag: tag.to_owned(), seen: Bytes::new() }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_client_id_of_a_partner_goes_up_as_it_came() {
        let mut id = ClientId::new("tg-zone");
        for (sent, upstream) in [
            ("__admin_client", "tg-zone/__admin_client"),
            ("", "tg-zone/"),
            ("a b\r\n[ERROR] forged\u{1b}[31m", "tg-zone/a_b__[ERROR]_forged_[31m"),
            ("\u{202e}\u{fc}", "tg-zone/__"),
        ] {
            assert_eq!(id.upstream(&Bytes::copy_from_slice(sent.as_bytes())), upstream);
        }
        assert_eq!(id.upstream(&Bytes::from_static(&[0xff, b'x'])), "tg-zone/_x");
        assert_eq!(id.upstream(&Bytes::from(vec![b'y'; 30_000])).len(), MAX_UPSTREAM_CLIENT_ID);
    }
}
