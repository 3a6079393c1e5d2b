//! No body that the guard accepts is read in another way, or not at all, by the codec crate.

use tidegate_wire::Bytes;
use tidegate_wire::codec::CodecError;

use crate::cases::cases;
use crate::generate::{Body, Fill, body};
use crate::random::{Random, scaled};

const ROUNDS: u64 = 40;
/// Values around the edges of lengths, varints and the presence byte.
const EDGES: [u8; 8] = [0x00, 0x01, 0x02, 0x7f, 0x80, 0x81, 0xfe, 0xff];

#[test]
fn what_the_guard_accepts_the_crate_decodes_to_the_last_byte() {
    let (mut accepted, mut refused) = (0_u64, 0_u64);
    for seed in 0..scaled(ROUNDS) {
        for case in cases() {
            for version in case.versions() {
                let mut random = Random::new(seed ^ 0x5eed);
                let valid = body(&case, version, Fill::Random, Random::new(seed));
                let mutant = Bytes::from(mutate(&valid, &mut random));
                match (case.again)(version, &mutant) {
                    Ok(_) => accepted += 1,
                    Err(CodecError::Guard(_)) => refused += 1,
                    Err(error) => panic!("{} seed {seed}: {error}\n{mutant:02x?}", case.name(version)),
                }
            }
        }
    }
    // A run in which one side is empty shows nothing.
    assert!(accepted > 1_000 && refused > 1_000, "{accepted} accepted, {refused} refused");
}

fn mutate(valid: &Body, random: &mut Random) -> Vec<u8> {
    let mut bytes = valid.bytes.clone();
    for _ in 0..=random.below(3) {
        if bytes.is_empty() {
            bytes.push(random.byte());
        }
        let at = random.below(bytes.len());
        match random.below(6) {
            0 => bytes[at] = random.byte(),
            1 => bytes[at] = EDGES[random.below(EDGES.len())],
            2 => bytes[at] ^= 1 << random.below(8),
            3 => drop(bytes.remove(at)),
            4 => bytes.insert(at, random.byte()),
            _ if valid.marks.is_empty() => bytes.truncate(at),
            // Most of a body's bytes are plain values: aim at the lengths.
            _ => {
                let mark = valid.marks[random.below(valid.marks.len())];
                let at = (mark.at + mark.size - 1).min(bytes.len() - 1);
                bytes[at] = bytes[at].wrapping_add(if random.once_in(2) { 1 } else { 0xff });
            }
        }
    }
    bytes
}
