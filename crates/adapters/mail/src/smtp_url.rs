use std::fmt;
use std::str::FromStr;

use lettre::transport::smtp::authentication::Credentials;
use url::Url;

/// When the connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// From its first byte.
    Tls,
    /// By STARTTLS, before anything but greetings is said; a server without it gets no mail.
    StartTls,
    /// Never: for a server on the same machine.
    None,
}

/// Where a mail server is and how to sign in there. `Debug` and `Display` do not show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpUrl {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) encryption: Encryption,
    login: Option<(String, String)>,
}

/// The text is no such URL. What it was is not repeated, since it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SmtpUrlError {
    /// It has another form.
    #[error(
        "must be smtp://[USER:PASSWORD@]HOST[:PORT][?starttls=required|off] or smtps://[USER:PASSWORD@]HOST[:PORT]"
    )]
    Form,
    /// The password would go over the network for everybody to read.
    #[error("must not send a password without encryption")]
    ExposedPassword,
}

impl SmtpUrl {
    /// Who signs in.
    pub(crate) fn credentials(&self) -> Option<Credentials> {
        self.login.clone().map(|(user, password)| Credentials::new(user, password))
    }
}

impl FromStr for SmtpUrl {
    type Err = SmtpUrlError;

    fn from_str(text: &str) -> Result<Self, SmtpUrlError> {
        let url = Url::parse(text).or(Err(SmtpUrlError::Form))?;
        let (encryption, port) = match (url.scheme(), url.query()) {
            ("smtps", None) => (Encryption::Tls, 465),
            ("smtp", None | Some("starttls=required")) => (Encryption::StartTls, 587),
            ("smtp", Some("starttls=off")) => (Encryption::None, 25),
            _ => return Err(SmtpUrlError::Form),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(SmtpUrlError::Form)?;
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(SmtpUrlError::Form);
        }
        let login = login(&url)?;
        if login.is_some() && encryption == Encryption::None {
            return Err(SmtpUrlError::ExposedPassword);
        }
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { host, port: url.port().unwrap_or(port), encryption, login })
    }
}

/// Both parts or none.
fn login(url: &Url) -> Result<Option<(String, String)>, SmtpUrlError> {
    let decode = |text: &str| percent_decode(text).ok_or(SmtpUrlError::Form);
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => Err(SmtpUrlError::Form),
        (user, Some(password)) => Ok(Some((decode(user)?, decode(password)?))),
    }
}

fn percent_decode(text: &str) -> Option<String> {
    percent_encoding::percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

impl fmt::Display for SmtpUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, query) = match self.encryption {
            Encryption::Tls => ("smtps", ""),
            Encryption::StartTls => ("smtp", ""),
            Encryption::None => ("smtp", "?starttls=off"),
        };
        let login = if self.login.is_some() { "***:***@" } else { "" };
        write!(formatter, "{scheme}://{login}{}:{}{query}", self.host, self.port)
    }
}

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SmtpUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> SmtpUrl {
        text.parse().unwrap()
    }

    #[test]
    fn each_kind_has_its_port_and_encryption() {
        for (text, shown) in [
            ("smtp://mail.example.com", "smtp://mail.example.com:587"),
            ("smtp://mail.example.com:2525?starttls=required", "smtp://mail.example.com:2525"),
            ("smtps://me:secret@mail.example.com", "smtps://***:***@mail.example.com:465"),
            ("smtp://127.0.0.1?starttls=off", "smtp://127.0.0.1:25?starttls=off"),
        ] {
            assert_eq!(parsed(text).to_string(), shown);
            assert!(!format!("{:?}", parsed(text)).contains("secret"));
        }
    }

    #[test]
    fn a_login_may_hold_any_character() {
        let url = parsed("smtps://me%40example.com:p%3Aw%2F@mail.example.com/");
        assert_eq!(url.login, Some(("me@example.com".to_owned(), "p:w/".to_owned())));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "mail.example.com",
            "http://mail.example.com",
            "smtp://",
            "smtp://me@host",
            "smtp://host/inbox",
            "smtp://host?tls=no",
        ] {
            assert_eq!(text.parse::<SmtpUrl>(), Err(SmtpUrlError::Form), "{text}");
        }
        let exposed = "smtp://me:secret@host?starttls=off".parse::<SmtpUrl>();
        assert_eq!(exposed, Err(SmtpUrlError::ExposedPassword));
    }
}
