//! Tokens of the control plane: made, listed and taken away one by one.

use super::{Found, Registry, RegistryError};
use crate::names::TokenId;
use crate::records::{RecordError, Recorded, TokenRecord};
use crate::store::{Change, Kind, RecordKey};

impl Registry<'_> {
    /// A token, if there is one of that id.
    ///
    /// # Errors
    /// [`RegistryError::Record`].
    pub fn token(&self, id: &TokenId) -> Result<Option<Found<TokenRecord>>, RegistryError> {
        self.find(&RecordKey::new(Kind::TOKEN, id.as_str()).map_err(RecordError::from)?)
    }

    /// Every token, by id; those that have expired too, since somebody may wonder why one does not open any more.
    ///
    /// # Errors
    /// [`RegistryError::Record`].
    pub fn tokens(&self) -> Result<Vec<TokenRecord>, RegistryError> {
        let records = self.image.of(&Kind::TOKEN);
        Ok(records
            .map(|record| TokenRecord::from_record(record, self.sealing.sealer))
            .collect::<Result<_, _>>()?)
    }

    /// Lets a token open from now on.
    ///
    /// # Errors
    /// [`RegistryError::TokenTaken`].
    pub fn add_token(&self, token: &TokenRecord) -> Result<Change, RegistryError> {
        if self.token(&token.id)?.is_some() {
            return Err(RegistryError::TokenTaken(token.id.clone()));
        }
        Ok(Change::new().create(token.key()?, token.to_body(&self.sealing)?))
    }

    /// Takes a token away: the next request that shows it is refused.
    ///
    /// # Errors
    /// [`RegistryError::NoToken`].
    pub fn revoke_token(&self, id: &TokenId) -> Result<Change, RegistryError> {
        let found = self.token(id)?.ok_or_else(|| RegistryError::NoToken(id.clone()))?;
        Ok(Change::new().delete(&found.record))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::names::Label;
    use crate::records::{Moment, Role, TokenKind, Unknown};
    use crate::registry::testing::with;
    use crate::secret_hash::SecretHash;
    use crate::store::Image;

    fn token(id: &str) -> TokenRecord {
        TokenRecord {
            id: TokenId::parse(id).unwrap(),
            name: Label::parse("CI").unwrap(),
            kind: TokenKind::Bearer,
            hash: SecretHash::of(&SecretString::from("secret")),
            role: Role::Viewer,
            created: Moment(1),
            expires: None,
            unknown: Unknown::default(),
        }
    }

    #[test]
    fn tokens_come_and_go_one_by_one() {
        let mut image = Image::default();
        for id in ["T1", "T2"] {
            let change = with(&image, 1, |registry| registry.add_token(&token(id)).unwrap());
            image = image.with(&change).unwrap();
        }
        let ids = |image: &Image| -> Vec<String> {
            with(image, 2, |registry| {
                registry.tokens().unwrap().iter().map(|token| token.id.to_string()).collect()
            })
        };
        assert_eq!(ids(&image), ["T1", "T2"]);
        let again = with(&image, 2, |registry| registry.add_token(&token("T1")).unwrap_err());
        assert_eq!(again.to_string(), "there is a token `T1` already; make one with another id");
        let id = TokenId::parse("T1").unwrap();
        let gone = with(&image, 2, |registry| registry.revoke_token(&id).unwrap());
        image = image.with(&gone).unwrap();
        assert_eq!(ids(&image), ["T2"]);
        let error = with(&image, 3, |registry| registry.revoke_token(&id).unwrap_err());
        assert_eq!(error.to_string(), "there is no token `T1`");
    }
}
