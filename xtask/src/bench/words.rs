//! Figures as Markdown.

use std::path::Path;

use anyhow::{Context, Result};

use super::stats::Quartiles;

/// The median and both quartiles.
pub(super) fn show(quartiles: Quartiles) -> String {
    let Quartiles { lower, median, upper } = quartiles;
    format!("{} ({} - {})", number(median), number(lower), number(upper))
}

/// Three digits that matter, none that do not.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// What it was measured on.
pub(super) fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} CPUs, {}", model.map_or("model unknown", |(_, name)| name.trim()))
}

/// Writes a report where one was asked for.
pub(super) fn write_report(path: Option<&Path>, sections: &[String]) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let text = format!("{}\n", sections.join("\n").trim_end());
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!([1234.4, 56.78, 1.234, 0.0567].map(number), ["1234", "56.8", "1.23", "0.057"]);
    }
}
