//! What the fuzz targets call: each function takes bytes of anybody's choice and panics where a promise of
//! the libraries is broken.

#![forbid(unsafe_code)]

mod blobs;
mod fetch;
mod frames;
mod logins;
mod manifests;
mod messages;
mod produce;

pub use blobs::group_blob;
pub use fetch::fetch_response;
pub use frames::deframe;
pub use logins::login;
pub use manifests::manifest;
pub use messages::{request, response};
pub use produce::produce;
