//! Why a login was refused: for the operator's log, never for the peer, who gets one fixed text.

use thiserror::Error;

use super::CredentialError;

/// The cause of a refused login.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Rejection {
    /// A message is longer than this side takes.
    #[error("the client's message is longer than the limit")]
    TooLong,
    /// A message does not have the form its RFC asks for.
    #[error("malformed client message: {what}")]
    Malformed {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The client insists on channel binding.
    #[error("the client asks for channel binding, which is not supported")]
    ChannelBinding,
    /// The client wants to act as another user.
    #[error("the authorization id differs from the user name")]
    OtherAuthorizationId,
    /// The client names a mandatory extension.
    #[error("the client asks for a mandatory SCRAM extension, which is not supported")]
    MandatoryExtension,
    /// The client logs in with a delegation token.
    #[error("delegation tokens are not supported")]
    DelegationToken,
    /// The final message does not carry this exchange's nonce.
    #[error("the final message carries a nonce of another exchange")]
    WrongNonce,
    /// No such user.
    #[error("unknown user")]
    UnknownUser,
    /// The password is wrong.
    #[error("wrong password")]
    WrongPassword,
    /// The token is not one of the identity providers', not for this gateway, or over.
    #[error("the token does not serve: {0}")]
    Token(String),
    /// The credential found for the user is for another hash or out of bounds.
    #[error("the stored credential does not serve: {0}")]
    UnusableCredential(#[from] CredentialError),
    /// The credential's life has ended.
    #[error("the credential has expired")]
    Expired,
    /// A re-authentication names another user than the login did.
    #[error("re-authentication as another user")]
    OtherUser,
    /// A token came although no exchange is under way.
    #[error("an authentication token came without a handshake")]
    OutOfOrder,
}
