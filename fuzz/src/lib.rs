//! What the fuzz targets call: each function takes bytes of anybody's choice and panics where a promise of
//! the libraries is broken.

#![forbid(unsafe_code)]

mod batches;
mod blobs;
mod choices;
mod configs;
mod fetch;
mod fillers;
mod frames;
mod logins;
mod make;
mod manifests;
mod messages;
mod pieces;
mod produce;
mod promises;
mod rewrites;
mod rules;
pub mod seeds;
mod tokens;
mod visit;
mod words;
mod world;

pub use batches::batch;
pub use blobs::group_blob;
pub use configs::configuration;
pub use fetch::fetch_response;
pub use fillers::filler;
pub use frames::deframe;
pub use logins::login;
pub use manifests::manifest;
pub use messages::{request, response};
pub use pieces::pieces;
pub use produce::produce;
pub use rewrites::rewrite;
pub use rules::{exchange, rules};
pub use tokens::token;

/// The function under a target.
pub type Target = fn(&[u8]);

/// Every target by name, for those who feed them without a fuzzer.
pub const TARGETS: [(&str, Target); 16] = [
    ("batch", batch),
    ("configuration", configuration),
    ("deframe", deframe),
    ("exchange", exchange),
    ("fetch_response", fetch_response),
    ("filler", filler),
    ("group_blob", group_blob),
    ("login", login),
    ("manifest", manifest),
    ("pieces", pieces),
    ("produce", produce),
    ("request", request),
    ("response", response),
    ("rewrite", rewrite),
    ("rules", rules),
    ("token", token),
];
