//! A TCP proxy between partners and a gateway's plaintext listener that keeps all the gateway sends.
//!
//! The gateway advertises the recorder's ports and binds its own, so clients cannot get around it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};

use crate::markers::{Hit, Markers};

/// The bytes of one connection, whole: a marker may lie across two reads.
type Stream = Arc<Mutex<Vec<u8>>>;

/// Records every connection that comes through one of its doors.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    streams: Arc<Mutex<Vec<Stream>>>,
}

impl Recorder {
    /// Opens a door at `127.0.0.1:port` that leads to `127.0.0.1:target`; it stays open until the process ends.
    pub fn open(&self, port: u16, target: u16) -> Result<()> {
        let door = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .with_context(|| format!("opening the recorder's port {port}"))?;
        self.serve(door, SocketAddr::from((Ipv4Addr::LOCALHOST, target)));
        Ok(())
    }

    /// Opens a door at a free port that leads to `target`, and returns its address.
    pub fn open_any(&self, target: SocketAddr) -> Result<SocketAddr> {
        let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("opening a recorder's port")?;
        let address = door.local_addr()?;
        self.serve(door, target);
        Ok(address)
    }

    /// How many bytes were recorded: a search of nothing proves nothing.
    pub fn recorded(&self) -> usize {
        self.streams().iter().map(|stream| lock(stream).len()).sum()
    }

    /// Every marker in what partners received.
    pub fn search(&self, markers: &Markers) -> Vec<Hit> {
        self.streams().iter().flat_map(|stream| markers.find(&lock(stream))).collect()
    }

    fn streams(&self) -> Vec<Stream> {
        lock(&self.streams).clone()
    }

    fn serve(&self, door: TcpListener, target: SocketAddr) {
        let recorder = self.clone();
        thread::spawn(move || {
            for client in door.incoming().flatten() {
                // A gateway that is down refuses: the client then sees a closed connection.
                if let Ok(gateway) = TcpStream::connect(target) {
                    // A socket that cannot be cloned is closed, which the client notices.
                    let _ = recorder.pump(client, gateway);
                }
            }
        });
    }

    fn pump(&self, client: TcpStream, gateway: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        gateway.set_nodelay(true)?;
        let stream = Stream::default();
        lock(&self.streams).push(Arc::clone(&stream));
        let (from_client, to_gateway) = (client.try_clone()?, gateway.try_clone()?);
        thread::spawn(move || copy(from_client, to_gateway, |_| {}));
        thread::spawn(move || copy(gateway, client, |bytes| lock(&stream).extend_from_slice(bytes)));
        Ok(())
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, mut seen: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        seen(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    // The other direction may already have closed either end.
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that reads the whole question and then sends `answer` in two pieces.
    fn server(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for mut peer in listener.incoming().flatten() {
                let mut question = String::new();
                peer.read_to_string(&mut question).unwrap();
                let (first, second) = answer.split_at(answer.len() / 2);
                peer.write_all(first.as_bytes()).unwrap();
                thread::sleep(std::time::Duration::from_millis(50));
                peer.write_all(second.as_bytes()).unwrap();
            }
        });
        address
    }

    fn ask(recorder: &Recorder, target: SocketAddr, question: &str) -> String {
        let mut client = TcpStream::connect(recorder.open_any(target).unwrap()).unwrap();
        client.write_all(question.as_bytes()).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn a_marker_across_two_reads_is_found() {
        let recorder = Recorder::default();
        let answer = ask(&recorder, server("...backing.0123456789..."), "hello");
        assert_eq!(answer, "...backing.0123456789...");
        assert_eq!(recorder.recorded(), answer.len());
        let mut markers = Markers::default();
        markers.text("backing topic", "backing.0123456789");
        assert_eq!(recorder.search(&markers).len(), 1);
    }

    #[test]
    fn what_the_partner_says_is_not_a_leak() {
        let recorder = Recorder::default();
        ask(&recorder, server("clean"), "tell me about backing.0123456789");
        let mut markers = Markers::default();
        markers.text("backing topic", "backing.0123456789");
        assert_eq!(recorder.search(&markers), []);
        assert_eq!(recorder.recorded(), "clean".len());
    }
}
