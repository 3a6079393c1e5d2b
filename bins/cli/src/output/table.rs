//! Tables without lines, which `awk` and `cut` read as well as people do.

use std::fmt;

use comfy_table::{Table as Lines, presets};

/// A table.
pub(crate) struct Table(Lines);

impl Table {
    /// An empty one with these columns.
    pub(crate) fn new<const COLUMNS: usize>(columns: [&str; COLUMNS]) -> Self {
        let mut lines = Lines::new();
        lines.load_style(presets::NOTHING).set_header(columns);
        for column in lines.column_iter_mut() {
            column.set_padding((0, 2));
        }
        Self(lines)
    }

    /// Adds a row. What came over the network could hold anything, and must not move the cursor.
    pub(crate) fn row<const COLUMNS: usize>(&mut self, cells: [&str; COLUMNS]) {
        self.0.add_row(cells.map(on_one_line));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.lines().try_for_each(|line| writeln!(f, "{}", line.trim_end()))
    }
}

/// A text fit for one line of a terminal.
pub(crate) fn on_one_line(text: &str) -> String {
    let visible = |character: char| if character.is_control() { ' ' } else { character };
    text.chars().map(visible).collect()
}

/// A time without the parts of its second, which nobody reads.
pub(crate) fn day_and_time(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_have_to_be_and_nothing_moves_the_cursor() {
        let mut table = Table::new(["NAME", "URL", "N"]);
        table.row(["a-long-name", "", "1"]);
        table.row(["b", "x\u{1b}[2J\ny", "20"]);
        assert_eq!(
            table.to_string(),
            "NAME         URL      N\na-long-name           1\nb            x [2J y  20\n"
        );
    }

    #[test]
    fn times_lose_what_nobody_reads() {
        assert_eq!(day_and_time("2025-01-27T12:55:05.387368Z"), "2025-01-27T12:55:05Z");
        assert_eq!(day_and_time("2025-01-27T12:55:05Z"), "2025-01-27T12:55:05Z");
    }
}
