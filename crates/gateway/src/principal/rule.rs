//! One rule: a pattern, what to make of a match, and in which case.

use regex::bytes::{Captures, Regex, RegexBuilder};
use tidegate_core::names::Shown;

use super::certificate::CertificateNames;

/// A rule, as written:
///
/// * `DEFAULT`: the whole subject, by RFC 2253;
/// * `RULE:pattern/replacement/`, then `L` or `U` or nothing: on the subject;
/// * `SAN:dns:pattern/replacement/`, or `uri`, or `email`: on each such name in turn.
///
/// A pattern must match all of the text. `$1` in a replacement is the first group; `\/` is a slash.
#[derive(Debug, Clone)]
pub struct PrincipalRule {
    about: About,
    rewrite: Option<Rewrite>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Subject,
    Dns,
    Uri,
    Email,
}

#[derive(Debug, Clone)]
struct Rewrite {
    pattern: Regex,
    replacement: Vec<Piece>,
    case: Case,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Group(usize),
}

#[derive(Debug, Clone, Copy)]
enum Case {
    Same,
    Lower,
    Upper,
}

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrincipalRuleError {
    /// None of the forms.
    #[error(
        "`{0}` is no rule; write DEFAULT, RULE:pattern/replacement/, or SAN:dns:pattern/replacement/ (or uri, or email)"
    )]
    Form(Shown),
    /// Something behind the last slash.
    #[error("`{0}` stands behind the last slash; write L for lower case, U for upper case, or nothing")]
    Case(Shown),
    /// Too long.
    #[error("the rule has {0} bytes; at most {MAX_RULE_BYTES} are allowed")]
    TooLong(usize),
    /// The pattern is no regular expression.
    #[error(
        "the pattern is no regular expression: {0}; correct it, lookaround and backreferences are not known"
    )]
    Pattern(String),
    /// A group that the pattern does not have.
    #[error("the replacement uses ${wanted}, but the pattern has {groups} groups; correct the number")]
    Group {
        /// The group.
        wanted: usize,
        /// How many there are.
        groups: usize,
    },
}

impl PrincipalRule {
    /// Takes a rule as written.
    ///
    /// # Errors
    /// [`PrincipalRuleError`].
    pub fn parse(text: &str) -> Result<Self, PrincipalRuleError> {
        if text.len() > MAX_RULE_BYTES {
            return Err(PrincipalRuleError::TooLong(text.len()));
        }
        if text == "DEFAULT" {
            return Ok(Self { about: About::Subject, rewrite: None });
        }
        let (about, rest) = FORMS
            .iter()
            .find_map(|(begin, about)| Some((*about, text.strip_prefix(begin)?)))
            .ok_or_else(|| PrincipalRuleError::Form(Shown::of(text)))?;
        Ok(Self { about, rewrite: Some(Rewrite::parse(rest)?) })
    }

    /// Whether it needs nothing that only a certificate has.
    pub(crate) fn is_for_texts(&self) -> bool {
        self.about == About::Subject
    }

    /// The name that this rule makes of a certificate, if it matches.
    pub(super) fn apply(&self, names: &CertificateNames) -> Option<String> {
        let texts = match self.about {
            About::Subject => std::slice::from_ref(&names.subject),
            About::Dns => &names.dns,
            About::Uri => &names.uris,
            About::Email => &names.emails,
        };
        texts.iter().find_map(|text| match &self.rewrite {
            None => Some(text.clone()),
            Some(rewrite) => rewrite.apply(text),
        })
    }
}

impl Rewrite {
    fn parse(text: &str) -> Result<Self, PrincipalRuleError> {
        let form = || PrincipalRuleError::Form(Shown::of(text));
        let (pattern, rest) = until_slash(text).ok_or_else(form)?;
        let (replacement, case) = until_slash(rest).ok_or_else(form)?;
        let case = match case {
            "" => Case::Same,
            "L" => Case::Lower,
            "U" => Case::Upper,
            other => return Err(PrincipalRuleError::Case(Shown::of(other))),
        };
        // Java's classes are ASCII unless told otherwise, and so are these.
        let pattern = RegexBuilder::new(&format!("^(?:{})$", pattern.replace("\\/", "/")))
            .unicode(false)
            .size_limit(MAX_PATTERN_BYTES)
            .dfa_size_limit(MAX_PATTERN_BYTES)
            .build()
            .map_err(|error| PrincipalRuleError::Pattern(one_line(&error)))?;
        let groups = pattern.captures_len() - 1;
        let replacement = pieces(&replacement.replace("\\/", "/"));
        for piece in &replacement {
            if let Piece::Group(wanted) = piece
                && *wanted > groups
            {
                return Err(PrincipalRuleError::Group { wanted: *wanted, groups });
            }
        }
        Ok(Self { pattern, replacement, case })
    }

    fn apply(&self, text: &str) -> Option<String> {
        let captures = self.pattern.captures(text.as_bytes())?;
        let name = self.expand(&captures)?;
        Some(match self.case {
            Case::Same => name,
            Case::Lower => name.to_lowercase(),
            Case::Upper => name.to_uppercase(),
        })
    }

    fn expand(&self, captures: &Captures<'_>) -> Option<String> {
        let mut name = String::new();
        for piece in &self.replacement {
            match piece {
                Piece::Text(text) => name.push_str(text),
                // A group that took no part is empty. One that cuts a character in two makes no name.
                Piece::Group(group) => {
                    let bytes = captures.get(*group).map_or(&[][..], |group| group.as_bytes());
                    name.push_str(std::str::from_utf8(bytes).ok()?);
                }
            }
        }
        Some(name)
    }
}

/// What comes before the first slash without a backslash before it, and what comes after.
fn until_slash(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'/' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

/// The pieces of a replacement: `$` and digits is a group, everything else is itself.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, behind) = after.split_at(digits);
        match number.parse() {
            Ok(group) => pieces.extend([Piece::Text(before.to_owned()), Piece::Group(group)]),
            Err(_) => pieces.push(Piece::Text(format!("{before}${number}"))),
        }
        rest = behind;
    }
    pieces.push(Piece::Text(rest.to_owned()));
    pieces.retain(|piece| *piece != Piece::Text(String::new()));
    pieces
}

/// The reason at the end of the regex crate's drawing of where it is.
fn one_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim().trim_start_matches("error: ").to_owned()
}

/// A rule names a few parts of a subject.
const MAX_RULE_BYTES: usize = 1_024;
/// Memory that a compiled pattern may take.
const MAX_PATTERN_BYTES: usize = 1 << 20;
const FORMS: &[(&str, About)] = &[
    ("RULE:", About::Subject),
    ("SAN:dns:", About::Dns),
    ("SAN:uri:", About::Uri),
    ("SAN:email:", About::Email),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn of_subject(rule: &str, subject: &str) -> Option<String> {
        PrincipalRule::parse(rule).unwrap().apply(&CertificateNames::of_subject(subject))
    }

    /// The examples of Kafka's documentation and of its SslPrincipalMapperTest.
    #[test]
    fn rules_do_what_kafkas_do() {
        for (rule, subject, name) in [
            (
                "RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/",
                "CN=serviceuser,OU=ServiceUsers,O=Unknown",
                "serviceuser",
            ),
            (
                "RULE:^CN=(.*?), *OU=(.*?), *O=(.*?), *L=(.*?), *ST=(.*?), *C=(.*?)$/$1@$2/L",
                "CN=adminUser,OU=Admin,O=Unknown,L=Unknown,ST=Unknown,C=Unknown",
                "adminuser@admin",
            ),
            ("RULE:^.*[Cc][Nn]=([a-zA-Z0-9.]*).*$/$1/U", "CN=duke,OU=JavaSoft,O=Sun", "DUKE"),
            ("RULE:^cn=(.*?),ou=(.*?),dc=(.*?),dc=(.*?)$/$1@$2/U", "cn=a,ou=b,dc=c,dc=d", "A@B"),
            ("DEFAULT", "CN=duke,O=Sun", "CN=duke,O=Sun"),
            (r"RULE:^CN=([^,]*)\/x$/$1\/y/", "CN=a/x", "a/y"),
            ("RULE:^CN=(\\w+)$/cost$ $0/", "CN=a", "cost$ CN=a"),
        ] {
            assert_eq!(of_subject(rule, subject).as_deref(), Some(name), "{rule}");
        }
        // A match of a part is none.
        assert_eq!(of_subject("RULE:CN=a/$0/", "CN=ab"), None);
    }

    #[test]
    fn names_beside_the_subject_have_rules_too() {
        let names = CertificateNames {
            subject: "CN=x".to_owned(),
            dns: vec!["other".to_owned(), "acme.example.com".to_owned()],
            uris: vec!["spiffe://example.com/acme".to_owned()],
            emails: vec!["ops@acme.example".to_owned()],
        };
        for (rule, name) in [
            (r"SAN:dns:(\w+)\.example\.com/$1/", "acme"),
            (r"SAN:uri:spiffe:\/\/example\.com\/(.*)/$1/", "acme"),
            ("SAN:email:(.*)@.*/$1/U", "OPS"),
        ] {
            assert_eq!(PrincipalRule::parse(rule).unwrap().apply(&names).as_deref(), Some(name), "{rule}");
        }
        assert_eq!(of_subject("SAN:dns:(.*)/$1/", "CN=x"), None);
    }

    #[test]
    fn bad_rules_say_why() {
        let line = |rule: &str| PrincipalRule::parse(rule).unwrap_err().to_string();
        for rule in ["", "default", "RULE:a/b", "RULE:a", "SAN:ip:a/b/", "RULE:a\\/b/"] {
            assert!(line(rule).contains("is no rule"), "{rule}: {}", line(rule));
        }
        assert!(line("RULE:a/b/X").contains("behind the last slash"));
        assert!(line("RULE:(/b/").contains("unclosed group"), "{}", line("RULE:(/b/"));
        assert!(line("RULE:(?=a)/b/").contains("look-around"), "{}", line("RULE:(?=a)/b/"));
        assert!(line("RULE:(a)/$2/").contains("has 1 groups"));
        assert!(line("RULE:((a{100}){100}){100}/b/").contains("size limit"));
        assert!(line(&format!("RULE:{}/b/", "a".repeat(2_000))).contains("at most 1024"));
    }

    #[test]
    fn a_pattern_that_ruins_others_is_linear_here() {
        let subject = format!("CN={}!", "a".repeat(4_000));
        let began = std::time::Instant::now();
        assert_eq!(of_subject("RULE:CN=(a+)+b/$1/", &subject), None);
        assert!(began.elapsed() < std::time::Duration::from_secs(1));
    }
}
