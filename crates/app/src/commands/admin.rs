use std::io::{Write as _, stdin, stdout};

use tenantry_application::NewAdministrator;
use tenantry_identity::{Email, Password, Username};

use crate::cli::CreateAdmin;
use crate::failure::Failure;
use crate::node::Node;
use crate::settings::Settings;

/// Creates a platform administrator.
pub(super) async fn create(settings: Settings, arguments: CreateAdmin) -> Result<(), Failure> {
    let new = parse(&arguments)?;
    let node = Node::open(settings).await?;
    let (user, made) = node.administrators.create(new).await.map_err(Failure::because)?;
    node.database.close().await;
    let mut out = stdout().lock();
    writeln!(out, "created {} ({})", user.username.as_str(), user.email.as_str()).map_err(Failure::because)?;
    if let Some(made) = made {
        writeln!(out, "one-time password: {}", made.expose()).map_err(Failure::because)?;
    }
    out.flush().map_err(Failure::because)
}

fn parse(arguments: &CreateAdmin) -> Result<NewAdministrator, Failure> {
    let refused = |name: &str, error: &dyn std::fmt::Display| Failure::because(format!("the {name} {error}"));
    Ok(NewAdministrator {
        email: Email::parse(&arguments.email).map_err(|error| refused("e-mail address", &error))?,
        username: match &arguments.username {
            Some(raw) => Some(Username::parse(raw).map_err(|error| refused("username", &error))?),
            None => None,
        },
        password: if arguments.password_stdin {
            Some(Password::parse(&read_password()?).map_err(|error| refused("password", &error))?)
        } else {
            None
        },
    })
}

/// The first line of standard input, as it is but for the line break.
fn read_password() -> Result<String, Failure> {
    let mut line = String::new();
    stdin().read_line(&mut line).map_err(Failure::because)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
