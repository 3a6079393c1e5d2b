//! What a configuration names outside itself: files, folders, secrets.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::{SecretSlice, SecretString};
use tidegate_core::document::Place;
use tidegate_core::names::Shown;

use crate::pem::PemFile;
use crate::surroundings::{Surroundings, read_text};

/// The surroundings, seen from the folder of the configuration file.
pub struct Around<'s> {
    folder: PathBuf,
    surroundings: &'s dyn Surroundings,
    files: RefCell<Vec<PathBuf>>,
}

impl<'s> Around<'s> {
    /// The surroundings of a configuration file.
    pub fn new(file: &Path, surroundings: &'s dyn Surroundings) -> Self {
        let folder = file.parent().map(Path::to_path_buf).unwrap_or_default();
        Self { folder, surroundings, files: RefCell::default() }
    }

    /// The files read so far.
    pub fn files(&self) -> Vec<PathBuf> {
        self.files.borrow().clone()
    }

    pub(crate) fn surroundings(&self) -> &'s dyn Surroundings {
        self.surroundings
    }

    fn read_text(&self, path: &Path) -> Result<String, String> {
        self.files.borrow_mut().push(path.to_owned());
        read_text(self.surroundings, path)
    }

    /// A path as written; relative ones begin at the folder of the configuration file.
    pub fn path(&self, place: &Place<'_>) -> Option<PathBuf> {
        let text = place.text()?;
        if text.is_empty() || text.contains('\0') {
            place.fail("the path is empty; write one, relative to the folder of this file");
            return None;
        }
        Some(self.folder.join(text))
    }

    /// A file of the folder of the configuration file.
    pub fn beside(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// A folder that is there.
    pub fn folder(&self, place: &Place<'_>) -> Option<PathBuf> {
        let path = self.path(place)?;
        if self.surroundings.is_folder(&path) {
            return Some(path);
        }
        place.fail(format_args!(
            "{} is not a folder that can be listed; make it, or correct the path",
            path.display()
        ));
        None
    }

    /// The secrets in the files of a folder, by the names of the files; hidden files are left out.
    pub fn secrets(&self, place: &Place<'_>) -> Option<BTreeMap<String, SecretString>> {
        let folder = self.folder(place)?;
        let files = self
            .surroundings
            .files(&folder)
            .map_err(|error| place.fail(format_args!("cannot list {}: {error}", folder.display())))
            .ok()?;
        let mut secrets = BTreeMap::new();
        for path in files {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if name.starts_with('.') {
                continue;
            }
            match read_text(self.surroundings, &path) {
                Ok(text) if !without_line_end(&text).is_empty() => {
                    secrets.insert(name.to_owned(), without_line_end(&text).to_owned().into());
                }
                Ok(_) => place.fail(format_args!("{} is empty; write the password into it", path.display())),
                Err(what) => place.fail(format_args!("{what}; correct the file or its rights")),
            }
        }
        Some(secrets)
    }

    /// A file of text, read.
    pub fn text(&self, place: &Place<'_>) -> Option<String> {
        let path = self.path(place)?;
        self.read_text(&path)
            .map_err(|what| place.fail(format_args!("{what}; correct the path or the file's rights")))
            .ok()
    }

    /// A PEM file, read.
    pub fn pem(&self, place: &Place<'_>) -> Option<PemFile> {
        let path = self.path(place)?;
        let text = self
            .read_text(&path)
            .map_err(|what| place.fail(format_args!("{what}; correct the path or the file's rights")))
            .ok()?;
        if !text.contains("-----BEGIN ") {
            place.fail(format_args!("{} holds no PEM block; convert it to PEM", path.display()));
            return None;
        }
        Some(PemFile { path, pem: SecretSlice::from(text.into_bytes()) })
    }

    /// `${env:NAME}`, `file:PATH`, or the secret itself. No message repeats a secret.
    pub fn secret(&self, place: &Place<'_>) -> Option<SecretString> {
        let text = place.text()?;
        let secret = if let Some(rest) = text.strip_prefix("${") {
            self.variable(place, rest)?
        } else if let Some(file) = text.strip_prefix("file:") {
            let what = |what| place.fail(format_args!("{what}; correct the path or the file's rights"));
            let content = self.read_text(&self.folder.join(file)).map_err(what).ok()?;
            without_line_end(&content).to_owned()
        } else {
            text.to_owned()
        };
        if secret.is_empty() {
            place.fail("the secret is empty; write it to the place that this names");
            return None;
        }
        Some(secret.into())
    }

    fn variable(&self, place: &Place<'_>, rest: &str) -> Option<String> {
        let Some(name) = rest.strip_prefix("env:").and_then(|rest| rest.strip_suffix('}')) else {
            place.fail("a text that begins with `${` must be `${env:NAME}`; correct it, or put the secret into a file");
            return None;
        };
        let value = self.surroundings.variable(name);
        if value.is_none() {
            let name = Shown::of(name);
            place.fail(format_args!("environment variable `{name}` is not set; set it before the start"));
        }
        value
    }
}

/// Editors and `echo` end a file with a line break that is not part of the secret.
fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}
