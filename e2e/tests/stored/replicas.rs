//! Three replicas on one topic.

use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use kafka_protocol::messages::{InitProducerIdRequest, ProducerId};
use tidegate_e2e::gateway::{Gateway, Home, get, zone};
use tidegate_e2e::requests::{Topic, idempotent_batch, produce, produce_keyed, produce_records};
use tidegate_e2e::site::write;
use tidegate_e2e::{random, scram};
use tidegate_wire::sasl::Mechanism;

use crate::kafka;
use crate::partner::{ACCOUNT, PASSWORD, is_cut, log_in, open, readiness, sees, until};

/// How soon a change is enforced by every replica.
const ENFORCED: Duration = Duration::from_secs(1);

/// Files of replicas of one installation on a new topic; the first has imported a zone of one topic.
pub(crate) fn homes(aliases: &[tidegate_e2e::gateway::Alias]) -> Result<[Home; 3]> {
    let topic = random::name("store.");
    let first = Home::create(kafka())?;
    first.add_account(ACCOUNT, PASSWORD)?;
    first.add_zone("acme", ACCOUNT, aliases)?;
    let store = format!("{{type: KAFKA, cluster: main, topic: {topic}}}");
    first.use_store(&store)?;
    first.store(&["import", "--zones", "zones", "--accounts", "accounts.yaml"])?;
    let replica = || -> Result<Home> {
        let home = Home::create(kafka())?;
        home.use_store(&store)?;
        fs::copy(first.file("root.key"), home.file("root.key"))?;
        Ok(home)
    };
    let (second, third) = (replica()?, replica()?);
    Ok([first, second, third])
}

#[test]
fn a_change_is_enforced_by_all_and_one_that_dies_takes_nothing_along() -> Result<()> {
    let topics = kafka().create_topics(&[1, 1])?;
    let (orders, prices) = (write("orders", &topics[0]), write("prices", &topics[1]));
    let homes = homes(std::slice::from_ref(&orders))?;
    let mut gateways = homes.each_ref().map(Gateway::start).map(|gateway| Some(gateway.unwrap()));
    let mut connections = Vec::new();
    for home in &homes {
        let mut connection = log_in(home, PASSWORD)?;
        sees(&mut connection, &["orders"])?;
        connections.push(connection);
    }

    // A topic more, by the command of the second.
    homes[1].write("zones/acme.yaml", &zone("acme", ACCOUNT, &[orders.clone(), prices.clone()]))?;
    assert_eq!(homes[1].store(&["apply", "zones/acme.yaml"])?, "acme\tupdated\n");
    let mut slowest = Duration::ZERO;
    for connection in &mut connections {
        slowest = slowest.max(sees(connection, &["orders", "prices"])?);
    }
    println!("a topic more is seen through all three within {slowest:?} of the command's end");
    ensure!(slowest < ENFORCED);

    // And one less.
    homes[2].write("zones/acme.yaml", &zone("acme", ACCOUNT, &[prices]))?;
    homes[2].store(&["apply", "zones/acme.yaml"])?;
    for connection in &mut connections {
        ensure!(sees(connection, &["prices"])? < ENFORCED);
        assert_eq!(produce(connection, Topic::Name("orders"), 0, "revoked")?, 29);
    }

    // One is killed: clients of it go to another.
    gateways[0].take().unwrap().kill9();
    for home in &homes[1..] {
        assert_eq!(produce(&mut log_in(home, PASSWORD)?, Topic::Name("prices"), 0, "a record")?, 0);
    }

    // A password more, and then the first one less: who has proved it is cut, here and there.
    let second = homes[1].store(&["add-credential", "acme", "second"])?;
    for home in &homes[1..] {
        until("the new password is good", || Ok(log_in(home, second.trim()).is_ok()))?;
    }
    for password in [PASSWORD, second.trim()] {
        for mechanism in [Mechanism::ScramSha256, Mechanism::ScramSha512] {
            let mut connection = open(&homes[1])?;
            let (_, proof) = scram::begin(&mut connection, mechanism, ACCOUNT, password)?;
            assert_eq!(scram::authenticate(&mut connection, proof)?.error_code, 0, "both are good by SCRAM");
        }
    }
    let mut live = [log_in(&homes[1], PASSWORD)?, log_in(&homes[2], PASSWORD)?];
    let mut others = [log_in(&homes[1], second.trim())?, log_in(&homes[2], second.trim())?];
    homes[1].store(&["revoke-credential", "acme", "initial"])?;
    for connection in &mut live {
        ensure!(is_cut(connection)? < ENFORCED, "who logged in with what is revoked is cut");
    }
    for connection in &mut others {
        sees(connection, &["prices"])?;
    }
    for home in &homes[1..] {
        assert!(log_in(home, PASSWORD).is_err(), "revoked everywhere");
        log_in(home, second.trim())?;
    }

    // The first comes back and knows all of it.
    let _first = Gateway::start(&homes[0])?;
    assert!(log_in(&homes[0], PASSWORD).is_err());
    sees(&mut log_in(&homes[0], second.trim())?, &["prices"])?;
    Ok(())
}

#[test]
fn of_two_operators_at_once_one_is_told() -> Result<()> {
    let topics = kafka().create_topics(&[1, 1])?;
    let homes = homes(&[write("orders", &topics[0])])?;
    for home in &homes[..2] {
        home.write("new.yaml", &zone("new", "new-account", &[write("a", &topics[1])]))?;
    }
    let outcomes = std::thread::scope(|scope| {
        let threads = [&homes[0], &homes[1]].map(|home| scope.spawn(|| home.store(&["apply", "new.yaml"])));
        threads.map(|thread| thread.join().unwrap())
    });
    let mut told: Vec<String> = outcomes.into_iter().collect::<Result<_>>()?;
    told.sort();
    assert_eq!(told, ["new\tcreated\n", "new\tnot changed\n"], "whoever was slower has looked again");
    Ok(())
}

/// A client that goes to another replica goes on with the producer id that it has, at once.
#[test]
fn a_producer_id_that_one_issued_is_good_at_another() -> Result<()> {
    let topics = kafka().create_topics(&[1])?;
    let homes = homes(&[write("orders", &topics[0])])?;
    let first = Gateway::start(&homes[0])?;
    let _second = Gateway::start(&homes[1])?;
    let request = InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_transaction_timeout_ms(60_000)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1);
    let mut other = log_in(&homes[1], PASSWORD)?;
    for _ in 0..20 {
        let issued = log_in(&homes[0], PASSWORD)?.call(4, &request)?;
        assert_eq!(issued.error_code, 0);
        let records = idempotent_batch(issued.producer_id.0, issued.producer_epoch, 0)?;
        assert_eq!(produce_records(&mut other, "orders", records)?, 0);
    }
    let issued = log_in(&homes[0], PASSWORD)?.call(4, &request)?;
    first.kill9();
    let records = idempotent_batch(issued.producer_id.0, issued.producer_epoch, 0)?;
    assert_eq!(produce_records(&mut other, "orders", records)?, 0);
    // One that nobody of this zone was issued is refused as ever.
    let forged = idempotent_batch(issued.producer_id.0 + 1_000_000, 0, 0)?;
    assert_ne!(produce_records(&mut other, "orders", forged)?, 0);
    Ok(())
}

/// Somebody writes rubbish into the topic: nothing changes, and the probe and the log say so.
#[test]
fn meddling_with_the_topic_is_told_by_the_probe() -> Result<()> {
    let topics = kafka().create_topics(&[1])?;
    let homes = homes(&[write("orders", &topics[0])])?;
    let _gateway = Gateway::start(&homes[0])?;
    let mut connection = log_in(&homes[0], PASSWORD)?;
    let config = fs::read_to_string(homes[0].file("tidegate.yaml"))?;
    let topic = config.split("topic: ").nth(1).and_then(|rest| rest.split('}').next()).unwrap();
    assert_eq!(produce(&mut kafka().internal(1)?, Topic::Name(topic), 0, "rubbish without a key")?, 87);
    assert_eq!(produce_keyed(&mut kafka().internal(1)?, topic, "zone/acme", "rubbish")?, 0);
    until("the probe is red", || Ok(readiness(&homes[0])?.0 == 503))?;
    assert!(readiness(&homes[0])?.1.contains("somebody meddles with the store"));
    until("the log tells", || Ok(homes[0].log().contains("somebody else writes into its topic")))?;
    let metrics = get(homes[0].ports().http(), "/metrics")?.body;
    for line in
        ["tidegate_store_alarms 1", "tidegate_store_unserved_records 0", "tidegate_store_age_seconds 0"]
    {
        assert!(metrics.contains(line), "{line}");
    }
    sees(&mut connection, &["orders"])?;
    // The zone written anew stands in front of the rubbish.
    homes[1].write("zones/acme.yaml", &zone("acme", ACCOUNT, &[write("bills", &topics[0])]))?;
    homes[1].store(&["apply", "zones/acme.yaml"])?;
    until("the probe is green again", || Ok(readiness(&homes[0])?.0 == 200))?;
    sees(&mut log_in(&homes[0], PASSWORD)?, &["bills"])?;
    Ok(())
}
