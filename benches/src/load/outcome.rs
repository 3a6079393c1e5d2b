//! What a run did, as one line of JSON.

use std::time::Duration;

use serde_json::{Map, Value, json};

/// Counts, wall time and latencies of a run.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) bytes: u64,
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    pub(crate) latencies: Vec<Duration>,
    /// How far behind its schedule the open loop sent, at worst.
    pub(crate) late: Option<Duration>,
}

impl Outcome {
    /// Joins a run that went on at the same time.
    pub(crate) fn join(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.requests += other.requests;
        self.seconds = self.seconds.max(other.seconds);
        self.latencies.extend(other.latencies);
        self.late = self.late.max(other.late);
    }

    pub(crate) fn to_json(&self) -> String {
        let mut latencies = self.latencies.clone();
        latencies.sort_unstable();
        let mut fields = Map::new();
        fields.insert("bytes".into(), json!(self.bytes));
        fields.insert("requests".into(), json!(self.requests));
        fields.insert("seconds".into(), json!(self.seconds));
        for (name, share) in [("p50_us", 0.5), ("p99_us", 0.99), ("max_us", 1.0)] {
            if let Some(latency) = quantile(&latencies, share) {
                fields.insert(name.into(), json!(microseconds(latency)));
            }
        }
        if let Some(late) = self.late {
            fields.insert("late_us".into(), json!(microseconds(late)));
        }
        Value::Object(fields).to_string()
    }
}

/// The nearest-rank quantile of sorted values.
fn quantile(sorted: &[Duration], share: f64) -> Option<Duration> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_nearest_rank() {
        let values: Vec<Duration> = (1..=200).map(Duration::from_micros).collect();
        assert_eq!(quantile(&values, 0.5), Some(Duration::from_micros(100)));
        assert_eq!(quantile(&values, 0.99), Some(Duration::from_micros(198)));
        assert_eq!(quantile(&values, 1.0), Some(Duration::from_micros(200)));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn joined_runs_add_up_but_share_their_time() {
        let mut one = Outcome { bytes: 1, requests: 2, seconds: 3.0, ..Outcome::default() };
        one.join(Outcome { bytes: 10, requests: 20, seconds: 2.0, ..Outcome::default() });
        assert_eq!(one.to_json(), r#"{"bytes":11,"requests":22,"seconds":3.0}"#);
    }
}
