//! Who is let in: how often before TLS, how many before the login, how many of a zone and how fast after it.
//!
//! ```text
//!  accept --admit--> TLS, login --logged_in, enter_zone--> served
//!     |                  |                      |
//!     +- rate, place     +- failures, turns     +- place and pace of the zone
//! ```
//!
//! Everything is kept by client address or by zone, in maps with a bound, so that who floods meets limits of their own
//! first. Of IPv6 a /64 network counts as one address: it is what one subscriber is given.

mod failures;
mod places;
mod rate;
mod turns;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use tokio::time::Instant;

use self::places::{Places, Taken};
use self::rate::{Bucket, Buckets, Left, Rate};
use crate::config::Limits;

pub(crate) use self::failures::{Failures, Leave};
pub(crate) use self::turns::Turns;

/// Of all places of logins this part is kept for addresses with few of them: it takes a hundred addresses, and not
/// four, to lock everybody out.
const LOGINS_KEPT_PART: usize = 4;

/// Logins under way that are few for one address.
const LOGINS_OF_FEW: usize = 8;

/// What is open and under way, shared by all listeners.
#[derive(Debug)]
pub(crate) struct Admission {
    rate: Bucket,
    address_rates: Buckets<IpAddr>,
    zone_rates: Buckets<String>,
    total: Arc<Places<()>>,
    addresses: Arc<Places<IpAddr>>,
    logins: Arc<Places<()>>,
    login_addresses: Arc<Places<IpAddr>>,
    zones: Arc<Places<String>>,
    /// Failed logins.
    pub(crate) failures: Failures,
    /// Turns at password checks.
    pub(crate) turns: Turns,
}

/// Why a connection is closed for want of a place, or because it came too soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Refusal {
    /// `connectionsPerSecond`
    Rate,
    /// `connectionsPerSecondPerAddress`
    AddressRate,
    /// `maxConnections`
    Full,
    /// `maxConnectionsPerAddress`
    AddressFull,
    /// `maxLogins`
    LoginsFull,
    /// `maxLoginsPerAddress`
    AddressLoginsFull,
    /// `maxConnectionsPerZone`
    ZoneFull,
    /// `reservedPercent`
    Reserved,
    /// `proxyProtocol`
    Proxy,
}

impl Refusal {
    /// Every refusal.
    pub(crate) const ALL: [Self; 9] = [
        Self::Rate,
        Self::AddressRate,
        Self::Full,
        Self::AddressFull,
        Self::LoginsFull,
        Self::AddressLoginsFull,
        Self::ZoneFull,
        Self::Reserved,
        Self::Proxy,
    ];

    /// The limit that was reached, as a label.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Rate => "connectionsPerSecond",
            Self::AddressRate => "connectionsPerSecondPerAddress",
            Self::Full => "maxConnections",
            Self::AddressFull => "maxConnectionsPerAddress",
            Self::LoginsFull => "maxLogins",
            Self::AddressLoginsFull => "maxLoginsPerAddress",
            Self::ZoneFull => "maxConnectionsPerZone",
            Self::Reserved => "reservedPercent",
            Self::Proxy => "proxyProtocol",
        }
    }
}

/// A place of a connection whose client is not known yet; given back when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    total: Taken<()>,
    login: Taken<()>,
}

/// The part of a place that belongs to the client's address.
#[derive(Debug)]
struct Own {
    address: IpAddr,
    place: Taken<IpAddr>,
    login: Taken<IpAddr>,
    left: Left,
}

/// A connection's place, from before TLS to its end; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    address: IpAddr,
    _total: Taken<()>,
    _address: Taken<IpAddr>,
    /// As long as nobody is logged in.
    login: Option<(Taken<()>, Taken<IpAddr>)>,
}

impl Place {
    /// What the client's address counts as.
    pub(crate) fn address(&self) -> IpAddr {
        self.address
    }

    /// Leaves the place of a login to others.
    pub(crate) fn logged_in(&mut self) {
        self.login = None;
    }
}

/// A place in a zone, after login; given back when dropped.
#[derive(Debug)]
pub(crate) struct ZonePlace {
    _zone: Taken<String>,
    /// How long to wait before anything is served.
    pub(crate) wait: Duration,
}

impl Admission {
    /// Nothing is open yet.
    pub(crate) fn new(limits: &Limits) -> Self {
        let rate = Rate::new(limits.connections_per_second, limits.connections_burst);
        let address_rate =
            Rate::new(limits.connections_per_second_per_address, limits.connections_burst_per_address);
        let zone_rate = Rate::new(limits.connections_per_second_per_zone, limits.connections_burst_per_zone);
        Self {
            rate: Bucket::new(rate),
            address_rates: Buckets::new(address_rate),
            zone_rates: Buckets::new(zone_rate),
            total: Arc::default(),
            addresses: Arc::default(),
            logins: Arc::default(),
            login_addresses: Arc::default(),
            zones: Arc::default(),
            failures: Failures::new(limits),
            turns: Turns::default(),
        }
    }

    /// Connections open now.
    pub(crate) fn open(&self) -> usize {
        self.total.count(&())
    }

    /// A place for a new connection from `address`, before a byte of it is read.
    ///
    /// # Errors
    /// [`Refusal`]: close it at once. What binds one address comes first, so that it takes nothing of what all share.
    pub(crate) fn admit(&self, address: IpAddr, limits: &Limits, now: Instant) -> Result<Place, Refusal> {
        let own = self.own(address, limits, now)?;
        self.place(own, self.seat(limits)?, limits, now)
    }

    /// A place for a new connection whose client is not known before its load balancer tells it.
    ///
    /// # Errors
    /// As [`Admission::admit`].
    pub(crate) fn seat(&self, limits: &Limits) -> Result<Seat, Refusal> {
        let in_all = |places: &Arc<Places<()>>, limit| places.take(&(), limit);
        let total = in_all(&self.total, limits.max_connections).ok_or(Refusal::Full)?;
        let login = in_all(&self.logins, limits.max_logins).ok_or(Refusal::LoginsFull)?;
        Ok(Seat { total, login })
    }

    /// The place of a client who has a seat and is known now.
    ///
    /// # Errors
    /// As [`Admission::admit`].
    pub(crate) fn admit_seated(
        &self,
        seat: Seat,
        address: IpAddr,
        limits: &Limits,
        now: Instant,
    ) -> Result<Place, Refusal> {
        self.place(self.own(address, limits, now)?, seat, limits, now)
    }

    /// What binds the client's address alone.
    fn own(&self, address: IpAddr, limits: &Limits, now: Instant) -> Result<Own, Refusal> {
        let address = network(address);
        let of_address = |places: &Arc<Places<IpAddr>>, limit| places.take(&address, limit);
        let place =
            of_address(&self.addresses, limits.max_connections_per_address).ok_or(Refusal::AddressFull)?;
        let login = of_address(&self.login_addresses, limits.max_logins_per_address)
            .ok_or(Refusal::AddressLoginsFull)?;
        match self.address_rates.take(&address, now) {
            Left::Nothing => Err(Refusal::AddressRate),
            left => Ok(Own { address, place, login, left }),
        }
    }

    /// Both together, and what is kept for those who take little.
    fn place(&self, own: Own, seat: Seat, limits: &Limits, now: Instant) -> Result<Place, Refusal> {
        let kept = limits.max_logins / LOGINS_KEPT_PART;
        let has_many = self.login_addresses.count(&own.address) > LOGINS_OF_FEW;
        if has_many && self.logins.count(&()) > limits.max_logins - kept {
            return Err(Refusal::LoginsFull);
        }
        if !self.rate.take(own.left, now) {
            return Err(Refusal::Rate);
        }
        let Own { address, place, login, .. } = own;
        Ok(Place { address, _total: seat.total, _address: place, login: Some((seat.login, login)) })
    }

    /// A place in `zone` for a connection that has one of [`Admission::admit`] and is logged in.
    ///
    /// # Errors
    /// [`Refusal`]: close it.
    pub(crate) fn enter_zone(&self, zone: &str, limits: &Limits, now: Instant) -> Result<ZonePlace, Refusal> {
        let zone = zone.to_owned();
        let place = self.zones.take(&zone, limits.max_connections_per_zone).ok_or(Refusal::ZoneFull)?;
        let reserved = limits.max_connections.saturating_mul(limits.reserved_percent) / 100;
        let is_large = self.zones.count(&zone) > limits.reserved_per_zone;
        if is_large && self.total.count(&()) > limits.max_connections - reserved {
            return Err(Refusal::Reserved);
        }
        let wait = self.zone_rates.pace(&zone, limits.zone_delay_max, now);
        Ok(ZonePlace { _zone: place, wait: wait - chance(wait / 4) })
    }
}

/// What counts as one address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

/// Some time up to `most`; nothing when the machine has no randomness.
fn chance(most: Duration) -> Duration {
    let mut bytes = [0; 2];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => most * u32::from(u16::from_be_bytes(bytes)) / u32::from(u16::MAX),
        Err(_) => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Site {
        limits: Limits,
        admission: Admission,
    }

    impl Site {
        fn admit(&self, address: IpAddr, now: Instant) -> Result<Place, Refusal> {
            self.admission.admit(address, &self.limits, now)
        }

        fn enter_zone(&self, zone: &str, now: Instant) -> Result<ZonePlace, Refusal> {
            self.admission.enter_zone(zone, &self.limits, now)
        }
    }

    impl std::ops::Deref for Site {
        type Target = Admission;

        fn deref(&self) -> &Admission {
            &self.admission
        }
    }

    fn admission(change: impl FnOnce(&mut Limits)) -> Site {
        let mut limits = Limits::default();
        change(&mut limits);
        Site { admission: Admission::new(&limits), limits }
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn places_run_out_by_address_and_in_all_and_come_back() {
        let admission = admission(|limits| {
            (limits.max_connections, limits.max_connections_per_address) = (2, 1);
        });
        let now = Instant::now();
        let admit = |text| admission.admit(address(text), now);
        let first = admit("127.0.0.1").unwrap();
        assert_eq!(admit("127.0.0.1").unwrap_err(), Refusal::AddressFull);
        let second = admit("127.0.0.2").unwrap();
        assert_eq!(admit("127.0.0.3").unwrap_err(), Refusal::Full);
        drop(first);
        let again = admit("127.0.0.1").unwrap();
        drop((second, again));
        assert_eq!(admission.total.count(&()), 0);
        assert_eq!(admission.addresses.count(&address("127.0.0.1")), 0);
        assert_eq!(admission.login_addresses.count(&address("127.0.0.1")), 0);
    }

    #[test]
    fn one_address_cannot_take_all_places_of_logins_and_a_login_gives_its_own_back() {
        let admission = admission(|limits| (limits.max_logins, limits.max_logins_per_address) = (3, 2));
        let now = Instant::now();
        let admit = |text| admission.admit(address(text), now);
        let mut first = admit("10.0.0.1").unwrap();
        let _second = admit("10.0.0.1").unwrap();
        assert_eq!(admit("10.0.0.1").unwrap_err(), Refusal::AddressLoginsFull);
        let _other = admit("10.0.0.2").unwrap();
        assert_eq!(admit("10.0.0.3").unwrap_err(), Refusal::LoginsFull);
        first.logged_in();
        assert!(admit("10.0.0.1").is_ok());
        assert_eq!(admission.addresses.count(&address("10.0.0.1")), 2, "it keeps its other place");
    }

    #[test]
    fn a_few_addresses_cannot_take_all_places_of_logins() {
        let admission = admission(|limits| (limits.max_logins, limits.max_logins_per_address) = (400, 100));
        let now = Instant::now();
        let mut held = Vec::new();
        for n in 0..2_000 {
            held.extend(admission.admit(address(&format!("10.0.0.{}", n % 10)), now));
        }
        assert_eq!(held.len(), 300);
        held.extend((0..20).map(|_| admission.admit(address("10.0.1.1"), now)).filter_map(Result::ok));
        assert_eq!(held.len(), 300 + LOGINS_OF_FEW);
    }

    #[test]
    fn a_few_addresses_cannot_take_the_whole_rate() {
        let admission = admission(|limits| {
            (limits.connections_per_second, limits.connections_burst) = (1_000, 400);
            (limits.connections_per_second_per_address, limits.connections_burst_per_address) = (200, 100);
        });
        let mut now = Instant::now();
        for _ in 0..2_000 {
            now += Duration::from_millis(1);
            for n in 0..10 {
                drop(admission.admit(address(&format!("10.0.0.{n}")), now));
            }
        }
        let honest = (0..50).filter(|_| admission.admit(address("10.0.1.1"), now).is_ok()).count();
        assert_eq!(honest, 50, "a quarter is left");
    }

    #[test]
    fn one_address_over_its_rate_takes_nothing_of_what_all_share() {
        let admission = admission(|limits| {
            (limits.connections_burst, limits.connections_burst_per_address) = (12, 4);
        });
        let now = Instant::now();
        let refusals = |text, times| -> Vec<Refusal> {
            (0..times).filter_map(|_| admission.admit(address(text), now).err()).collect()
        };
        assert_eq!(refusals("10.0.0.1", 7), [Refusal::AddressRate; 3]);
        assert_eq!(refusals("10.0.0.2", 4), []);
        assert_eq!(refusals("10.0.0.3", 4), [Refusal::Rate; 2]);
    }

    #[test]
    fn an_ipv6_network_and_a_mapped_ipv4_address_are_one_address() {
        assert_eq!(network(address("2001:db8::1")), network(address("2001:db8::ffff:0:0:1")));
        assert_ne!(network(address("2001:db8::1")), network(address("2001:db8:0:1::1")));
        assert_eq!(network(address("::ffff:10.0.0.1")), address("10.0.0.1"));
    }

    #[test]
    fn a_large_zone_cannot_take_the_last_places_and_a_small_one_can() {
        let admission = admission(|limits| {
            (limits.max_connections, limits.reserved_percent, limits.reserved_per_zone) = (10, 20, 2);
        });
        let now = Instant::now();
        let mut held = Vec::new();
        let mut enter = |zone: &str| {
            let place = admission.admit(address("10.0.0.1"), now)?;
            held.push((admission.enter_zone(zone, now)?, place));
            Ok(())
        };
        let large: Vec<Refusal> = (0..10).filter_map(|_| enter("large").err()).collect();
        assert_eq!(large, [Refusal::Reserved; 2]);
        assert_eq!((enter("small"), enter("small")), (Ok(()), Ok(())));
        assert_eq!(enter("small"), Err(Refusal::Full));
    }

    #[test]
    fn a_zone_that_comes_back_at_once_waits_and_another_does_not() {
        let admission = admission(|limits| {
            (limits.connections_per_second_per_zone, limits.connections_burst_per_zone) = (10, 5);
        });
        let now = Instant::now();
        let places: Vec<ZonePlace> = (0..30).map(|_| admission.enter_zone("a", now).unwrap()).collect();
        assert!(places[..5].iter().all(|place| place.wait.is_zero()));
        for (n, place) in places.iter().enumerate().skip(5) {
            let full = Duration::from_millis(100) * (n as u32 - 4);
            assert!(place.wait <= full && place.wait >= full * 3 / 4, "{n}: {:?}", place.wait);
        }
        assert_eq!(admission.enter_zone("b", now).unwrap().wait, Duration::ZERO);
    }
}
