use serde::Deserialize;
use url::Url;

use super::SettingsError;

/// Section `cors`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorsSettings {
    /// As browsers send them: scheme, host, and the port where it is not the usual one.
    pub allowed_origins: Vec<String>,
}

impl CorsSettings {
    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        match self.allowed_origins.iter().find(|origin| !is_origin(origin)) {
            None => Ok(()),
            Some(text) => {
                let problem = format!("must hold origins such as https://app.example.com, not {text:?}");
                Err(SettingsError::invalid("cors.allowed_origins", problem))
            }
        }
    }
}

fn is_origin(text: &str) -> bool {
    Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text)
}

#[cfg(test)]
mod tests {
    use super::is_origin;

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        for origin in ["http://localhost:3000", "https://app.example.com", "https://app.example.com:8443"] {
            assert!(is_origin(origin), "{origin}");
        }
        for other in [
            "*",
            "null",
            "app.example.com",
            "https://app.example.com/",
            "https://a.b/c",
            "ftp://a.b",
            "https://a.b:443",
        ] {
            assert!(!is_origin(other), "{other}");
        }
    }
}
