//! Random names. A leak test proves something only if its markers cannot occur by chance.

use uuid::Uuid;

/// `prefix` and 20 random lower-case hex digits: legal wherever Kafka wants a name.
pub fn name(prefix: &str) -> String {
    let hex = Uuid::new_v4().simple().to_string();
    format!("{prefix}{}", &hex[..20])
}

/// A random number in `low..high`.
pub fn number(low: u16, high: u16) -> u16 {
    let seed = Uuid::new_v4().as_u128() % u128::from(high - low);
    low + u16::try_from(seed).expect("smaller than a u16")
}
