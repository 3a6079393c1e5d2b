//! The figures of a sample, how lanes are compared in them, and their bars.

use super::Upstream;
use super::load::Sample;
use crate::bench::bar::Bar;
use crate::bench::rounds::Compare;

/// One number of a sample.
#[derive(Clone, Copy)]
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) of: fn(&Sample) -> Option<f64>,
    pub(super) compare: Compare,
    pub(super) bar: fn(Upstream) -> Bar,
}

pub(super) const CPU_PER_GB: Figure = Figure {
    name: "CPU s per GB",
    of: |sample| Some(sample.cpu_seconds? / (sample.bytes / 1e9)),
    compare: Compare::Ratio,
    bar: |_| Bar::AtMost(1.3),
};

/// Before the null broker the proxy is the limit, and a bare one does nothing but copy.
pub(super) const THROUGHPUT: Figure = Figure {
    name: "MB/s",
    of: |sample| Some(sample.bytes / 1e6 / sample.seconds),
    compare: Compare::Ratio,
    bar: |upstream| Bar::AtLeast(if upstream == Upstream::Null { 0.8 } else { 0.95 }),
};

pub(super) const CPU_PER_REQUEST: Figure = Figure {
    name: "CPU us per request",
    of: |sample| Some(sample.cpu_seconds? * 1e6 / sample.requests),
    compare: Compare::Ratio,
    bar: |_| Bar::AtMost(1.5),
};

pub(super) const REQUESTS: Figure = Figure {
    name: "requests/s",
    of: |sample| Some(sample.requests / sample.seconds),
    compare: Compare::Ratio,
    bar: |_| Bar::None,
};

pub(super) const P50: Figure = Figure {
    name: "p50 us",
    of: |sample| sample.p50_us,
    compare: Compare::Difference,
    bar: |_| Bar::AtMost(50.0),
};

pub(super) const P99: Figure = Figure {
    name: "p99 us",
    of: |sample| sample.p99_us,
    compare: Compare::Difference,
    bar: |_| Bar::AtMost(300.0),
};
