//! Bars.

/// What a median must keep to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Bar {
    AtMost(f64),
    AtLeast(f64),
    None,
}

impl Bar {
    /// Whether a value keeps to the bar; nothing if there is none.
    pub(super) fn holds(self, value: f64) -> Option<bool> {
        match self {
            Self::AtMost(bar) => Some(value <= bar),
            Self::AtLeast(bar) => Some(value >= bar),
            Self::None => None,
        }
    }

    /// The bar, and whether the value keeps to it; empty without a bar.
    pub(super) fn verdict(self, value: f64) -> String {
        let limit = match self {
            Self::AtMost(limit) => format!("<= {limit}"),
            Self::AtLeast(limit) => format!(">= {limit}"),
            Self::None => return String::new(),
        };
        match self.holds(value) {
            Some(true) => format!("{limit}: held"),
            _ => format!("{limit}: MISSED"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_names_the_bar() {
        assert_eq!(Bar::AtMost(1.3).verdict(1.3), "<= 1.3: held");
        assert_eq!(Bar::AtLeast(0.8).verdict(0.7), ">= 0.8: MISSED");
        assert_eq!(Bar::None.verdict(1.0), "");
    }
}
