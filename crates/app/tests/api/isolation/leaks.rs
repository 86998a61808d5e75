//! Looks for what is another tenant's in an answer.

use std::collections::HashSet;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

use super::tenant::{Tenant, bare};
use crate::answer::Answer;

/// What of `other` is in the answer but for what was sent with its request, and ids that are excused.
pub fn find(answer: &Answer, other: &Tenant<'_>, sent: &[String], excused: &HashSet<String>) -> Option<String> {
    let mut text = whole(answer);
    // That address is known to all the world.
    for known in sent.iter().chain([&other.keeper.email]) {
        text = text.replace(known, "");
    }
    if text.contains(&other.mark) {
        return Some(other.mark.clone());
    }
    if let Some(secret) = other.secrets.iter().find(|secret| text.contains(*secret)) {
        return Some(secret.clone());
    }
    let words = text.split(|character: char| !character.is_ascii_hexdigit() && character != '-');
    let mut ids = words.filter(|word| word.len() >= 32).map(bare);
    ids.find(|id| other.ids.contains(id) && !excused.contains(id))
}

/// Headers and body, and what is in a cursor.
fn whole(answer: &Answer) -> String {
    let mut text = answer.text();
    let cursor = text.split_once("\"next_cursor\":\"").and_then(|(_, rest)| rest.split('"').next());
    if let Some(bytes) = cursor.and_then(|cursor| BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()) {
        text.push_str(&String::from_utf8_lossy(&bytes));
    }
    for (name, value) in &answer.headers {
        text.extend(["\n", name.as_str(), ": "]);
        text.push_str(&String::from_utf8_lossy(value.as_bytes()));
    }
    text
}
