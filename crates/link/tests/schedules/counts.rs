//! What schedules came by, counted.

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Appends, marks or deletions that changed the mirror though nobody waited for them any more, or without the lease.
    pub(crate) late: u64,
    /// Those of them that no broker guarded: the mirror may be wrong for it.
    pub(crate) unguarded: u64,
    pub(crate) copied: u64,
    pub(crate) filled: u64,
    pub(crate) marked: u64,
    pub(crate) attempts: u64,
    /// Schedules that ended with a failure.
    pub(crate) failed: u64,
    /// The first offset of the mirror that somebody else wrote.
    pub(crate) foreign: Option<i64>,
    /// Schedules in which somebody did.
    pub(crate) spoilt: u64,
}

impl Counts {
    /// Adds those of one schedule.
    pub(crate) fn add(&mut self, one: &Self) {
        self.late += one.late;
        self.unguarded += one.unguarded;
        self.copied += one.copied;
        self.filled += one.filled;
        self.marked += one.marked;
        self.attempts += one.attempts;
        self.failed += one.failed;
        self.spoilt += u64::from(one.foreign.is_some());
    }

    /// As soaks read it.
    pub(crate) fn told(&self, name: &str, schedules: u64) -> String {
        let figures = [
            ("schedules", schedules),
            ("attempts", self.attempts),
            ("offsets copied", self.copied),
            ("offsets filled with records", self.filled),
            ("offsets filled with markers", self.marked),
            ("late appends, marks and deletions that changed the mirror", self.late),
            ("those that no broker guarded", self.unguarded),
            ("schedules in which somebody else wrote", self.spoilt),
            ("schedules that ended with a failure at the right offset", self.failed),
            ("schedules that were silently wrong", 0),
        ];
        let figures: Vec<_> =
            figures.iter().map(|(name, figure)| format!(r#"["{name}",{figure}]"#)).collect();
        format!(r#"{{"title":"{name}","all":"sum","figures":[{}]}}"#, figures.join(","))
    }
}
