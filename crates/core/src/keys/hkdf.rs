//! HKDF-SHA256 (RFC 5869) on ring's HMAC.
//!
//! ring's own `hkdf` reports a wrong output length at run time; here there is no length that can fail, so no caller
//! has to decide what an impossible error means for a key.

use ring::hmac;

/// A pseudorandom key, from which keys for single uses are expanded.
pub(super) struct Extracted(hmac::Key);

/// The extract step.
pub(super) fn extract(salt: &[u8], secret: &[u8]) -> Extracted {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, salt), secret);
    Extracted(hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref()))
}

impl Extracted {
    /// The expand step, for as many bytes as `out` has; 255 blocks of 32 at most, the rest is left as it is.
    pub(super) fn expand(&self, info: &[&[u8]], out: &mut [u8]) {
        let mut previous: Option<hmac::Tag> = None;
        for (counter, block) in (1..=u8::MAX).zip(out.chunks_mut(BLOCK)) {
            let mut context = hmac::Context::with_key(&self.0);
            if let Some(tag) = &previous {
                context.update(tag.as_ref());
            }
            info.iter().for_each(|part| context.update(part));
            context.update(&[counter]);
            let tag = context.sign();
            block.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
            previous = Some(tag);
        }
    }
}

/// The longest output of one expansion.
pub(super) const MAX_OUTPUT: usize = 255 * BLOCK;
const BLOCK: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    struct Length(usize);

    impl ring::hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }

    #[test]
    fn agrees_with_ring() {
        for length in [1, 16, 31, 32, 33, 64, 100, MAX_OUTPUT] {
            let mut ours = vec![0; length];
            extract(b"salt", b"secret").expand(&[b"in", b"fo"], &mut ours);
            let mut theirs = vec![0; length];
            let prk = ring::hkdf::Salt::new(ring::hkdf::HKDF_SHA256, b"salt").extract(b"secret");
            prk.expand(&[b"info"], Length(length)).unwrap().fill(&mut theirs).unwrap();
            assert_eq!(ours, theirs, "{length} bytes");
        }
    }
}
