//! A real broker, asked over one connection what the simulated one is asked.

mod logs;
mod operator;
mod readers;
mod transactions;

pub use readers::{Shown, shown, shown_from};

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use kafka_protocol::protocol::{HeaderVersion, Request};
use tidegate_sim::table::{Described, Subject};
use tidegate_sim::{
    Answer, Ask, EpochEnd, Fetch, Fetched, Identity, Marked, Marker, Offset, Place, Produce, Restart,
    Transactional, Version,
};
use tidegate_wire::error_code::ErrorCode;

use crate::jars;
use crate::kafka::{Builder, Kafka};
use crate::raw::Connection;
use crate::requests::now_ms;

/// Longer than any answer takes that comes.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a request is waited for that may never be answered.
const NO_ANSWER: Duration = Duration::from_secs(5);

/// One broker of its own.
pub struct Asked {
    /// The broker.
    pub kafka: Arc<Kafka>,
    version: jars::Version,
    connection: Connection,
    /// The topic that was made last: it tells when the broker leads again.
    pub(crate) last: Option<Place>,
}

impl Asked {
    /// Starts it with settings of its own.
    pub fn start(version: jars::Version, settings: &[(&str, i64)]) -> Self {
        let builder = Kafka::builder(version);
        Self::start_as(settings.iter().fold(builder, |builder, (key, value)| builder.setting(key, value)))
    }

    /// Starts one that may want a login of others.
    pub fn start_as(builder: Builder) -> Self {
        Self::of(builder.start().expect("Kafka starts"))
    }

    /// The one broker of a cluster that runs.
    pub fn of(kafka: Kafka) -> Self {
        let connection = open(&kafka, PATIENCE);
        Self { version: kafka.version(), kafka: Arc::new(kafka), connection, last: None }
    }

    /// The same broker, asked by somebody else as well; nobody may restart it then.
    pub fn beside(&self) -> Self {
        let connection = open(&self.kafka, PATIENCE);
        Self { kafka: Arc::clone(&self.kafka), version: self.version, connection, last: None }
    }

    pub(crate) fn own(&mut self) -> &mut Kafka {
        Arc::get_mut(&mut self.kafka).expect("a broker that is restarted is not shared")
    }

    /// Where it takes whoever comes, without a login.
    pub fn open_address(&self) -> SocketAddr {
        open_address(&self.kafka)
    }

    pub(crate) fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response
    where
        R::Response: HeaderVersion,
    {
        self.connection.call(version, request).expect("the broker answers")
    }

    pub(crate) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// A connection that soon gives up.
    pub(crate) fn impatient(&self) -> Connection {
        open(&self.kafka, NO_ANSWER)
    }

    pub(crate) fn connect_again(&mut self) {
        self.connection = open(&self.kafka, PATIENCE);
    }
}

fn open_address(kafka: &Kafka) -> SocketAddr {
    match kafka.protocol().has_sasl() {
        false => kafka.bootstrap().parse().expect("one broker has one address"),
        true => kafka.internal_address(1),
    }
}

fn open(kafka: &Kafka, limit: Duration) -> Connection {
    Connection::open(open_address(kafka), limit).expect("the broker is up")
}

/// Asks until there is an answer.
pub(crate) fn until<T>(what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(answer) = answer() {
            return answer;
        }
        assert!(begin.elapsed() < 2 * PATIENCE, "waited for {:?} until {what}", begin.elapsed());
        thread::sleep(Duration::from_millis(20));
    }
}

impl Subject for Asked {
    fn version(&self) -> Version {
        match self.version {
            jars::Version::V4_1_1 => Version::V4_1,
            jars::Version::V3_9_1 => Version::V3_9,
        }
    }

    fn now(&self) -> i64 {
        now_ms()
    }

    fn wait(&mut self, milliseconds: i64) {
        thread::sleep(Duration::from_millis(milliseconds.unsigned_abs()));
    }

    fn create_topic(&mut self, configs: &[(&str, &str)]) -> Place {
        self.new_topic(configs)
    }

    fn set_config(&mut self, place: &Place, name: &str, value: &str) {
        self.alter(2, &place.topic, name, value);
    }

    fn set_producer_expiration(&mut self, milliseconds: i64) {
        self.alter(4, "", "producer.id.expiration.ms", &milliseconds.to_string());
    }

    fn restart(&mut self, how: Restart) {
        self.start_again(how);
    }

    fn clean(&mut self, place: &Place, _end: i64) {
        self.wait_for_cleaner(place);
    }

    fn produce(&mut self, entries: &[(Place, Produce)]) -> Vec<(Place, Answer)> {
        self.append(entries)
    }

    fn produce_pipelined(&mut self, place: &Place, requests: &[Produce]) -> Vec<Answer> {
        self.append_pipelined(place, requests)
    }

    fn describe_producers(&mut self, place: &Place) -> Vec<Described> {
        self.producers(place)
    }

    fn list_offsets(&mut self, place: &Place, ask: Ask) -> Offset {
        self.offset(place, ask)
    }

    fn leader_epoch_end(
        &mut self,
        place: &Place,
        replica: i32,
        epoch: i32,
        leader_epoch: Option<i32>,
    ) -> (ErrorCode, EpochEnd) {
        self.end_of_epoch(place, replica, epoch, leader_epoch)
    }

    fn delete_records(&mut self, place: &Place, before: i64) -> (ErrorCode, i64) {
        self.delete(place, before)
    }

    fn write_markers(&mut self, markers: &[Marker]) -> Option<Vec<Marked>> {
        self.mark(markers)
    }

    fn fetch(&mut self, place: &Place, fetch: &Fetch) -> Fetched {
        self.read(place, fetch)
    }

    fn init_producer_id(&mut self, transactional_id: Option<&str>) -> Identity {
        self.identity(transactional_id)
    }

    fn add_to_transaction(&mut self, who: &Transactional, places: &[Place]) -> ErrorCode {
        self.add(who, places)
    }

    fn end_transaction(&mut self, version: i16, who: &Transactional, commit: bool) -> (ErrorCode, Identity) {
        self.end(version, who, commit)
    }
}
