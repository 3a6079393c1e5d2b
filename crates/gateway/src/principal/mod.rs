//! From a client's certificate to the account that it logs in as.
//!
//! The rules are those of Kafka's `ssl.principal.mapping.rules`, with a form of our own for the names beside the
//! subject. What they are asked about comes from a certificate that rustls has verified: its issuer is trusted, and
//! still every size here is bounded, for an authority may be generous with what it signs.

mod certificate;
mod rule;

pub(crate) use self::certificate::CertificateNames;
pub use self::rule::{PrincipalRule, PrincipalRuleError};

/// Rules of a listener: each costs a pass over the names of a certificate at every login.
pub const MAX_RULES: usize = 64;

/// Rules in the order in which they are asked; the first that matches decides.
#[derive(Debug, Clone)]
pub struct PrincipalRules(Vec<PrincipalRule>);

impl PrincipalRules {
    /// Rules in that order.
    #[must_use]
    pub fn new(rules: Vec<PrincipalRule>) -> Self {
        Self(rules)
    }

    /// The name that the first matching rule makes of a text that is no certificate; `None` if none matches.
    pub(crate) fn of_text(&self, text: &str) -> Option<String> {
        self.principal(&CertificateNames::of_subject(text))
    }

    /// The name that the first matching rule makes; `None` if none matches.
    pub(crate) fn principal(&self, names: &CertificateNames) -> Option<String> {
        self.0.iter().find_map(|rule| rule.apply(names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_match_decides() {
        let rules = ["RULE:^CN=(a.*)$/first-$1/", "RULE:^CN=(.*)$/second-$1/"];
        let rules = PrincipalRules::new(rules.map(|rule| PrincipalRule::parse(rule).unwrap()).into());
        let principal = |subject: &str| rules.principal(&CertificateNames::of_subject(subject));
        assert_eq!(principal("CN=ab").as_deref(), Some("first-ab"));
        assert_eq!(principal("CN=ba").as_deref(), Some("second-ba"));
        assert_eq!(principal("OU=ba"), None);
    }
}
