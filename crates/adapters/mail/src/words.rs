//! What each kind of mail says.

use chrono::{DateTime, Utc};
use tenantry_identity::{LinkToken, Mail};

use crate::content::{Content, Link};

const IGNORE: &str = "If you did not ask for this, you can ignore this mail; nothing changes then.";
const NOT_YOU: &str = "If that was not you, choose a new password now: it ends all other sessions.";

/// The letter's words. Links lead to pages of whoever builds the client, at `base_url`.
pub(crate) fn words(mail: &Mail, product: &str, base_url: &str) -> Content {
    let link = |label, page, token: &LinkToken| Some(Link { label, url: link_url(base_url, page, token) });
    match mail {
        Mail::VerifyEmail { token, expires_at } => Content {
            subject: format!("{product}: confirm your e-mail address"),
            paragraphs: vec![format!("Please confirm that this address is yours, so that {product} can reach you.")],
            link: link("Confirm the address", "verify-email", token),
            closing: vec![good_until(*expires_at), IGNORE.to_owned()],
        },
        Mail::ResetPassword { token, expires_at } => Content {
            subject: format!("{product}: choose a new password"),
            paragraphs: vec![format!("Somebody asked to reset the password of your {product} account.")],
            link: link("Choose a new password", "reset-password", token),
            closing: vec![good_until(*expires_at), IGNORE.to_owned()],
        },
        Mail::ChoosePassword { organization_name, token, expires_at } => Content {
            subject: format!("{product}: your account at {organization_name}"),
            paragraphs: vec![format!(
                "{organization_name} made a {product} account for you. Choose a password to use it."
            )],
            link: link("Choose a password", "reset-password", token),
            closing: vec![good_until(*expires_at)],
        },
        Mail::Invitation { organization_name, inviter_name, role, token, expires_at } => Content {
            subject: format!("{product}: join {organization_name}"),
            paragraphs: vec![format!("{inviter_name} invites you to join {organization_name} as {role}.")],
            link: link("Look at the invitation", "invitation", token),
            closing: vec![good_until(*expires_at), IGNORE.to_owned()],
        },
        Mail::NewDevice { at, ip_address, user_agent } => Content {
            subject: format!("{product}: sign-in from a new device"),
            paragraphs: vec![
                "Your account was used to sign in from a device that we have not seen before.".to_owned(),
                circumstances(*at, ip_address.as_deref(), user_agent.as_deref()),
            ],
            link: None,
            closing: vec![NOT_YOU.to_owned()],
        },
        Mail::PasswordChanged { at, ip_address } => Content {
            subject: format!("{product}: your password was changed"),
            paragraphs: vec![
                "The password of your account was changed.".to_owned(),
                circumstances(*at, ip_address.as_deref(), None),
            ],
            link: None,
            closing: vec!["If that was not you, reset the password at once and tell the administrators.".to_owned()],
        },
    }
}

/// The token is in the fragment, which browsers send to no server: it gets into no log and no referrer, and a scanner
/// that follows the link does nothing.
fn link_url(base_url: &str, page: &str, token: &LinkToken) -> String {
    format!("{base_url}/{page}#token={}", token.expose())
}

fn good_until(expires_at: DateTime<Utc>) -> String {
    format!("The link works once, until {}.", at_minute(expires_at))
}

fn circumstances(at: DateTime<Utc>, ip_address: Option<&str>, user_agent: Option<&str>) -> String {
    let mut text = format!("When: {}", at_minute(at));
    for (what, value) in [("Network address", ip_address), ("Program", user_agent)] {
        if let Some(value) = value {
            text = format!("{text}. {what}: {value}");
        }
    }
    text + "."
}

fn at_minute(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}
