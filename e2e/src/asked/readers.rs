//! What a reader of what is committed is shown: kcat, which knows nothing of mirrors.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tidegate_sim::Place;

use super::Asked;
use crate::process;

const NO_TIME: i64 = -1;
const LIMIT: Duration = Duration::from_secs(60);

/// Time, key, value and headers, by offset.
pub type Shown = BTreeMap<i64, Value>;

/// Everything that kcat shows of a partition to who reads what is committed.
pub fn shown(broker: &Asked, place: &Place) -> Shown {
    show(broker, place, "beginning")
}

/// The same from an offset on.
pub fn shown_from(broker: &Asked, place: &Place, offset: i64) -> Shown {
    show(broker, place, &offset.to_string())
}

fn show(broker: &Asked, place: &Place, from: &str) -> Shown {
    let mut kcat = Command::new("kcat");
    kcat.args(["-b", &broker.open_address().to_string(), "-C", "-J", "-e", "-q", "-o", from]);
    kcat.args(["-X", "isolation.level=read_committed", "-X", "fetch.message.max.bytes=4000000"]);
    kcat.args(["-t", &place.topic, "-p", &place.partition.to_string()]);
    let read = process::run_ok(&kcat, LIMIT).unwrap();
    let mut shown = Shown::new();
    for line in read.stdout.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let offset = record["offset"].as_i64().unwrap();
        let mut parts = ["ts", "key", "payload", "headers"].map(|part| record[part].clone());
        // A record without a time says so in a batch, and has no place for one in format 0.
        if parts[0] == NO_TIME {
            parts[0] = Value::Null;
        }
        assert!(shown.insert(offset, Value::Array(parts.to_vec())).is_none(), "{offset} was shown twice");
    }
    shown
}
