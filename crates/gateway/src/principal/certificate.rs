//! The names in a certificate.

use x509_parser::certificate::X509Certificate;
use x509_parser::der_parser::asn1_rs::{Any, Tag};
use x509_parser::der_parser::oid::Oid;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// The names that rules are asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CertificateNames {
    /// The subject by RFC 2253, written as Java does it: Kafka's rules are written against that.
    pub(super) subject: String,
    pub(super) dns: Vec<String>,
    pub(super) uris: Vec<String>,
    pub(super) emails: Vec<String>,
}

impl CertificateNames {
    /// The names in a DER certificate; `None` when it cannot be read or its names are beyond all measure.
    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let mut names = Self { subject: rfc_2253(certificate.subject()), ..Self::default() };
        if let Some(alternative) = certificate.subject_alternative_name().ok()? {
            for name in alternative.value.general_names.iter().take(MAX_NAMES) {
                match name {
                    GeneralName::DNSName(name) => names.dns.push((*name).to_owned()),
                    GeneralName::URI(name) => names.uris.push((*name).to_owned()),
                    GeneralName::RFC822Name(name) => names.emails.push((*name).to_owned()),
                    _ => {}
                }
            }
        }
        let bytes = |names: &[String]| names.iter().map(String::len).sum::<usize>();
        let all = names.subject.len() + bytes(&names.dns) + bytes(&names.uris) + bytes(&names.emails);
        (all <= MAX_BYTES).then_some(names)
    }

    /// Names of which only the subject is there.
    pub(super) fn of_subject(subject: &str) -> Self {
        Self { subject: subject.to_owned(), ..Self::default() }
    }
}

/// The last part first, as RFC 2253 wants it.
fn rfc_2253(name: &X509Name<'_>) -> String {
    let parts: Vec<String> =
        name.iter_rdn().map(|part| part.iter().map(attribute).collect::<Vec<_>>().join("+")).collect();
    parts.into_iter().rev().collect::<Vec<_>>().join(",")
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type();
    let keyword = KEYWORDS.iter().find(|(known, _)| is(oid, known)).map(|(_, keyword)| *keyword);
    match (keyword, text(attribute.attr_value())) {
        (Some(keyword), Some(text)) => format!("{keyword}={}", escaped(&text)),
        (keyword, _) => {
            let kind = keyword.map_or_else(|| oid.to_id_string(), str::to_owned);
            format!("{kind}=#{}", hex(attribute.attr_value()))
        }
    }
}

fn is(oid: &Oid<'_>, numbers: &[u64]) -> bool {
    oid.iter().is_some_and(|found| found.eq(numbers.iter().copied()))
}

/// The value as text, if it is of a type for texts.
fn text(value: &Any<'_>) -> Option<String> {
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String => {
            std::str::from_utf8(value.data).ok().map(str::to_owned)
        }
        Tag::T61String => Some(value.data.iter().copied().map(char::from).collect()),
        Tag::BmpString => {
            let (units, rest) = value.data.as_chunks::<2>();
            let units: Vec<u16> = units.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
            rest.is_empty().then(|| String::from_utf16(&units).ok()).flatten()
        }
        _ => None,
    }
}

/// With a backslash before whatever could be taken for the syntax of the name.
fn escaped(text: &str) -> String {
    let inner = text.trim_matches(' ');
    let leading = text.len() - text.trim_start_matches(' ').len();
    let trailing = if inner.is_empty() { 0 } else { text.len() - text.trim_end_matches(' ').len() };
    let mut out = "\\ ".repeat(leading);
    for character in inner.chars() {
        if ESCAPED.contains(character) {
            out.push('\\');
        }
        if character == '\0' {
            out.push_str("\\00");
        } else {
            out.push(character);
        }
    }
    out + &"\\ ".repeat(trailing)
}

/// The value with its DER header, as hexadecimal digits.
fn hex(value: &Any<'_>) -> String {
    use x509_parser::der_parser::asn1_rs::ToDer;
    value.to_der_vec().unwrap_or_default().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Names beside the subject that are looked at.
const MAX_NAMES: usize = 100;
/// Bytes of all names together.
const MAX_BYTES: usize = 8 * 1_024;
/// As `javax.security.auth.x500.X500Principal` escapes: a little more than RFC 2253 asks for.
const ESCAPED: &str = ",=+<>#;\"\\";
/// The keywords of RFC 2253; other attributes are shown by number.
const KEYWORDS: &[(&[u64], &str)] = &[
    (&[2, 5, 4, 3], "CN"),
    (&[2, 5, 4, 7], "L"),
    (&[2, 5, 4, 8], "ST"),
    (&[2, 5, 4, 10], "O"),
    (&[2, 5, 4, 11], "OU"),
    (&[2, 5, 4, 6], "C"),
    (&[2, 5, 4, 9], "STREET"),
    (&[0, 9, 2342, 19200300, 100, 1, 25], "DC"),
    (&[0, 9, 2342, 19200300, 100, 1, 1], "UID"),
];

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, DnValue, KeyPair, SanType};

    use super::*;

    fn names(parts: Vec<(DnType, DnValue)>, alternative: Vec<SanType>) -> CertificateNames {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, value) in parts {
            params.distinguished_name.push(kind, value);
        }
        params.subject_alt_names = alternative;
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        CertificateNames::read(certificate.der()).unwrap()
    }

    fn utf8(text: &str) -> DnValue {
        DnValue::Utf8String(text.to_owned())
    }

    #[test]
    fn a_subject_is_written_as_java_writes_it() {
        let email = DnType::CustomDnType(vec![1, 2, 840, 113_549, 1, 9, 1]);
        let parts = vec![
            (DnType::CountryName, DnValue::PrintableString("DE".try_into().unwrap())),
            (DnType::OrganizationName, utf8("Acme, \"Inc\"")),
            (DnType::OrganizationalUnitName, utf8(" #a=b+c ")),
            (DnType::CommonName, utf8("j\u{f6}rg\\")),
            (email, DnValue::Ia5String("a@b".try_into().unwrap())),
        ];
        let subject = names(parts, Vec::new()).subject;
        let wanted = "1.2.840.113549.1.9.1=#1603614062,CN=j\u{f6}rg\\\\,OU=\\ \\#a\\=b\\+c\\ ,O=Acme\\, \\\"Inc\\\",C=DE";
        assert_eq!(subject, wanted);
    }

    #[test]
    fn names_beside_the_subject_are_found() {
        let alternative = vec![
            SanType::DnsName("acme.example.com".try_into().unwrap()),
            SanType::URI("spiffe://x/acme".try_into().unwrap()),
            SanType::Rfc822Name("ops@acme.example".try_into().unwrap()),
            SanType::IpAddress("10.0.0.1".parse().unwrap()),
        ];
        let names = names(vec![(DnType::CommonName, utf8("acme"))], alternative);
        assert_eq!(names.subject, "CN=acme");
        assert_eq!(
            (names.dns, names.uris),
            (vec!["acme.example.com".to_owned()], vec!["spiffe://x/acme".to_owned()])
        );
        assert_eq!(names.emails, ["ops@acme.example"]);
    }

    #[test]
    fn what_is_no_certificate_or_far_too_large_has_no_names() {
        assert_eq!(CertificateNames::read(b"no certificate"), None);
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "x".repeat(MAX_BYTES + 1));
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        assert_eq!(CertificateNames::read(certificate.der()), None);
    }
}
