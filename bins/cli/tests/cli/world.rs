//! A gateway's REST on a socket, a token of each role, and the built command line.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use ring::rand::SystemRandom;
use secrecy::ExposeSecret;
use tempfile::TempDir;
use tidegate_admin::{Access, Admin, Limits, NewToken, Parts, serve};
use tidegate_core::account::ScramMechanism;
use tidegate_core::records::{Moment, Role, Sealing, TokenKind};
use tidegate_core::registry::Registry;
use tidegate_core::store::{Sealer, SealingKey, Store};
use tidegate_core::{Label, MemoryFacts, ZoneName};
use tidegate_store::MemoryStore;
use tidegate_wire::sasl::{ScramCredential, ScramHash};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::gateway::Stand;

/// A gateway, whoever calls it, and a folder to work in.
pub(crate) struct World {
    pub(crate) url: String,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) folder: TempDir,
    pub(crate) viewer: String,
    pub(crate) operator: String,
    pub(crate) admin: String,
    sealer: Arc<Sealer>,
    _stop: watch::Sender<bool>,
    _runtime: Runtime,
}

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default(), Access::Tokens, None)
    }

    pub(crate) fn with(limits: Limits, access: Access, tls: Option<TlsAcceptor>) -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let sealer = Arc::new(Sealer::new(SealingKey::from_bytes(&[1; 32]).unwrap()));
        let admin = Admin::new(Parts {
            store: Arc::clone(&store),
            sealer: Arc::clone(&sealer),
            facts: Arc::new(MemoryFacts::default()),
            daemon: Arc::new(Stand),
            access,
            limits,
        });
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let (stop, stopping) = watch::channel(false);
        runtime.spawn(serve(listener, tls.map(|tls| watch::channel(tls).1), admin, stopping));
        let folder = tempfile::tempdir().unwrap();
        let none = String::new;
        let (viewer, operator, admin) = (none(), none(), none());
        let mut world =
            Self { url, store, folder, viewer, operator, admin, sealer, _stop: stop, _runtime: runtime };
        world.viewer = world.token(Role::Viewer);
        world.operator = world.token(Role::Operator);
        world.admin = world.token(Role::Admin);
        world
    }

    fn token(&self, role: Role) -> String {
        let name = Label::parse(&format!("{role:?}")).unwrap();
        let made =
            NewToken::make(name, TokenKind::Bearer, role, Moment(1), None, &SystemRandom::new()).unwrap();
        let change = self.look(|registry| registry.add_token(&made.record).unwrap());
        self._runtime.block_on(self.store.commit(change)).unwrap();
        made.bearer().expose_secret().to_owned()
    }

    fn look<T>(&self, look: impl FnOnce(&Registry<'_>) -> T) -> T {
        let (image, random) = (self.store.image(), SystemRandom::new());
        let sealing = Sealing { sealer: &self.sealer, random: &random };
        look(&Registry { image: &image, sealing, now: Moment(1) })
    }

    /// Whether a password lets a partner into a zone.
    pub(crate) fn lets_in(&self, zone: &str, password: &str) -> bool {
        let zone = ZoneName::parse(zone).unwrap();
        let account = self.look(|registry| registry.account_of(&zone).unwrap().value.account);
        account.credentials().iter().any(|credential| {
            let verifier = credential.verifier(ScramMechanism::Sha256);
            let keys = (verifier.stored_key().expose_secret(), verifier.server_key().expose_secret());
            let (salt, rounds) = (verifier.salt(), verifier.iterations());
            let scram = ScramCredential::from_parts(ScramHash::Sha256, salt, rounds, keys.0, keys.1).unwrap();
            scram.verify_password(&password.to_owned().into())
        })
    }

    /// `tidegate`, as an operator of this gateway calls it.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = bare(&self.folder, arguments);
        command.env("TIDEGATE_URL", &self.url).env("TIDEGATE_TOKEN", &self.operator);
        command
    }

    /// The same, for a line without spaces in its words, done.
    pub(crate) fn run(&self, line: &str) -> Ran {
        done(self.command(line.split_whitespace()), "")
    }

    /// The same, and it has to work: what it writes.
    pub(crate) fn ok(&self, line: &str) -> String {
        let ran = self.run(line);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{line}: {ran:?}");
        ran.out
    }

    /// Writes a file into the folder.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Makes a zone.
    pub(crate) fn made(&self, name: &str) {
        let text = zone(name);
        let ran = done(self.command(["apply", "-f", "-"]), &text);
        assert_eq!((ran.code, ran.out.contains("Created")), (0, true), "{ran:?}");
    }

    /// What is not the same in every run, as words.
    pub(crate) fn masked(&self, text: &str) -> String {
        masked(&text.replace(&self.url, "URL"))
    }
}

/// `tidegate` of somebody who has set up nothing.
pub(crate) fn bare<A: AsRef<OsStr>>(folder: &TempDir, arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(arguments).env_clear().env("HOME", folder.path()).current_dir(folder.path());
    command
}

/// Runs a command with something on its standard input.
pub(crate) fn done(mut command: Command, input: &str) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Who does not read it has ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// Times, ids and revisions as words.
pub(crate) fn masked(text: &str) -> String {
    let is_time = |word: &str| word.starts_with("20") && word.ends_with('Z') && word.contains('T');
    let is_uuid = |word: &str| word.len() == 36 && word.matches('-').count() == 4;
    let mask = |word: &str| {
        let bare = word.trim_matches(['"', ',']);
        let name = if is_time(bare) {
            "TIME"
        } else if is_uuid(bare) {
            "UUID"
        } else {
            return word.to_owned();
        };
        word.replace(bare, name)
    };
    let lines = text.lines().map(|line| line.split(' ').map(mask).collect::<Vec<_>>().join(" "));
    lines.map(|line| line + "\n").collect()
}

/// A manifest as somebody writes it.
pub(crate) fn zone(name: &str) -> String {
    format!(
        "apiVersion: v2\nkind: PartnerZone\nmetadata:\n  name: {name}\nspec:\n  cluster: main\n  url: https://{name}.example\n  \
         serviceAccount: {name}-account\n  topics:\n    - {{name: orders, backingTopic: orders-v3, permission: WRITE}}\n    \
         - {{name: prices, backingTopic: prices-v1, permission: READ}}\n"
    )
}
