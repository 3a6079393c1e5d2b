//! How the gateway itself connects to the brokers of a cluster.

use tidegate_client::ConnectOptions;
use tidegate_daemon::DaemonError;
use tidegate_daemon::cluster::Cluster;

use crate::config::Limits;

/// What the control connection calls itself.
const CLIENT_ID: &str = "tidegate-gateway";

/// The options for every connection to a cluster.
pub(crate) fn connect_options(cluster: &Cluster, limits: &Limits) -> Result<ConnectOptions, DaemonError> {
    let mut options = cluster.connect_options(CLIENT_ID)?;
    options.connect_timeout = limits.upstream_deadline;
    options.tls_timeout = limits.upstream_deadline;
    options.max_response_bytes = max_response_bytes(limits);
    Ok(options)
}

/// Largest answer of a broker: the largest Fetch that the limits allow, and one batch above it, which a broker may
/// add to make progress.
fn max_response_bytes(limits: &Limits) -> usize {
    limits.fetch_max_bytes.saturating_add(limits.max_produce_frame_bytes)
}
