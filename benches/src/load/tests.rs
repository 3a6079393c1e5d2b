use super::*;
use crate::canned::{Broker, Connection};
use crate::frame;
use bytes::Buf;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

#[test]
fn produce_counts_the_batches_that_were_answered() {
    for by in ["names", "ids"] {
        let outcome = run_mode("produce", &["--by", by, "--requests", "7", "--partitions", "2"]);
        assert_eq!(outcome["requests"], 7);
        let bytes = outcome["bytes"].as_u64().unwrap();
        assert!(bytes > 14 * 126 * 1024 && bytes <= 14 * 128 * 1024, "{bytes}");
    }
}

#[test]
fn consume_stops_at_its_bytes_and_adds_up_its_connections() {
    for by in ["names", "ids"] {
        let outcome = run_mode("consume", &["--by", by, "--bytes", "3000000", "--connections", "2"]);
        assert_eq!(outcome["requests"], 6);
        assert!(outcome["bytes"].as_u64().unwrap() >= 6_000_000);
    }
}

#[test]
fn small_requests_go_one_at_a_time_after_a_login() {
    let outcome =
        run_mode("small", &["--requests", "20", "--user", "u", "--password", "p", "--follow-leader"]);
    assert_eq!(outcome["requests"], 20);
    assert!(outcome["p50_us"].as_f64().unwrap() > 0.0);
}

#[test]
fn latency_keeps_its_rate() {
    let outcome = run_mode("latency", &["--rate", "500", "--seconds", "0.5"]);
    assert_eq!(outcome["requests"], 250);
    assert!(outcome["seconds"].as_f64().unwrap() >= 0.49);
    assert!(outcome["p99_us"].as_f64() >= outcome["p50_us"].as_f64());
}

#[test]
fn hold_fetches_once_per_connection() {
    let outcome = run_mode("hold", &["--connections", "5", "--fetch-bytes", "1"]);
    assert_eq!(outcome["requests"], 5);
}

#[test]
fn stalled_connections_ask_and_do_not_read() {
    let outcome = run_mode("stall", &["--connections", "3", "--partitions", "2"]);
    assert_eq!((outcome["requests"].as_u64(), outcome["bytes"].as_u64()), (Some(3), Some(0)));
}

#[test]
fn reconnecting_clients_keep_to_their_rate_together() {
    let outcome = run_mode("reconnect", &["--connections", "2", "--rate", "40", "--seconds", "0.5"]);
    let requests = outcome["requests"].as_u64().unwrap();
    assert!((2..=24).contains(&requests), "{requests}");
}

#[test]
fn errors_of_the_broker_end_the_run() {
    let error = try_mode("consume", &["--topic", "nonsense"]).unwrap_err();
    assert_eq!(format!("{error:#}"), "metadata of topic nonsense: error 3");
    let error = try_mode("consume", &["--partitions", "3"]).unwrap_err();
    assert_eq!(format!("{error:#}"), "Fetch of partition 2: error 3");
}

fn run_mode(mode: &str, options: &[&str]) -> Value {
    try_mode(mode, options).unwrap()
}

fn try_mode(mode: &str, options: &[&str]) -> Result<Value> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || accept(&listener));
    let address = address.to_string();
    let args = ["load", mode, "--address", &address].into_iter().chain(options.iter().copied());
    let mut lines = Vec::new();
    run(&Args::parse_from(args), &mut |line| lines.push(line.to_owned()))?;
    assert_eq!(lines.len(), 1);
    Ok(serde_json::from_str(&lines[0]).unwrap())
}

fn accept(listener: &TcpListener) {
    let broker = Arc::new(Broker::new(listener.local_addr().unwrap(), "bench", 2).unwrap());
    for stream in listener.incoming() {
        let connection = Connection::new(Arc::clone(&broker));
        thread::spawn(move || serve(stream.unwrap(), connection));
    }
}

fn serve(mut stream: TcpStream, mut connection: Connection) {
    let mut prefix = [0; 4];
    while stream.read_exact(&mut prefix).is_ok() {
        let mut request = vec![0; frame::size(prefix).unwrap()];
        stream.read_exact(&mut request).unwrap();
        if let Some(mut answer) = connection.answer(request.into()).unwrap() {
            stream.write_all(&answer.copy_to_bytes(answer.remaining())).unwrap();
        }
    }
}
