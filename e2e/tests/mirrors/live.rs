//! A topic becomes a mirror while it is read: nobody is cut off, and the next answer hides its fillers.

use anyhow::{Result, ensure};
use tidegate_core::records::MirrorStatus;
use tidegate_e2e::random;
use tidegate_e2e::raw::Connection;
use tidegate_e2e::requests::{Topic as By, fetch};
use tidegate_e2e::site::{Site, read, wait_for};
use tidegate_wire::record::batches;

use crate::log::MirrorLog;
use crate::{kafka, record};

const ALIAS: &str = "orders";

#[test]
fn a_live_connection_sees_no_filler_once_the_record_is_there() -> Result<()> {
    let topic = kafka().create_topic(1)?;
    let mut log = MirrorLog::of(kafka(), &topic)?;
    log.gap(111)?;
    log.data(1)?;
    let store = format!("{{type: KAFKA, cluster: main, topic: {}}}", random::name("backing.store-"));
    let site = Site::start_with(kafka(), &[read(ALIAS, &topic)], |home| {
        home.use_store(&store)?;
        home.store(&["import", "--zones", "zones", "--accounts", "accounts.yaml"]).map(drop)
    })?;
    let mut connection = site.connect()?;
    assert_eq!(control_batches(&mut connection)?, [false; 4], "nobody has said that it is a mirror");
    record::put(&site.home, &topic, MirrorStatus::Stopped)?;
    wait_for("fillers are hidden", || Ok(control_batches(&mut connection)? == [true, true, true, false]))?;
    site.finish(kafka())
}

/// Of each batch whether it is a control batch; the same by name and by id.
fn control_batches(connection: &mut Connection) -> Result<Vec<bool>> {
    let id = tidegate_e2e::requests::described(connection, By::Name(ALIAS))?.topic_id;
    let [by_name, by_id] = [By::Name(ALIAS), By::Id(id)].map(|topic| {
        let answer = fetch(connection, topic, 0, 1_000)?;
        let records = answer.responses[0].partitions[0].records.clone().unwrap_or_default();
        anyhow::Ok(batches(&records).map(|(header, _)| header.is_control()).collect::<Vec<_>>())
    });
    let (by_name, by_id) = (by_name?, by_id?);
    // The record may come between the two.
    ensure!(by_name.len() == by_id.len(), "{by_name:?} by name, {by_id:?} by id");
    Ok(if by_name == by_id { by_name } else { Vec::new() })
}
