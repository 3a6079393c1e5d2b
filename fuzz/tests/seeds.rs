//! Every target with its seeds, with seeds that were damaged and with noise, on any toolchain.

use tidegate_fuzz::seeds::{noise, seeds};
use tidegate_fuzz::{TARGETS, Target};

/// Per target; the fuzzer does millions.
const DAMAGED: u64 = 3_000;

#[test]
fn every_target_bears_its_seeds_damaged_seeds_and_noise() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name} begins with nothing");
        seeds.iter().for_each(|seed| feed(name, target, seed));
        for number in 0..DAMAGED {
            let luck = noise(number, 8);
            let at = usize::from(u16::from_be_bytes([luck[0], luck[1]])) % seeds.len();
            let seed = &seeds[at];
            feed(name, target, &damaged(seed, &luck));
        }
        (0..200).for_each(|number| feed(name, target, &noise(number, number as usize)));
    }
}

/// A panic names the input, so that it can be kept.
fn feed(name: &str, target: Target, input: &[u8]) {
    if std::panic::catch_unwind(|| target(input)).is_err() {
        panic!("{name} does not bear {input:?}");
    }
}

/// One byte is another, and perhaps the end is missing.
fn damaged(seed: &[u8], luck: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    if let Some(length) = bytes.len().checked_sub(1).filter(|length| *length > 0) {
        let at = usize::from(u16::from_be_bytes([luck[2], luck[3]])) % length;
        bytes[at] = luck[4];
        if luck[5] % 4 == 0 {
            bytes.truncate(at);
        }
    }
    bytes
}
