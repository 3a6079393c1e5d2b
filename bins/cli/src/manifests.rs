//! Manifests from files, folders and standard input; every mistake in all of them at once.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tidegate_core::document::MAX_TEXT_BYTES;
use tidegate_core::{SourcedZone, ZoneManifest, check_zones, parse_manifests};

use crate::failure::Failure;

/// What stands for standard input.
const STDIN: &str = "-";

/// The files of a folder that are read, as a gateway reads its zone folder.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// A text and where it came from.
struct Source {
    name: String,
    text: String,
}

/// Reads the manifests of these files and folders in their order, or tells all that is wrong with them.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<ZoneManifest>, Failure> {
    let (mut manifests, mut zones, mut mistakes) = (Vec::new(), Vec::new(), Vec::new());
    for Source { name, text } in sources(paths)? {
        match parse_manifests(&text) {
            Err(errors) => mistakes.extend(errors.lines(&name)),
            Ok(read) => {
                zones.extend(read.iter().map(|it| SourcedZone::new(name.clone(), it.spec.clone())));
                manifests.extend(read);
            }
        }
    }
    mistakes.extend(check_zones(&zones).iter().map(ToString::to_string));
    if mistakes.is_empty() { Ok(manifests) } else { Err(Failure::Wrong(mistakes.join("\n"))) }
}

fn sources(paths: &[PathBuf]) -> Result<Vec<Source>, Failure> {
    if paths.iter().filter(|path| path.as_os_str() == STDIN).count() > 1 {
        return Err(Failure::Wrong("standard input can be read once; write `-f -` once".to_owned()));
    }
    let mut sources = Vec::new();
    for path in paths {
        if path.as_os_str() == STDIN {
            sources.push(Source { name: "stdin".to_owned(), text: read_all("stdin", io::stdin().lock())? });
        } else if path.is_dir() {
            let files = files(path)?;
            sources.extend(files.iter().map(|file| source(file)).collect::<Result<Vec<_>, _>>()?);
        } else {
            sources.push(source(path)?);
        }
    }
    Ok(sources)
}

fn source(path: &Path) -> Result<Source, Failure> {
    let name = path.display().to_string();
    let file = fs::File::open(path).map_err(|error| cannot_read(&name, &error))?;
    let text = read_all(&name, file)?;
    Ok(Source { name, text })
}

/// One byte more than is read of a text is enough to say that it is too large.
fn read_all(name: &str, from: impl Read) -> Result<String, Failure> {
    let mut text = String::new();
    let most = u64::try_from(MAX_TEXT_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    from.take(most).read_to_string(&mut text).map_err(|error| cannot_read(name, &error))?;
    match text.len() > MAX_TEXT_BYTES {
        false => Ok(text),
        true => Err(Failure::Wrong(format!(
            "{name}: the text is longer than {MAX_TEXT_BYTES} bytes; split it into files of a folder, as `tidegate export \
             --folder` does"
        ))),
    }
}

/// The manifests of a folder by name; what is in folders below it belongs to somebody else.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let name = folder.display().to_string();
    let entries = fs::read_dir(folder).map_err(|error| cannot_read(&name, &error))?;
    let paths: Result<Vec<PathBuf>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(|error| cannot_read(&name, &error))?;
    paths.retain(|path| {
        path.extension().is_some_and(|end| ENDINGS.iter().any(|known| end == *known)) && !path.is_dir()
    });
    paths.sort();
    match paths.is_empty() {
        false => Ok(paths),
        true => {
            Err(Failure::Wrong(format!("{name}: there is no `.yaml`, `.yml` or `.json` file in this folder")))
        }
    }
}

fn cannot_read(name: &str, error: &io::Error) -> Failure {
    let what = match error.kind() {
        io::ErrorKind::InvalidData => "it is no UTF-8 text".to_owned(),
        _ => error.to_string(),
    };
    Failure::Here(format!("{name}: cannot read the manifests: {what}"))
}
