//! The secret of a development machine: made once, kept in the data folder.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use tempfile::NamedTempFile;

use super::folder::create_private;
use super::secret_strength::check;
use super::{Profile, SettingsError};

/// The secret in the file at `path`, which is made with mode 0600 where it is missing. Two processes that start at once
/// get the same one.
pub(super) fn read_or_create(path: &Path) -> Result<SecretString, SettingsError> {
    match read(path) {
        Err(SettingsError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => create(path),
        outcome => outcome,
    }
}

fn read(path: &Path) -> Result<SecretString, SettingsError> {
    let failed = |source| SettingsError::Io { action: "read", path: path.to_owned(), source };
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(SettingsError::ExposedSecret(path.to_owned()));
    }
    let secret = SecretString::from(fs::read_to_string(path).map_err(failed)?.trim_end());
    match check(&secret, Profile::Development) {
        Ok(()) => Ok(secret),
        Err(weakness) => Err(SettingsError::Mismatch(format!("the secret in {} {weakness}", path.display()))),
    }
}

fn create(path: &Path) -> Result<SecretString, SettingsError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    create_private(directory)?;
    let failed = |source| SettingsError::Io { action: "write", path: path.to_owned(), source };
    let secret = generate().map_err(failed)?;
    // Written whole under another name first: nobody ever reads half a secret. Such a file has mode 0600.
    let mut file = NamedTempFile::new_in(directory).map_err(failed)?;
    writeln!(file, "{}", secret.expose_secret()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(secret),
        // Another process was first, and its secret counts.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => read(path),
        Err(error) => Err(failed(error.error)),
    }
}

/// 32 bytes from the operating system, in hexadecimal.
#[expect(clippy::disallowed_methods, reason = "the settings come before the adapter that makes all other secrets")]
fn generate() -> io::Result<SecretString> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::from)?;
    let mut text = String::with_capacity(64);
    for byte in bytes {
        write!(text, "{byte:02x}").map_err(io::Error::other)?;
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_made_once_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data/secret.key");
        let first = read_or_create(&path).unwrap();
        assert_eq!(first.expose_secret().len(), 64);
        assert_eq!(read_or_create(&path).unwrap().expose_secret(), first.expose_secret());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn all_who_start_at_once_get_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret.key");
        let read = || read_or_create(&path).unwrap().expose_secret().to_owned();
        let secrets: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(read)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(secrets.iter().all(|secret| *secret == secrets[0]));
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret.key");
        read_or_create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(read_or_create(&path), Err(SettingsError::ExposedSecret(_))));
    }

    #[test]
    fn an_empty_file_is_no_secret() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret.key");
        fs::write(&path, "\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(read_or_create(&path).unwrap_err().to_string().contains("at least 32 bytes"));
    }
}
