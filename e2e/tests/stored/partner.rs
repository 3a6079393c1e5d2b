//! A partner, as a gateway sees it.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tidegate_e2e::gateway::{Home, get};
use tidegate_e2e::raw::Connection;
use tidegate_e2e::requests::listed;

pub(crate) const ACCOUNT: &str = "partner";
pub(crate) const PASSWORD: &str = "partner-password";

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn open(home: &Home) -> Result<Connection> {
    Connection::open(home.ports().bound(), PATIENCE)
}

pub(crate) fn log_in(home: &Home, password: &str) -> Result<Connection> {
    let mut connection = open(home)?;
    connection.log_in(ACCOUNT, password)?;
    Ok(connection)
}

/// How long it took until something was so.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<Duration> {
    let begin = Instant::now();
    while !holds()? {
        ensure!(begin.elapsed() < PATIENCE, "waited {PATIENCE:?} until {what}");
        thread::sleep(Duration::from_millis(5));
    }
    Ok(begin.elapsed())
}

/// How long it took until a connection saw these topics and no others.
pub(crate) fn sees(connection: &mut Connection, topics: &[&str]) -> Result<Duration> {
    until(&format!("{topics:?} are seen"), || Ok(listed(connection)? == topics))
}

/// How long it took until a connection was cut.
pub(crate) fn is_cut(connection: &mut Connection) -> Result<Duration> {
    let begin = Instant::now();
    connection.until_closed()?;
    Ok(begin.elapsed())
}

/// What the readiness probe says.
pub(crate) fn readiness(home: &Home) -> Result<(u16, String)> {
    let answer = get(home.ports().http(), "/readyz")?;
    Ok((answer.status, answer.body))
}
