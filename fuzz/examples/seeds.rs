//! Writes the seeds of every target where the fuzzer looks for them: `cargo run --example seeds -- corpus`.

use std::fs;
use std::path::PathBuf;

use tidegate_fuzz::{TARGETS, seeds};

fn main() -> std::io::Result<()> {
    let corpus = PathBuf::from(std::env::args_os().nth(1).unwrap_or_else(|| "corpus".into()));
    for (target, _) in TARGETS {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        for (number, seed) in seeds::seeds(target).iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}
