//! `rootKey`: the installation's root key, whose file the first start makes.

use std::io;
use std::path::PathBuf;

use secrecy::ExposeSecret;
use tidegate_core::RootKey;
use tidegate_core::document::Place;

use crate::Around;

/// The root key, or the file that it is to be made in once nothing else is wrong.
pub struct RootKeySource<'a>(Source<'a>);

enum Source<'a> {
    Key(RootKey),
    /// Where the file is named, and the file.
    Missing(Place<'a>, PathBuf),
}

impl<'a> RootKeySource<'a> {
    /// Reads the root key. Its file need not exist yet.
    pub(crate) fn read(place: &Place<'a>, around: &Around<'_>) -> Option<Self> {
        if let Some(file) = place.text()?.strip_prefix("file:") {
            let path = around.beside(file);
            let found = around.surroundings().read(&path);
            if found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
                return Some(Self(Source::Missing(place.clone(), path)));
            }
            if around.surroundings().is_open_to_others(&path) {
                place.fail(format_args!("{} is open to others; run `chmod 600` on it", path.display()));
                return None;
            }
        }
        let text = around.secret(place)?;
        let key = RootKey::parse(text.expose_secret()).map_err(|error| place.fail(error)).ok()?;
        Some(Self(Source::Key(key)))
    }

    /// The key; one whose file is missing is made, if `may_make` says so.
    pub(crate) fn key(self, may_make: bool, around: &Around<'_>) -> Option<RootKey> {
        let (place, path) = match self.0 {
            Source::Key(key) => return Some(key),
            Source::Missing(..) if !may_make => return None,
            Source::Missing(place, path) => (place, path),
        };
        let failed = |error| {
            place.fail(format_args!(
                "cannot make {}: {error}; make its folder, or correct the path",
                path.display()
            ));
        };
        around.surroundings().create_root_key(&path).map_err(failed).ok()
    }
}
