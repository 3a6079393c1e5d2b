//! What every Tidegate daemon reads and opens alike.
//!
//! * [`config_file`] reads the file as a whole: every mistake at once, the root key made only if there is none;
//! * [`cluster`] is how a Kafka cluster is entered, as written, understood and dialled;
//! * [`store`] is where records are kept, as written, understood and opened;
//! * [`address`], [`http`], [`Around`] and [`fields`] read the smaller parts;
//! * `logging`, with the feature of that name, is the log of a program.
//!
//! A daemon's own configuration is these and what it has besides:
//!
//! ```
//! use std::path::{Path, PathBuf};
//!
//! use tidegate_core::RootKey;
//! use tidegate_daemon::cluster::{self, Cluster};
//! use tidegate_daemon::config_file::{self, ConfigFile};
//! use tidegate_daemon::store::{self, StoreConfig};
//! use tidegate_daemon::{ConfigErrors, DaemonError, Surroundings, fields, http};
//!
//! struct Config {
//!     clusters: Vec<Cluster>,
//!     store: StoreConfig,
//!     state_file: PathBuf,
//!     root_key: RootKey,
//!     http_bind: std::net::SocketAddr,
//! }
//!
//! fn load(path: &Path) -> Result<Config, ConfigErrors> {
//!     config_file::load(path, parse)
//! }
//!
//! fn parse(text: &str, path: &Path, surroundings: &dyn Surroundings) -> Result<Config, ConfigErrors> {
//!     config_file::parse(text, path, surroundings, read)
//! }
//!
//! fn read(file: &ConfigFile<'_>) -> Option<Config> {
//!     let mut fields = file.document.fields()?;
//!     let (clusters, names) = cluster::read_all(&mut fields, |place| cluster::read(place, &file.around));
//!     let store = fields
//!         .required("store", "write where links are kept")
//!         .and_then(|place| store::read(&place, &names, &file.around));
//!     let state_file = fields::state_file(fields.optional("state"), &file.around);
//!     let root_key = file.root_key(&mut fields);
//!     let http = http::read(fields.optional("http"), 9465);
//!     fields.finish();
//!     Some(Config {
//!         // Last of what can go wrong: a daemon that will not start must not leave a key behind.
//!         root_key: file.make_root_key(root_key?)?,
//!         clusters,
//!         store: store?,
//!         state_file: state_file?,
//!         http_bind: http?.bind,
//!     })
//! }
//!
//! # async fn start(path: &Path) -> Result<(), Box<dyn std::error::Error>> {
//! let config = load(path)?;
//! let parts = store::open_store(&config.store, &config.clusters, &config.root_key, &config.state_file).await?;
//! let options = config.clusters.iter().map(|cluster| cluster.connect_options("tidegate-mirror"));
//! let options: Vec<_> = options.collect::<Result<_, DaemonError>>()?;
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

pub mod address;
mod around;
pub mod cluster;
mod config_errors;
pub mod config_file;
mod error;
pub mod fields;
pub mod http;
#[cfg(feature = "logging")]
pub mod logging;
mod pem;
mod root_key;
pub mod store;
mod surroundings;

pub use address::{AddressError, HostPort};
pub use around::Around;
pub use config_errors::ConfigErrors;
pub use error::DaemonError;
pub use pem::{PemFile, certificate_and_key};
pub use root_key::RootKeySource;
pub use surroundings::{Machine, Surroundings};
