//! E-mail addresses: one mailbox, and nothing that could become a second header or recipient.

use super::rules::Rule;

/// An address as RFC 5321 has it, without quotes, comments and literals, which hardly anybody uses and which would let
/// spaces, commas and line ends into a header.
pub(super) const EMAIL: Rule = Rule {
    kind: "e-mail address",
    max: 254,
    allows: |c| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.@".contains(c),
    allowed: "letters, digits and the marks of plain addresses",
    reserved: shape,
};

const LOCAL_MAX: usize = 64;
const DOMAIN_LABEL_MAX: usize = 63;

fn shape(text: &str) -> Option<&'static str> {
    let Some((local, domain)) = text.split_once('@') else {
        return Some("has no `@`; write it as in `name@company.example`");
    };
    if !local.split('.').all(|part| !part.is_empty()) || local.len() > LOCAL_MAX {
        return Some("has no name of 1 to 64 characters, without two dots in a row, before the `@`");
    }
    (!domain.split('.').all(is_label))
        .then_some("has no domain behind the `@`; give one, as in `company.example`")
}

/// A second `@` is no character of a label.
fn is_label(label: &str) -> bool {
    (1..=DOMAIN_LABEL_MAX).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::names::EmailAddress;

    #[test]
    fn plain_addresses_are_taken_as_they_are() {
        for good in
            ["a@b", "jo.do+x@mail.company.example", "O'Hara@a-b.example", &format!("{}@b", "x".repeat(64))]
        {
            assert_eq!(EmailAddress::parse(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn nothing_else_gets_into_a_mail() {
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a@b@c",
            "a..b@c",
            ".a@c",
            "a@b..c",
            "a@-b",
            "a@b-",
            "a@b_c",
            "a b@c",
            "a@b\r\nBcc: x@y",
            "a@b\n",
            "a@b,c@d",
            "a@b;c@d",
            "Jo <a@b>",
            "\"a b\"@c",
            "a@[127.0.0.1]",
            "j\u{f6}@b",
            &format!("{}@b", "x".repeat(65)),
            &format!("a@{}", "x".repeat(64)),
            &format!("a@{}b", "x.".repeat(130)),
        ] {
            assert!(EmailAddress::parse(bad).is_err(), "{bad:?} is an address");
        }
        let error = EmailAddress::parse("a@b\r\nBcc: x@y").unwrap_err();
        assert_eq!(
            error.to_string(),
            r"e-mail address `a@b\r\nBcc: x@y` has `\r` as character 4; use letters, digits and the marks of plain addresses"
        );
        assert!(EmailAddress::parse("jo").unwrap_err().to_string().contains("has no `@`"));
    }

    proptest! {
        #[test]
        fn an_address_is_one_word_of_one_mailbox(text in "\\PC{0,20}@\\PC{0,20}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                let text = address.as_str();
                prop_assert_eq!(text.matches('@').count(), 1);
                prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && !b",;:<>()[]\\\"".contains(&byte)));
            }
        }
    }
}
