//! The way to the mirror's broker: a TCP proxy that knows where a request begins and ends.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tidegate_e2e::dice::Dice;

use crate::tally::Count;
use crate::weather::{Fate, Weather};

/// What a client has sent before it noticed that its connection has ended.
const ON_ITS_WAY: Duration = Duration::from_millis(20);
/// A broker has answered by then, or is down.
const ANSWERED: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(crate) struct Proxy(Arc<Shared>);

struct Shared {
    target: SocketAddr,
    weather: Mutex<(Weather, Dice)>,
    /// Requests that are to be delivered late.
    held: AtomicUsize,
    counts: Counts,
}

/// What has happened to requests.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) slow: Count,
    pub(crate) cut: Count,
    pub(crate) unanswered: Count,
    /// Held, and answered by the broker when it came after all.
    pub(crate) late: Count,
}

/// A client and the broker.
#[derive(Clone)]
struct Line {
    shared: Arc<Shared>,
    client: Arc<TcpStream>,
    broker: Arc<TcpStream>,
    /// Whether answers are lost.
    is_silent: Arc<AtomicBool>,
    /// Bytes of answers that were lost.
    lost: Arc<AtomicUsize>,
}

impl Proxy {
    /// Opens a door that leads to `target`, until the process ends.
    pub(crate) fn open(door: SocketAddr, target: SocketAddr, dice: Dice) -> Self {
        let listener = TcpListener::bind(door).unwrap();
        let weather = Mutex::new((Weather::CALM, dice));
        let shared =
            Arc::new(Shared { target, weather, held: AtomicUsize::new(0), counts: Counts::default() });
        let proxy = Self(Arc::clone(&shared));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A broker that is down: the client sees a connection that is closed.
                if let Ok(broker) = TcpStream::connect(shared.target) {
                    Line::new(&shared, client, broker).start();
                }
            }
        });
        proxy
    }

    pub(crate) fn set(&self, weather: Weather) {
        self.0.weather.lock().unwrap_or_else(PoisonError::into_inner).0 = weather;
    }

    /// Whether nothing is to come late any more.
    pub(crate) fn is_clear(&self) -> bool {
        self.0.held.load(Ordering::SeqCst) == 0
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.0.counts
    }
}

impl Shared {
    fn fate(&self, key: i16, length: usize) -> Fate {
        let mut weather = self.weather.lock().unwrap_or_else(PoisonError::into_inner);
        let (weather, dice) = &mut *weather;
        weather.fate(dice, key, length)
    }
}

impl Line {
    fn new(shared: &Arc<Shared>, client: TcpStream, broker: TcpStream) -> Self {
        // What cannot be set is slower, no more.
        let _ = (client.set_nodelay(true), broker.set_nodelay(true));
        Self {
            shared: Arc::clone(shared),
            client: Arc::new(client),
            broker: Arc::new(broker),
            is_silent: Arc::default(),
            lost: Arc::default(),
        }
    }

    fn start(self) {
        let answers = self.clone();
        thread::spawn(move || {
            let _ = answers.answers();
            answers.end();
        });
        thread::spawn(move || {
            let _ = self.requests();
            self.end();
        });
    }

    fn end(&self) {
        let _ = (self.client.shutdown(Shutdown::Both), self.broker.shutdown(Shutdown::Both));
    }

    /// Until the connection ends, or comes to an end here.
    fn requests(&self) -> io::Result<()> {
        let counts = &self.shared.counts;
        loop {
            let frame = read(&self.client)?;
            let key = i16::from_be_bytes([frame[4], frame[5]]);
            match self.shared.fate(key, frame.len()) {
                Fate::Passes => self.pass(&frame)?,
                Fate::IsSlow(pause) => {
                    counts.slow.add(1);
                    thread::sleep(pause);
                    self.pass(&frame)?;
                }
                Fate::IsCut(at) => {
                    counts.cut.add(1);
                    return self.pass(&frame[..at]);
                }
                Fate::IsUnanswered(pause) => {
                    self.is_silent.store(true, Ordering::SeqCst);
                    self.pass(&frame)?;
                    counts.unanswered.add(1);
                    thread::sleep(pause);
                    return Ok(());
                }
                Fate::IsLate(pause) => {
                    self.shared.held.fetch_add(1, Ordering::SeqCst);
                    let delivered = self.deliver_late(frame, pause);
                    self.shared.held.fetch_sub(1, Ordering::SeqCst);
                    return delivered;
                }
            }
        }
    }

    /// With whatever else was sent before the client noticed.
    fn deliver_late(&self, mut frames: Vec<u8>, pause: Duration) -> io::Result<()> {
        self.is_silent.store(true, Ordering::SeqCst);
        self.client.set_read_timeout(Some(ON_ITS_WAY))?;
        // It ends with a time-out, which leaves what was read.
        let _ = (&*self.client).read_to_end(&mut frames);
        self.client.shutdown(Shutdown::Both)?;
        thread::sleep(pause);
        // Answers to what was sent before may still have come until now.
        let lost = self.lost.load(Ordering::SeqCst);
        self.pass(&frames)?;
        let begin = Instant::now();
        while begin.elapsed() < ANSWERED {
            if self.lost.load(Ordering::SeqCst) > lost {
                self.shared.counts.late.add(1);
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn pass(&self, bytes: &[u8]) -> io::Result<()> {
        (&*self.broker).write_all(bytes)
    }

    fn answers(&self) -> io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = (&*self.broker).read(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            if self.is_silent.load(Ordering::SeqCst) {
                self.lost.fetch_add(count, Ordering::SeqCst);
            } else {
                (&*self.client).write_all(&buffer[..count])?;
            }
        }
    }
}

/// A request, with its length before it.
fn read(mut client: &TcpStream) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    client.read_exact(&mut frame)?;
    let length = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]) as usize;
    frame.resize(4 + length, 0);
    client.read_exact(&mut frame[4..])?;
    Ok(frame)
}
