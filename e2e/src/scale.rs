//! How large a test is: a file that soaks reads its size from the environment.

use std::env;
use std::str::FromStr;

use anyhow::{Context, Result};

/// Set by `cargo xtask soak`.
const VARIABLE: &str = "TIDEGATE_TEST_SCALE";

/// How much larger than in `cargo xtask test`; 1 there.
pub fn scale<N: FromStr + From<u8>>() -> Result<N> {
    match env::var(VARIABLE) {
        Ok(text) => text.parse().ok().with_context(|| format!("{VARIABLE}={text:?} is no number")),
        Err(_) => Ok(1.into()),
    }
}
