//! Somebody at a terminal.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::process::{Command, Stdio};

/// The exit code of a command whose standard input is a terminal at which somebody types, and what it asks.
pub(crate) fn at_a_terminal(mut command: Command, typed: &str) -> (i32, String) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&keyboard).unwrap();
    unlockpt(&keyboard).unwrap();
    let name = std::ffi::OsString::from_vec(ptsname(&keyboard, Vec::new()).unwrap().into_bytes());
    let terminal = OpenOptions::new().read(true).write(true).open(name).unwrap();
    let mut child = command.stdin(terminal).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut question = Vec::new();
    let mut shown = child.stderr.take().unwrap();
    let mut one = [0];
    while !question.ends_with(b"[y/N] ") && shown.read(&mut one).unwrap() == 1 {
        question.push(one[0]);
    }
    File::from(keyboard).write_all(typed.as_bytes()).unwrap();
    (child.wait().unwrap().code().unwrap(), String::from_utf8(question).unwrap())
}
