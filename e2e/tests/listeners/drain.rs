//! The end of a gateway does not send all clients to its neighbours in one instant.

use std::time::{Duration, Instant};

use anyhow::Result;
use tidegate_e2e::raw::Connection;

use super::{ALIAS, add_zone, home, log_in, start, topics};

const CONNECTIONS: usize = 300;

#[test]
fn idle_connections_close_one_after_the_other() -> Result<()> {
    let home = home("protocol: SASL_PLAINTEXT\nmechanisms: [PLAIN]\n{bind}\n{nodes}")?;
    add_zone(&home, "acme", "PLAIN")?;
    let mut gateway = start(&home)?;
    let open: Result<Vec<Connection>> =
        (0..CONNECTIONS).map(|_| log_in(home.ports().bound(), "acme")).collect();
    let mut open = open?;
    assert_eq!(topics(&mut open[0])?, [ALIAS]);
    let begin = Instant::now();
    gateway.ask_to_stop()?;
    let waiting: Vec<_> = open
        .into_iter()
        .map(|mut connection| {
            std::thread::spawn(move || connection.until_closed().map(|said| (said.len(), begin.elapsed())))
        })
        .collect();
    let mut ends = Vec::new();
    for waits in waiting {
        let (said, end) = waits.join().expect("the waiting ends")?;
        assert_eq!(said, 0);
        ends.push(end);
    }
    ends.sort();
    println!("closed from {:?} to {:?}", ends[0], ends[CONNECTIONS - 1]);
    // 2 ms for each: the middle half of 300 lies 300 ms apart, and on a busy machine no closer.
    let spread = ends[CONNECTIONS * 3 / 4] - ends[CONNECTIONS / 4];
    assert!(spread > Duration::from_millis(100), "the middle half closed within {spread:?}");
    assert!(ends[CONNECTIONS - 1] < Duration::from_secs(10));
    assert!(gateway.wait(Duration::from_secs(10))?.is_some_and(|status| status.success()));
    Ok(())
}
