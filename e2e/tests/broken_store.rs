//! A store that fails or hangs: nothing that needs it goes through, everything else goes on, and it recovers by itself.
//! The gateway runs inside the test, as in a program that embeds it with a store of its own.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kafka_protocol::messages::InitProducerIdRequest;
use tidegate_core::ZoneId;
use tidegate_core::facts::{Fact, Facts, FactsError, MemoryFacts, Pending, Timestamp, Unbound};
use tidegate_e2e::gateway::Home;
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::Kafka;
use tidegate_e2e::raw::{self, Connection};
use tidegate_e2e::requests::{self, Topic};
use tidegate_e2e::site;
use tidegate_gateway::logins::Logins;
use tidegate_gateway::{Gateway, Parts, config};
use tokio::sync::oneshot;

const ACCOUNT: &str = "partner";
const PASSWORD: &str = "partner-password";
const PATIENCE: Duration = Duration::from_secs(20);

/// How long the gateway waits for the store here.
const STATE_DEADLINE: Duration = Duration::from_millis(300);

const COORDINATOR_LOAD_IN_PROGRESS: i16 = 14;

#[test]
fn what_needs_the_store_waits_for_it_and_nothing_else_does() -> Result<()> {
    let kafka = Kafka::builder(Version::V4_1_1).start()?;
    let topic = kafka.create_topic(1)?;
    let home = Home::create(&kafka)?;
    home.add_account(ACCOUNT, PASSWORD)?;
    home.add_zone("acme", ACCOUNT, &[site::write("first", &topic), site::read("second", &topic)])?;
    let limits = format!("limits: {{stateDeadlineMs: {}}}\n", STATE_DEADLINE.as_millis());
    home.replace("tidegate.yaml", "http:\n", &format!("{limits}http:\n"))?;
    let store = Arc::new(Breakable::default());
    let gateway = Embedded::start(&home, Arc::clone(&store))?;
    let mut connection = connect(&home)?;
    site::wait_for("a coordinator", || requests::has_coordinator(&mut connection, "g"))?;
    // Until its first block of producer ids has come, a broker says 14 by itself.
    site::wait_for("a producer id", || Ok(requests::init_producer_id(&mut connection)? == 0))?;

    for fault in [Fault::Fails, Fault::Hangs] {
        store.set(fault);
        let group = format!("group of {fault:?}");
        let asked = Instant::now();
        assert_eq!(requests::init_producer_id(&mut connection)?, COORDINATOR_LOAD_IN_PROGRESS, "{fault:?}");
        ensure!(asked.elapsed() < STATE_DEADLINE + PATIENCE / 2, "{fault:?}: {:?}", asked.elapsed());
        // A binding that could not be kept must not count: the request is neither refused nor let through.
        let mut binding = connect(&home)?;
        ensure!(requests::commit(&mut binding, &group, "first", 1).is_err(), "{fault:?}: bound");
        // What has no question for the store is served meanwhile, also while another connection waits for it.
        let mut waiting = connect(&home)?;
        waiting.send(&raw::frame(1, 4, &InitProducerIdRequest::default())?)?;
        assert_eq!(requests::listed(&mut connection)?, ["first", "second"], "{fault:?}");
        assert_eq!(requests::produce(&mut connection, Topic::Name("first"), 0, "v")?, 0, "{fault:?}");

        store.set(Fault::None);
        assert_eq!(requests::init_producer_id(&mut connection)?, 0, "{fault:?}");
        assert_eq!(requests::commit(&mut connection, &group, "second", 1)?, 0, "{fault:?}");
        assert_eq!(requests::commit(&mut connection, &group, "first", 1)?, 29, "{fault:?}");
    }
    gateway.stop()
}

fn connect(home: &Home) -> Result<Connection> {
    let mut connection = Connection::open(home.ports().bound(), PATIENCE)?;
    connection.log_in(ACCOUNT, PASSWORD)?;
    Ok(connection)
}

/// A gateway on threads of its own.
struct Embedded {
    shutdown: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Embedded {
    fn start(home: &Home, facts: Arc<Breakable>) -> Result<Self> {
        let config = config::load(&home.path().join("tidegate.yaml"))?;
        let parts = Parts::new(Arc::new(Logins::new(&config.root_key)), facts);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let gateway = runtime.block_on(Gateway::start_with(config, parts, None))?;
        let (shutdown, told) = oneshot::channel();
        let running = thread::spawn(move || {
            runtime.block_on(gateway.run(async {
                let _ = told.await;
            }));
        });
        Ok(Self { shutdown, running })
    }

    fn stop(self) -> Result<()> {
        self.shutdown.send(()).ok().context("the gateway has ended by itself")?;
        self.running.join().ok().context("the gateway panicked")
    }
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    Fails,
    Hangs,
}

/// Facts in memory, when it pleases.
#[derive(Debug, Default)]
struct Breakable {
    kept: MemoryFacts,
    fault: AtomicU8,
}

impl Breakable {
    fn set(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::SeqCst);
    }

    /// Does the work only when nothing is wrong.
    fn unless_broken<T: Send + 'static>(&self, work: impl FnOnce(&MemoryFacts) -> Pending<T>) -> Pending<T> {
        match self.fault.load(Ordering::SeqCst) {
            fault if fault == Fault::Fails as u8 => {
                Box::pin(async { Err(FactsError("the disk is full, says the test".to_owned())) })
            }
            fault if fault == Fault::Hangs as u8 => Box::pin(std::future::pending()),
            _ => work(&self.kept),
        }
    }
}

impl Facts for Breakable {
    fn keep(&self, zone: ZoneId, facts: Vec<Fact>) -> Pending<Vec<Fact>> {
        self.unless_broken(|kept| kept.keep(zone, facts))
    }

    fn producers(&self, zone: ZoneId, ids: Vec<i64>) -> Pending<Vec<(i64, Timestamp)>> {
        self.unless_broken(|kept| kept.producers(zone, ids))
    }

    fn bindings(&self) -> Pending<Vec<(ZoneId, Fact)>> {
        self.unless_broken(MemoryFacts::bindings)
    }

    fn unbind(&self, zone: ZoneId, bindings: Vec<Unbound>) -> Pending<()> {
        self.unless_broken(|kept| kept.unbind(zone, bindings))
    }

    fn expire(&self, limit: Timestamp) -> Pending<()> {
        self.unless_broken(|kept| kept.expire(limit))
    }
}
