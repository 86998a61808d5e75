//! What `tenantry push` takes from the environment: it needs none of the server's settings.

use std::path::{Path, PathBuf};

use tenantry_client::{ApiKey, ServerUrl};

use super::{SettingsError, Variables, variables};

const SERVER: &str = "TENANTRY_SERVER";
const API_KEY: &str = "TENANTRY_API_KEY";
const API_KEY_FILE: &str = "TENANTRY_API_KEY_FILE";

/// Where a push goes, as whom, and where it remembers checksums.
#[derive(Debug)]
pub struct PushSettings {
    pub server: ServerUrl,
    pub key: ApiKey,
    /// None where the user has no home.
    pub cache: Option<PathBuf>,
}

impl PushSettings {
    /// Reads `variables`; what the command line names wins.
    pub fn load(
        variables: &Variables,
        server: Option<&str>,
        api_key_file: Option<&Path>,
    ) -> Result<Self, SettingsError> {
        Ok(Self { server: url(variables, server)?, key: key(variables, api_key_file)?, cache: cache(variables)? })
    }
}

fn url(variables: &Variables, given: Option<&str>) -> Result<ServerUrl, SettingsError> {
    let (text, origin) = if let Some(text) = given {
        (text.to_owned(), "--server")
    } else {
        let missing = || SettingsError::Mismatch(format!("--server or {SERVER} must name the server"));
        (variables.get(SERVER)?.ok_or_else(missing)?, SERVER)
    };
    text.parse().map_err(|error| SettingsError::Mismatch(format!("{origin} {error}")))
}

fn key(variables: &Variables, file: Option<&Path>) -> Result<ApiKey, SettingsError> {
    let (text, origin) = match (file, variables.get(API_KEY)?, variables.get(API_KEY_FILE)?) {
        (Some(path), _, _) => (variables::read(path.to_owned())?, path.display().to_string()),
        (None, Some(_), Some(_)) => return Err(SettingsError::SetTwice { name: API_KEY.to_owned() }),
        (None, Some(text), None) => (text, API_KEY.to_owned()),
        (None, None, Some(path)) => (variables::read(path.clone().into())?, path),
        (None, None, None) => {
            return Err(SettingsError::Mismatch(format!(
                "{API_KEY}, {API_KEY_FILE} or --api-key-file must name an API key"
            )));
        }
    };
    text.parse().map_err(|error| SettingsError::Mismatch(format!("{origin} {error}")))
}

/// As the XDG Base Directory Specification has it; relative paths don't count.
fn cache(variables: &Variables) -> Result<Option<PathBuf>, SettingsError> {
    let folder = |name| variables.get(name).map(|path| path.map(PathBuf::from).filter(|path| path.is_absolute()));
    let base = match folder("XDG_CACHE_HOME")? {
        Some(base) => Some(base),
        None => folder("HOME")?.map(|home| home.join(".cache")),
    };
    Ok(base.map(|base| base.join("tenantry").join("push")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)], server: Option<&str>) -> Result<PushSettings, String> {
        let variables = variables.iter().copied().collect();
        PushSettings::load(&variables, server, None).map_err(|error| error.to_string())
    }

    #[test]
    fn u8_the_environment_names_the_server_and_the_key() {
        let settings = load(&[("TENANTRY_SERVER", "https://a.example"), ("TENANTRY_API_KEY", "tnt_x")], None).unwrap();
        assert_eq!((settings.server.as_str(), settings.cache), ("https://a.example/", None));
        let settings = load(&[("TENANTRY_API_KEY", "tnt_x"), ("HOME", "/home/x")], Some("http://b")).unwrap();
        assert_eq!(settings.cache.unwrap(), Path::new("/home/x/.cache/tenantry/push"));
        let variables = [("TENANTRY_API_KEY", "tnt_x"), ("HOME", "/home/x"), ("XDG_CACHE_HOME", "/c")];
        assert_eq!(load(&variables, Some("http://b")).unwrap().cache.unwrap(), Path::new("/c/tenantry/push"));
    }

    #[test]
    fn u8_a_key_comes_from_a_file_too() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "tnt_y\n").unwrap();
        let file = file.to_str().unwrap();
        assert!(load(&[("TENANTRY_API_KEY_FILE", file)], Some("http://b")).is_ok());
        let twice = [("TENANTRY_API_KEY_FILE", file), ("TENANTRY_API_KEY", "tnt_x")];
        assert!(load(&twice, Some("http://b")).unwrap_err().contains("TENANTRY_API_KEY"));
        std::fs::write(file, "two words").unwrap();
        let error = load(&[("TENANTRY_API_KEY_FILE", file)], Some("http://b")).unwrap_err();
        assert!(error.contains("holds no API key") && !error.contains("two words"), "{error}");
    }

    #[test]
    fn u8_what_is_missing_is_named() {
        assert!(load(&[], None).unwrap_err().starts_with("--server or TENANTRY_SERVER"));
        assert!(load(&[], Some("http://b")).unwrap_err().starts_with("TENANTRY_API_KEY, "));
        assert!(load(&[("TENANTRY_API_KEY", "x")], Some("b")).unwrap_err().starts_with("--server must be the URL"));
    }
}
