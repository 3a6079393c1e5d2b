//! What is sent again and what is not, before a server that says what the test wants.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use crate::world::{Ran, bare, done, zone};

/// A server that answers each request with the next of these, and gives what was asked. An empty one closes the connection
/// without a word.
fn server(answers: &[&str]) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answers: Vec<String> = answers.iter().map(ToString::to_string).collect();
    let asked = thread::spawn(move || {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut first = String::new();
            reader.read_line(&mut first).unwrap();
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(bytes) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = bytes.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            reader.read_exact(&mut vec![0; length]).unwrap();
            asked.push(first.trim_end().to_owned());
            stream.write_all(answer.as_bytes()).unwrap();
        }
        asked
    });
    (url, asked)
}

fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn run(line: &str, answers: &[&str]) -> (Ran, Vec<String>) {
    run_with(line, "", answers)
}

fn run_with(line: &str, input: &str, answers: &[&str]) -> (Ran, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let (url, asked) = server(answers);
    let mut command = bare(&folder, line.split_whitespace());
    command.env("TIDEGATE_URL", url).env("TIDEGATE_TOKEN", "tidegate_A_b");
    let ran = done(command, input);
    (ran, asked.join().unwrap())
}

fn broken() -> String {
    answer("503 Service Unavailable", r#"{"title": "x", "cause": "the store is away"}"#)
}

#[test]
fn what_does_no_harm_is_asked_again() {
    let (ran, asked) = run("get zones", &[&broken(), "", &answer("200 OK", "[]")]);
    assert_eq!((ran.code, asked.len()), (0, 3), "{ran:?}");
    let (ran, asked) = run("get zones", &[&*broken(); 5]);
    assert_eq!((ran.code, asked.len()), (3, 5), "{ran:?}");
    assert!(ran.err.contains("the store is away (the fault is the server's)"), "{ran:?}");
}

#[test]
fn a_password_is_not_made_twice() {
    let (ran, asked) = run("credentials create acme", &[&broken()]);
    assert_eq!((ran.code, asked.len()), (3, 1), "{ran:?}");
    let (ran, asked) = run("credentials create acme", &[""]);
    assert_eq!((ran.code, asked.len()), (6, 1), "{ran:?}");
    assert!(ran.err.contains("whether it was done is not known"), "{ran:?}");
    let busy =
        "HTTP/1.1 429 Too Many Requests\r\nconnection: close\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n";
    let made = answer("200 OK", r#"{"id": "rest-1", "password": "secret"}"#);
    let (ran, asked) = run("credentials create acme", &[busy, &made]);
    assert_eq!((ran.code, ran.out.as_str(), asked.len()), (0, "secret\n", 2), "{ran:?}");
}

#[test]
fn an_old_password_that_could_not_be_revoked_is_told() {
    let list = answer("200 OK", r#"[{"id": "old"}]"#);
    let made = answer("200 OK", r#"{"id": "new", "password": "secret"}"#);
    let answers = [&*list, &made, &broken(), &broken(), &broken(), &broken(), &broken()];
    let (ran, asked) = run("credentials rotate acme old --revoke-old", &answers);
    assert_eq!((ran.code, ran.out.as_str(), asked.len()), (3, "secret\n", 7), "{ran:?}");
    assert!(
        ran.err.starts_with("credential new is made and written, but `old` may still be good: "),
        "{ran:?}"
    );
    let gone = answer("404 Not Found", r#"{"title": "x", "cause": "there is none"}"#);
    let (ran, _) = run("credentials rotate acme old --revoke-old", &[&list, &made, "", &gone]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "secret\n"), "gone after a lost answer: {ran:?}");
}

#[test]
fn what_has_expired_is_not_called_good() {
    let ended = r#"{"id": "old", "label": "was\u001b[2J", "expiresAt": "2020-01-01T00:00:00Z"}"#;
    let live =
        r#"{"id": "live", "expiresAt": "2999-01-01T00:00:00Z", "lastTimeUsed": "2026-01-02T03:04:00Z"}"#;
    let list = answer("200 OK", &format!("[{ended}, {live}]"));
    let (ran, _) = run("credentials list acme", &[&list]);
    assert_eq!(
        ran.out,
        "ID    LABEL    CREATED  EXPIRES                         LAST USED\n\
         old   was [2J  -        2020-01-01T00:00:00Z (expired)  -\n\
         live  -        -        2999-01-01T00:00:00Z            2026-01-02T03:04:00Z\n"
    );
    let made = answer("200 OK", r#"{"id": "new", "password": "secret"}"#);
    let (ran, _) = run("credentials rotate acme", &[&list, &made]);
    let told: Vec<&str> = ran.err.lines().skip(1).collect();
    assert_eq!(
        told,
        ["live is still good, last in use 2026-01-02T03:04:00Z; when nobody needs it any more: \
          `tidegate credentials revoke acme live`"]
    );
    let (ran, _) = run("credentials list acme", &[&answer("200 OK", r#"[{"name": "x"}]"#)]);
    assert_eq!(ran.code, 3, "{ran:?}");
}

#[test]
fn what_is_gone_after_a_lost_answer_was_deleted() {
    let there = answer("200 OK", "{}");
    let gone = answer("404 Not Found", r#"{"title": "x", "cause": "there is no zone `acme`"}"#);
    let (ran, asked) = run("delete zone acme --yes", &[&there, "", &gone]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "acme deleted\n"), "{ran:?}");
    assert_eq!(asked[1..], ["DELETE /public/console/v2/partner-zone/acme HTTP/1.1"; 2]);
    let (ran, _) = run("delete zone acme --yes", &[&there, &gone]);
    assert_eq!(ran.code, 4, "{ran:?}");
}

#[test]
fn what_was_made_is_told_when_somebody_was_faster_at_the_last_moment() {
    let put = |what: &str| answer("200 OK", &format!(r#"{{"resource": {{}}, "upsertResult": "{what}"}}"#));
    let conflict = answer("409 Conflict", r#"{"title": "x", "cause": "zone `b` was changed"}"#);
    let gone = answer("404 Not Found", r#"{"title": "x", "cause": "there is no zone `b`"}"#);
    let (created, updated) = (put("Created"), put("Updated"));
    let text = ["a", "b", "c"].map(zone).join("---\n");
    let answers = [&created, &updated, &created, &created, &conflict, &gone, &created].map(String::as_str);
    let (ran, asked) = run_with("apply -f -", &text, &answers);
    assert_eq!((ran.code, ran.out.as_str()), (5, "NAME  RESULT\na     Created\nc     Created\n"), "{ran:?}");
    assert_eq!((ran.err.as_str(), asked.len()), ("zone `b` was changed\n", 7));
    assert!(asked[..3].iter().all(|line| line.contains("?dryMode=true")), "{asked:?}");
    assert_eq!(asked[3..5], ["PUT /public/console/v2/partner-zone HTTP/1.1"; 2]);
}

#[test]
fn nobody_is_followed_elsewhere() {
    let (elsewhere, _) = server(&[]);
    let away = format!(
        "HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: {elsewhere}/\r\ncontent-length: 0\r\n\r\n"
    );
    let (ran, asked) = run("get zones", &[&away]);
    assert_eq!((ran.code, asked.len()), (3, 1), "{ran:?}");
    assert!(ran.err.contains("answered 302 Found as no gateway does"), "{ran:?}");
}

#[test]
fn what_is_no_gateway_is_told() {
    let (ran, _) = run("get zones acme", &[&answer("404 Not Found", "<html>nothing</html>")]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("as no gateway does; is this the address of its REST"), "{ran:?}");
    let (ran, _) = run("get zones", &[&answer("200 OK", "<html>")]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("the answer is not what a gateway tells"), "{ran:?}");
    let hostile = answer("400 Bad Request", r#"{"title": "x", "cause": "\u001b[2Jgone"}"#);
    let (ran, _) = run("get zones", &[&hostile]);
    assert_eq!((ran.code, ran.err.as_str()), (2, " [2Jgone\n"));
    let newer = r#"[{"apiVersion": "v3", "kind": "PartnerZone", "metadata": {"name": "acme"}, "spec": {}}]"#;
    let (ran, _) = run("export", &[&answer("200 OK", newer)]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("use the newest `tidegate`"), "{ran:?}");
}
