//! The world around the configuration file, behind a trait so that tests need none.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};
use secrecy::ExposeSecret;
use tidegate_core::RootKey;

/// What a configuration may ask of the machine it is read on.
pub trait Surroundings {
    /// The environment variable, if it is set and is text.
    fn variable(&self, name: &str) -> Option<String>;

    /// The content of a file, which must not be huge.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// True if it is a folder that can be listed.
    fn is_folder(&self, path: &Path) -> bool;

    /// The files of a folder, in the order of their names.
    fn files(&self, path: &Path) -> io::Result<Vec<PathBuf>>;

    /// True if others than the owner and its group can read the file, or others than the owner can write it.
    fn is_open_to_others(&self, path: &Path) -> bool;

    /// Makes a new root key and keeps it in a new file that only the owner can read.
    fn create_root_key(&self, path: &Path) -> io::Result<RootKey>;
}

/// The machine this process runs on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Machine;

impl Surroundings for Machine {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut content)?;
        if u64::try_from(content.len()).is_ok_and(|length| length > MAX_FILE_BYTES) {
            return Err(io::Error::other(format!("the file is larger than {MAX_FILE_BYTES} bytes")));
        }
        Ok(content)
    }

    fn is_folder(&self, path: &Path) -> bool {
        fs::read_dir(path).is_ok()
    }

    fn files(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path()));
        let mut files = entries.filter(|path| path.as_ref().map_or(true, |path| path.is_file()));
        let mut files = files.by_ref().collect::<io::Result<Vec<_>>>()?;
        files.sort();
        Ok(files)
    }

    #[cfg(unix)]
    fn is_open_to_others(&self, path: &Path) -> bool {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o027 != 0)
    }

    #[cfg(not(unix))]
    fn is_open_to_others(&self, _path: &Path) -> bool {
        false
    }

    fn create_root_key(&self, path: &Path) -> io::Result<RootKey> {
        let mut bytes = [0; 32];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| io::Error::other("the system gives no random bytes"))?;
        let key = RootKey::from_bytes(bytes);
        let mut options = OpenOptions::new();
        // Never over an existing file: a second daemon that starts at the same moment must not replace the key.
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.write_all(key.to_hex().expose_secret().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        Ok(key)
    }
}

/// Reads a file as text; the error says what is wrong, not yet how to mend it.
pub(crate) fn read_text(surroundings: &dyn Surroundings, path: &Path) -> Result<String, String> {
    let content =
        surroundings.read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    String::from_utf8(content).map_err(|_| format!("{} is not UTF-8 text", path.display()))
}

/// Larger than any configuration or certificate chain.
const MAX_FILE_BYTES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_root_key_is_private_and_never_overwrites() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        let key = Machine.create_root_key(&path).unwrap();
        assert!(!Machine.is_open_to_others(&path));
        let text = read_text(&Machine, &path).unwrap();
        assert_eq!(text.trim_end(), key.to_hex().expose_secret());
        assert_eq!(Machine.create_root_key(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }

    #[cfg(unix)]
    #[test]
    fn files_open_to_others_are_noticed() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        for (mode, open) in [(0o600, false), (0o440, false), (0o644, true), (0o660, true)] {
            fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(Machine.is_open_to_others(file.path()), open, "{mode:o}");
        }
    }

    #[test]
    fn huge_files_are_not_read_whole() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(1 << 40).unwrap();
        assert!(Machine.read(file.path()).unwrap_err().to_string().contains("larger than"));
    }
}
