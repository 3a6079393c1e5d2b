//! `tidegate-gateway account`: the file of verifiers. No password is kept in it.

use std::fs;
use std::io::{BufRead, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use secrecy::{ExposeSecret, SecretString};
use tidegate_core::account::Accounts;
use tidegate_core::{AccountName, CredentialId};
use tidegate_gateway::logins::{make_account, make_password};

/// What to do with the accounts file.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Adds an account and prints its password, once.
    Add(Add),
    /// Lists the accounts.
    List(File),
    /// Removes an account. SIGHUP makes a running gateway cut its connections.
    Remove(Named),
}

#[derive(Args)]
pub(crate) struct File {
    /// The accounts file; `accounts.file` of the configuration.
    #[arg(long, default_value = "accounts.yaml")]
    file: PathBuf,
}

#[derive(Args)]
pub(crate) struct Named {
    #[command(flatten)]
    file: File,
    /// The account's name: what the partner logs in as, and `spec.serviceAccount` of its zone.
    name: String,
}

#[derive(Args)]
pub(crate) struct Add {
    #[command(flatten)]
    named: Named,
    /// Read the password from the first line of standard input instead of making one.
    #[arg(long)]
    password_stdin: bool,
}

/// Shortest password taken from standard input.
const MIN_PASSWORD: usize = 8;

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add(add) => self::add(&add),
        Command::List(file) => list(&file.file),
        Command::Remove(named) => remove(&named),
    }
}

fn add(add: &Add) -> anyhow::Result<()> {
    let path = &add.named.file.file;
    let name = AccountName::parse(&add.named.name)?;
    let mut accounts = read(path)?;
    if accounts.find(name.as_str()).is_some() {
        bail!("account `{name}` is in {} already; remove it first to give it a new password", path.display());
    }
    let (password, made) = match add.password_stdin {
        true => (password_from_stdin()?, false),
        false => (make_password().context("the machine gives no random bytes")?, true),
    };
    let account = make_account(name, CredentialId::parse("initial")?, &password);
    accounts.insert(account.context("the machine gives no random bytes")?);
    write(path, &accounts)?;
    if made {
        writeln!(std::io::stdout(), "{}", password.expose_secret())?;
    }
    Ok(())
}

fn password_from_stdin() -> anyhow::Result<SecretString> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("cannot read the password from standard input")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.len() < MIN_PASSWORD {
        bail!(
            "the password on standard input is shorter than {MIN_PASSWORD} bytes; write a longer one on the first line"
        );
    }
    Ok(SecretString::from(password))
}

fn list(path: &Path) -> anyhow::Result<()> {
    for account in read(path)?.iter() {
        writeln!(std::io::stdout(), "{}", account.name())?;
    }
    Ok(())
}

fn remove(named: &Named) -> anyhow::Result<()> {
    let path = &named.file.file;
    let mut accounts = read(path)?;
    if accounts.remove(&AccountName::parse(&named.name)?).is_none() {
        bail!("account `{}` is not in {}", named.name, path.display());
    }
    write(path, &accounts)
}

fn read(path: &Path) -> anyhow::Result<Accounts> {
    if !path.exists() {
        return Ok(Accounts::default());
    }
    let text =
        fs::read_to_string(path).with_context(|| format!("{}: cannot read the file", path.display()))?;
    Accounts::parse(&text).map_err(|errors| {
        let lines: Vec<_> = errors.lines(&path.display().to_string()).collect();
        anyhow::anyhow!(lines.join("\n"))
    })
}

/// Replaces the file whole, so that a crash or a full disk leaves the old one.
fn write(path: &Path, accounts: &Accounts) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    let written = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| {
            file.write_all(accounts.render().expose_secret().as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&beside, path));
    written.with_context(|| format!("{}: cannot write the file", path.display()))
}
