//! Reads the accounts file.

use std::collections::HashMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::verifier::{check_iterations, check_key, check_salt};
use super::{Account, AccountProblem, Accounts, Credential, ScramMechanism, ScramVerifier};
use crate::document::{self, Fields, Place, Problem, Report};
use crate::names::{AccountName, CredentialId, Shown};

/// All that is wrong with an accounts file; shown as one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountErrors(Vec<Problem>);

impl AccountErrors {
    /// The mistakes, in the order of the text.
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }

    /// One line per mistake, each begun with the name of the file.
    pub fn lines<'a>(&'a self, file: &'a str) -> impl Iterator<Item = String> + 'a {
        self.0.iter().map(move |problem| format!("{file}: {problem}"))
    }
}

impl fmt::Display for AccountErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }
}

impl std::error::Error for AccountErrors {}

pub(super) fn parse(text: &str) -> Result<Accounts, AccountErrors> {
    let (documents, syntax) = document::parse(text);
    let report = Report::default();
    let mut accounts = Accounts::default();
    match documents.as_slice() {
        [document] => accounts = read(&document.place(&report)),
        [] if syntax.is_some() => {}
        documents => report.add(whole_file(documents.len())),
    }
    let mut problems: Vec<Problem> = report.into_problems().into_iter().chain(syntax).collect();
    problems.iter_mut().for_each(|problem| problem.document = None);
    if problems.is_empty() { Ok(accounts) } else { Err(AccountErrors(problems)) }
}

fn whole_file(documents: usize) -> Problem {
    let what = format!("the file holds {documents} documents; write one, begun with `kind: Accounts`");
    Problem { document: None, path: String::new(), line: None, what }
}

fn read(document: &Place<'_>) -> Accounts {
    let mut accounts = Accounts::default();
    let Some(mut fields) = document.fields() else { return accounts };
    fields.exactly("apiVersion", "v1");
    fields.exactly("kind", "Accounts");
    let list = fields.required("accounts", "write `accounts: []` for none");
    fields.finish();
    let mut first_uses: HashMap<AccountName, String> = HashMap::new();
    for place in list.iter().flat_map(Place::items) {
        let Some((name, credentials)) = account(&place) else { continue };
        if let Some(first) = first_uses.insert(name.clone(), place.path().to_owned()) {
            place.fail(format_args!(
                "account `{name}` is already defined by {first}; put all its credentials there"
            ));
        }
        match Account::new(name, credentials) {
            Ok(account) => drop(accounts.insert(account)),
            Err(problem) => place.fail(problem),
        }
    }
    accounts
}

fn account(place: &Place<'_>) -> Option<(AccountName, Vec<Credential>)> {
    let mut fields = place.fields()?;
    let name = fields
        .required("name", "write the name to log in with")
        .and_then(|place| place.parse(AccountName::parse));
    let list = fields.required("credentials", "write `credentials: []` for an account that cannot log in");
    fields.finish();
    let credentials = list.iter().flat_map(Place::items).filter_map(|place| credential(&place)).collect();
    Some((name?, credentials))
}

fn credential(place: &Place<'_>) -> Option<Credential> {
    let mut fields = place.fields()?;
    let id =
        fields.required("id", "give the credential an id").and_then(|place| place.parse(CredentialId::parse));
    let created = fields.optional("created").and_then(|place| time(&place));
    let mechanisms = fields.required("mechanisms", "make the password again");
    fields.finish();
    let mut mechanisms = mechanisms?.fields()?;
    let [sha_256, sha_512] = [ScramMechanism::Sha256, ScramMechanism::Sha512]
        .map(|mechanism| verifier(&mut mechanisms, mechanism));
    mechanisms.finish();
    Credential::new(id?, created, sha_256?, sha_512?).map_err(|problem| place.fail(problem)).ok()
}

fn verifier(mechanisms: &mut Fields<'_>, mechanism: ScramMechanism) -> Option<ScramVerifier> {
    let place = mechanisms.required(mechanism.as_str(), "make the password again")?;
    let mut fields = place.fields()?;
    let salt = bytes(&mut fields, "salt", check_salt);
    let iterations = fields.required("iterations", "make the password again").and_then(|place| {
        check_iterations(place.whole_number()?).map_err(|problem| place.fail(problem)).ok()
    });
    let stored_key = bytes(&mut fields, "storedKey", |key| check_key(mechanism, key));
    let server_key = bytes(&mut fields, "serverKey", |key| check_key(mechanism, key));
    fields.finish();
    ScramVerifier::new(mechanism, salt?, iterations?, stored_key?, server_key?)
        .map_err(|problem| place.fail(problem))
        .ok()
}

/// Base64 of something secret: no message repeats it.
fn bytes(
    fields: &mut Fields<'_>,
    key: &'static str,
    check: impl Fn(&[u8]) -> Result<(), AccountProblem>,
) -> Option<Vec<u8>> {
    let place = fields.required(key, "make the password again")?;
    let Ok(bytes) = STANDARD.decode(place.text()?) else {
        place.fail("the text is not base64; copy it whole, or make the password again");
        return None;
    };
    check(&bytes).map_err(|problem| place.fail(problem)).ok().map(|()| bytes)
}

/// The time is for people, so it is kept as text; it must only be safe to print and to write again.
fn time(place: &Place<'_>) -> Option<String> {
    let text = place.text()?;
    if text.len() <= 40 && text.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        return Some(text.to_owned());
    }
    place.fail(format_args!("`{}` is no time; write it like 2026-01-31T12:00:00Z", Shown::of(text)));
    None
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::super::tests::{account, credential};
    use super::*;

    fn sample() -> Accounts {
        let mut accounts = Accounts::default();
        accounts.insert(account("johndoe", vec![credential("a", 1, 2), credential("b", 1, 3)]).unwrap());
        accounts.insert(account("o\"dd\\#:{name}", vec![credential("true", 4, 5)]).unwrap());
        accounts.insert(account("locked", vec![]).unwrap());
        accounts
    }

    #[test]
    fn what_is_written_is_read_again() {
        for accounts in [Accounts::default(), sample()] {
            let text = accounts.render();
            let again = Accounts::parse(text.expose_secret()).unwrap();
            assert_eq!(again.render().expose_secret(), text.expose_secret());
            for account in accounts.iter() {
                let found = again.find(account.name().as_str()).unwrap();
                assert_eq!(found.fingerprint(), account.fingerprint());
            }
        }
    }

    #[test]
    fn all_mistakes_are_told_and_no_key_is_repeated() {
        let text = sample().render().expose_secret().to_owned();
        let bad = text
            .replacen("apiVersion: v1", "apiVersion: v2", 1)
            .replacen("name: \"johndoe\"", "name: \"john doe\"", 1)
            .replacen("iterations: 4096", "iterations: 1", 1)
            .replacen("storedKey: AgIC", "storedKey: _gIC", 1)
            .replacen("serverKey: AgIC", "serverKey: ", 1)
            .replacen("created:", "creatd:", 1);
        let lines: Vec<String> = Accounts::parse(&bad).unwrap_err().lines("accounts.yaml").collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn one_account_is_written_once() {
        let text = "{apiVersion: v1, kind: Accounts, accounts: [{name: u, credentials: []}, {name: u, credentials: []}]}";
        assert_eq!(
            Accounts::parse(text).unwrap_err().to_string(),
            "accounts[1] (line 1): account `u` is already defined by accounts[0]; put all its credentials there"
        );
    }

    #[test]
    fn a_file_holds_one_document() {
        assert_eq!(
            Accounts::parse("").unwrap_err().to_string(),
            "the file holds 0 documents; write one, begun with `kind: Accounts`"
        );
        assert!(
            Accounts::parse("apiVersion: [").unwrap_err().to_string().starts_with("line 1: not valid YAML")
        );
    }
}
