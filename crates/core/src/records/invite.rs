//! An invite to a share as it is kept.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::json::{self, Migration};
use super::{Moment, RecordError, Recorded, Sealing, Unknown, sealed};
use crate::names::ShareId;
use crate::secret_hash::SecretHash;
use crate::store::{Body, Kind, Record, Sealer};

/// An invite: one token, good once, for one share.
///
/// Its record's id is the hash of the token, so that whoever shows a token finds its invite and no other one. The token
/// itself is kept, sealed, only until a mail server has it; afterwards nobody but the consumer knows it.
#[derive(Debug, Clone)]
pub struct InviteRecord {
    /// Of the token.
    pub hash: SecretHash,
    /// What it is for.
    pub share: ShareId,
    /// When it was made.
    pub made: Moment,
    /// From when on it opens nothing.
    pub expires: Moment,
    /// How far it has come.
    pub state: InviteState,
    /// Fields of a later version.
    pub unknown: Unknown,
}

/// How far an invite has come.
#[derive(Debug, Clone)]
pub enum InviteState {
    /// No mail server took it yet.
    Pending {
        /// What has to be mailed.
        token: SecretString,
    },
    /// A mail server took it.
    Sent {
        /// When.
        sent: Moment,
    },
    /// The consumer showed the token.
    Redeemed {
        /// When a mail server took it; none if the answer of the server was lost.
        sent: Option<Moment>,
        /// When.
        redeemed: Moment,
    },
    /// The provider took it back, or put another one in its place.
    Revoked {
        /// When a mail server took it, if ever.
        sent: Option<Moment>,
        /// When.
        revoked: Moment,
    },
}

/// A token opens nothing; whoever shows it has to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InviteRefused {
    /// It came to its end.
    #[error("the invite has expired; ask the provider for a new one")]
    Expired,
    /// A token is good once.
    #[error("the invite was redeemed already")]
    Redeemed,
    /// The provider took it back.
    #[error("the invite was taken back; ask the provider for a new one")]
    Revoked,
}

impl InviteRecord {
    /// An invite that is still to be mailed.
    #[must_use]
    pub fn new(token: SecretString, share: ShareId, made: Moment, expires: Moment) -> Self {
        let hash = SecretHash::of(&token);
        Self {
            hash,
            share,
            made,
            expires,
            state: InviteState::Pending { token },
            unknown: Unknown::default(),
        }
    }

    /// A mail server took it; from here on the token is not known any more.
    #[must_use]
    pub fn on_sent(self, now: Moment) -> Self {
        let state = match self.state {
            InviteState::Pending { .. } => InviteState::Sent { sent: now },
            // Its 250 came late: whatever was done meanwhile stands.
            InviteState::Redeemed { sent: None, redeemed } => {
                InviteState::Redeemed { sent: Some(now), redeemed }
            }
            InviteState::Revoked { sent: None, revoked } => InviteState::Revoked { sent: Some(now), revoked },
            other => other,
        };
        Self { state, ..self }
    }

    /// The consumer showed the token.
    ///
    /// # Errors
    /// [`InviteRefused`]: it opens nothing any more.
    pub fn redeem(self, now: Moment) -> Result<Self, InviteRefused> {
        let sent = match self.state {
            InviteState::Redeemed { .. } => return Err(InviteRefused::Redeemed),
            InviteState::Revoked { .. } => return Err(InviteRefused::Revoked),
            _ if self.expires <= now => return Err(InviteRefused::Expired),
            InviteState::Sent { sent } => Some(sent),
            InviteState::Pending { .. } => None,
        };
        Ok(Self { state: InviteState::Redeemed { sent, redeemed: now }, ..self })
    }

    /// The provider took it back. One that was redeemed stays so: there is nothing left to take.
    #[must_use]
    pub fn revoke(self, now: Moment) -> Self {
        let sent = match self.state {
            InviteState::Redeemed { .. } | InviteState::Revoked { .. } => return self,
            InviteState::Sent { sent } => Some(sent),
            InviteState::Pending { .. } => None,
        };
        Self { state: InviteState::Revoked { sent, revoked: now }, ..self }
    }
}

const MIGRATIONS: [Migration; 0] = [];

/// Where the sealed token stands.
const TOKEN: &str = "/token";

#[derive(Serialize, Deserialize)]
struct InviteBody {
    share: ShareId,
    made: Moment,
    expires: Moment,
    state: State,
    /// Sealed; there while it is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redeemed: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked: Option<Moment>,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum State {
    Pending,
    Sent,
    Redeemed,
    Revoked,
}

impl Recorded for InviteRecord {
    const KIND: Kind = Kind::INVITE;

    fn id(&self) -> String {
        self.hash.to_hex()
    }

    fn to_body(&self, sealing: &Sealing<'_>) -> Result<Body, RecordError> {
        let (key, share, unknown) = (self.key()?, self.share.clone(), self.unknown.clone());
        let (made, expires, state) = (self.made, self.expires, State::Pending);
        let (token, sent, redeemed, revoked) = (None, None, None, None);
        let plain = InviteBody { share, made, expires, state, token, sent, redeemed, revoked, unknown };
        let body = match &self.state {
            InviteState::Pending { token } => {
                InviteBody { token: Some(sealed::seal(&key, TOKEN, token, sealing)?), ..plain }
            }
            InviteState::Sent { sent } => InviteBody { state: State::Sent, sent: Some(*sent), ..plain },
            InviteState::Redeemed { sent, redeemed } => {
                InviteBody { state: State::Redeemed, sent: *sent, redeemed: Some(*redeemed), ..plain }
            }
            InviteState::Revoked { sent, revoked } => {
                InviteBody { state: State::Revoked, sent: *sent, revoked: Some(*revoked), ..plain }
            }
        };
        json::write(&key, &body, &MIGRATIONS)
    }

    fn from_record(record: &Record, sealer: &Sealer) -> Result<Self, RecordError> {
        let body: InviteBody = json::read(record, &MIGRATIONS)?;
        let hash = SecretHash::from_hex(record.key.id());
        let hash = hash.ok_or_else(|| RecordError::malformed(record, "its id is no hash of a token"))?;
        let token = match (body.state, &body.token) {
            (State::Pending, Some(text)) => Some(sealed::open(record, TOKEN, text, sealer)?),
            _ => None,
        };
        if token.as_ref().is_some_and(|token| !hash.is_of(token)) {
            return Err(RecordError::malformed(record, "its token has another hash"));
        }
        let state = state(&body, token);
        let state = state.ok_or_else(|| RecordError::malformed(record, "its state has no token or time"))?;
        let InviteBody { share, made, expires, unknown, .. } = body;
        Ok(Self { hash, share, made, expires, state, unknown })
    }
}

fn state(body: &InviteBody, token: Option<SecretString>) -> Option<InviteState> {
    Some(match body.state {
        State::Pending => InviteState::Pending { token: token? },
        State::Sent => InviteState::Sent { sent: body.sent? },
        State::Redeemed => InviteState::Redeemed { sent: body.sent, redeemed: body.redeemed? },
        State::Revoked => InviteState::Revoked { sent: body.sent, revoked: body.revoked? },
    })
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use secrecy::ExposeSecret;

    use super::*;
    use crate::records::testing::{
        keeps_later_fields, kept, read, saying, sealer, sealing_key, without_nonces,
    };
    use crate::store::{RecordKey, SealError};

    const SECRET: &str = "a-token-of-256-bits";

    fn invite() -> InviteRecord {
        let share = ShareId::parse("ss-1").unwrap();
        InviteRecord::new(SecretString::from(SECRET), share, Moment(1), Moment(10))
    }

    fn all() -> Vec<InviteRecord> {
        let sent = || invite().on_sent(Moment(2));
        let redeemed = [invite(), sent()].map(|invite| invite.redeem(Moment(3)).unwrap());
        let revoked = [invite(), sent()].map(|invite| invite.revoke(Moment(4)));
        [invite(), sent()].into_iter().chain(redeemed).chain(revoked).collect()
    }

    #[test]
    fn an_invite_is_read_as_it_was_written() {
        for invite in all() {
            let read: InviteRecord = read(&kept(&invite));
            assert_eq!(format!("{read:?}"), format!("{invite:?}"));
            assert_eq!(read.hash, invite.hash);
            if let InviteState::Pending { token } = read.state {
                assert_eq!(token.expose_secret(), SECRET);
            }
        }
    }

    #[test]
    fn the_token_is_there_until_it_is_sent_and_never_in_the_open() {
        let pending = kept(&invite());
        assert!(pending.body.text().contains("\"token\":\"sealed:v1:"));
        for record in all().iter().map(kept) {
            assert!(!record.body.text().contains(SECRET) && !record.key.id().contains(SECRET));
        }
        for invite in &all()[1..] {
            assert!(!kept(invite).body.text().contains("token"), "{invite:?}");
        }
        assert!(!format!("{:?}", invite()).contains(SECRET));
    }

    #[test]
    fn a_pending_token_can_be_sealed_anew() {
        let record = kept(&invite());
        let both = Sealer::new(sealing_key(2)).with_previous(sealing_key(1));
        let body = both.reseal(&record.key, &record.body, &SystemRandom::new()).unwrap().unwrap();
        let record = Record { body, ..record };
        assert!(matches!(
            InviteRecord::from_record(&record, &sealer()).unwrap_err(),
            RecordError::Seal(SealError::UnknownKey { .. })
        ));
        let read = InviteRecord::from_record(&record, &Sealer::new(sealing_key(2))).unwrap();
        assert!(matches!(read.state, InviteState::Pending { token } if token.expose_secret() == SECRET));
    }

    #[test]
    fn a_token_of_another_invite_is_none() {
        let record = kept(&invite());
        let other = SecretHash::of(&SecretString::from("other")).to_hex();
        let moved = Record { key: RecordKey::new(Kind::INVITE, &other).unwrap(), ..record.clone() };
        assert!(InviteRecord::from_record(&moved, &sealer()).is_err());
        let bare = saying(&record, r#"{"share":"ss-1","made":1,"expires":2,"state":"PENDING"}"#);
        let error = InviteRecord::from_record(&bare, &sealer()).unwrap_err().to_string();
        assert!(error.contains("its state has no token or time"), "{error}");
    }

    #[test]
    fn a_token_is_good_once_and_in_time() {
        let refused = |invite: InviteRecord, now| invite.redeem(Moment(now)).unwrap_err();
        assert_eq!(refused(invite(), 10), InviteRefused::Expired);
        assert_eq!(refused(invite().on_sent(Moment(2)), 10), InviteRefused::Expired);
        assert_eq!(refused(invite().redeem(Moment(3)).unwrap(), 3), InviteRefused::Redeemed);
        assert_eq!(refused(invite().revoke(Moment(3)), 3), InviteRefused::Revoked);
        let redeemed = invite().redeem(Moment(3)).unwrap().revoke(Moment(4));
        assert!(matches!(redeemed.state, InviteState::Redeemed { .. }), "{redeemed:?}");
    }

    #[test]
    fn a_mail_server_may_answer_late() {
        let redeemed = invite().redeem(Moment(3)).unwrap().on_sent(Moment(4));
        let (sent, at) = (Some(Moment(4)), Moment(3));
        assert!(
            matches!(redeemed.state, InviteState::Redeemed { sent: s, redeemed } if (s, redeemed) == (sent, at))
        );
        let revoked = invite().revoke(Moment(3)).on_sent(Moment(4)).on_sent(Moment(5));
        assert!(
            matches!(revoked.state, InviteState::Revoked { sent: s, revoked } if (s, revoked) == (sent, at))
        );
    }

    #[test]
    fn fields_of_a_later_version_are_kept() {
        keeps_later_fields(&invite(), |invite| invite.on_sent(Moment(2)));
    }

    #[test]
    fn what_was_written_stays_readable() {
        // Of the first schema; a change here breaks the stores that are out there.
        let texts: Vec<String> = all().iter().map(|invite| without_nonces(&kept(invite))).collect();
        insta::assert_snapshot!(texts.join("\n"));
    }
}
