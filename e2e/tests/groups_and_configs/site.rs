//! Two zones before a cluster that all cases share, and what is in their groups.

use std::io::Write as _;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tidegate_e2e::gateway::{self, Alias, Gateway, Home, Permission};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Protocol, Topic};
use tidegate_e2e::markers::Markers;
use tidegate_e2e::raw::Connection;
use tidegate_e2e::recorder::Recorder;
use tidegate_e2e::{java, process, random};

use crate::requests::{MEMBER_RACK, commit, describe, holds, join, listed};

pub(crate) const PARTNER: &str = "partner";
pub(crate) const RIVAL: &str = "rival-partner";
/// The alias of both zones.
pub(crate) const ORDERS: &str = "orders";
/// A group of the partner with a member.
pub(crate) const BILLING: &str = "billing";
/// A group of the partner, and one of the rival, with offsets only.
pub(crate) const READERS: &str = "readers";

const PASSWORD: &str = "partner-password";
const PATIENCE: Duration = Duration::from_secs(20);

/// Two zones on one topic, groups in both and of the owner, and everything that the gateway says.
pub(crate) struct Site {
    pub(crate) kafka: &'static Kafka,
    home: Home,
    recorder: Recorder,
    /// Behind [`ORDERS`] of both zones.
    pub(crate) orders: Topic,
    /// In no zone, and asked for by nobody.
    pub(crate) hidden: Topic,
    /// In no zone, and asked for: refusals echo its name.
    pub(crate) probed: Topic,
    /// A group that is in no zone.
    pub(crate) owners_group: String,
    /// Keeps the only member of [`BILLING`].
    member: Option<Connection>,
    _gateway: Gateway,
}

impl Site {
    /// `policy` goes into the configuration.
    pub(crate) fn start(policy: &str) -> Result<Self> {
        let kafka = kafka();
        let topics = kafka.create_topics(&[2, 2, 1])?;
        let [orders, hidden, probed] = [0, 1, 2].map(|at| topics[at].clone());
        let (home, recorder) = (Home::create(kafka)?, Recorder::default());
        for account in [PARTNER, RIVAL] {
            home.add_account(account, PASSWORD)?;
            let alias = Alias {
                name: ORDERS.to_owned(),
                backing: orders.name.clone(),
                permission: Permission::Write,
            };
            home.add_zone(&random::name("zone-"), account, &[alias])?;
        }
        home.replace("tidegate.yaml", "http:\n", &format!("{policy}http:\n"))?;
        home.ports().record(&recorder)?;
        let gateway = Gateway::start(&home)?;
        let owners_group = random::name("owners-group-");
        let (member, _gateway) = (None, gateway);
        let mut site = Self { kafka, home, recorder, orders, hidden, probed, owners_group, member, _gateway };
        site.fill()?;
        Ok(site)
    }

    fn fill(&mut self) -> Result<()> {
        let mut direct = self.kafka.internal(1)?;
        commit(&mut direct, &self.owners_group, &self.orders.name)?;
        for account in [PARTNER, RIVAL] {
            commit(&mut self.connect(account)?, READERS, ORDERS)?;
        }
        let mut member = self.connect(PARTNER)?;
        commit(&mut member, BILLING, ORDERS)?;
        join(&mut member, BILLING, ORDERS)?;
        self.member = Some(member);
        Ok(())
    }

    /// A connection that is logged in, through the recorder.
    pub(crate) fn connect(&self, account: &str) -> Result<Connection> {
        let mut connection = Connection::open(self.home.ports().advertised(), PATIENCE)?;
        connection.log_in(account, PASSWORD)?;
        Ok(connection)
    }

    /// What the cluster's name of [`BILLING`] begins with.
    pub(crate) fn prefix(&self, direct: &mut Connection) -> Result<String> {
        let names = listed(direct, 5)?;
        let mut is_mine = |name: &&String| {
            let described = direct.call(5, &describe(name)).expect("the broker describes");
            let mut members = described.groups[0].members.iter();
            members.any(|member| holds(&member.member_assignment, self.orders.name.as_bytes()))
        };
        let mut named = names.iter().filter(|name| name.ends_with(BILLING));
        let name = named.find(&mut is_mine).context("the partner's group is on the cluster")?;
        Ok(name.strip_suffix(BILLING).unwrap_or_default().to_owned())
    }

    /// What one of Kafka's tools prints when the partner runs it.
    pub(crate) fn tool(&self, main: &str, arguments: &[&str]) -> Result<String> {
        let config = gateway::client_config(&self.home, "PLAIN", PARTNER, PASSWORD);
        let mut file = tempfile::NamedTempFile::new()?;
        writeln!(
            file,
            "security.protocol={}\nsasl.mechanism=PLAIN\nsasl.jaas.config=org.apache.kafka.common.security.plain\
             .PlainLoginModule required username=\"{PARTNER}\" password=\"{PASSWORD}\";",
            config.protocol
        )?;
        let mut tool = java::program(Version::V4_1_1, &["-Xmx128m", "-XX:TieredStopAtLevel=1"], main)?;
        tool.args(["--bootstrap-server", &config.bootstrap, "--command-config"])
            .arg(file.path())
            .args(arguments);
        let done = process::run_ok(&tool, Duration::from_secs(90))?;
        println!("{arguments:?}\n{}{}", done.stdout, done.stderr);
        ensure!(
            !done.stderr.contains("Exception") && !done.stdout.contains("Exception"),
            "{main}: {arguments:?}"
        );
        Ok(done.stdout)
    }

    /// Ends the case: nothing that the gateway ever sent holds a marker, and no topic came to life.
    pub(crate) fn finish(self) -> Result<()> {
        let mut markers = Markers::default();
        for topic in [&self.hidden, &self.probed] {
            markers.id("topic id", topic.id);
        }
        markers.id("topic id", self.orders.id);
        markers.text("backing topic", &self.orders.name);
        markers.text("hidden topic", &self.hidden.name);
        markers.text("rack of a member", MEMBER_RACK);
        self.kafka.hosts().iter().for_each(|host| markers.text("upstream host", host));
        self.kafka.racks().iter().for_each(|rack| markers.text("upstream rack", rack));
        markers.cluster_id(self.kafka.cluster_id());
        markers.text("upstream user", &self.kafka.admin().name);
        markers.text("prefix of a zone", &self.prefix(&mut self.kafka.internal(1)?)?);
        let hits: Vec<String> = self.recorder.search(&markers).iter().map(ToString::to_string).collect();
        ensure!(hits.is_empty(), "leaked to the partner:\n{}", hits.join("\n"));
        ensure!(self.recorder.recorded() > 0, "nothing went through the recorder");
        let names = self.kafka.topic_names()?;
        let is_known = |name: &&String| name.starts_with("backing.") || name.starts_with("__");
        ensure!(names.iter().all(|name| is_known(&name)), "came to life on the cluster: {names:?}");
        Ok(())
    }
}

fn kafka() -> &'static Kafka {
    static KAFKA: OnceLock<Kafka> = OnceLock::new();
    KAFKA.get_or_init(|| {
        let builder = Kafka::builder(Version::V4_1_1).protocol(Protocol::SaslPlaintext).authorizer().racks();
        builder.start().expect("Kafka starts")
    })
}
