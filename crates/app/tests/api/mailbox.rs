//! What reaches people by mail.

use tenantry_identity::{Delivery, Letter, Mail};

use crate::site::Site;

/// A mail that was due, and what became of it.
#[derive(Debug)]
pub struct Handled {
    pub letter: Letter,
    pub delivery: Delivery,
}

/// Sends every mail of the site that is due, as a worker does.
pub async fn deliver(site: &Site) -> Vec<Handled> {
    let node = site.running.node();
    let mut handled = Vec::new();
    for claimed in node.post_office.claim(100).await.unwrap() {
        let letter = node.postbox.open(&claimed.mail).unwrap();
        let delivery = node.post_office.deliver(&claimed).await.unwrap();
        handled.push(Handled { letter, delivery });
    }
    handled.sort_by_key(|mail| mail.letter.id);
    handled
}

/// Sends every mail that is due, and answers those that were handed over to be brought to this address.
pub async fn letters_to(site: &Site, address: &str) -> Vec<Mail> {
    let handled = deliver(site).await.into_iter();
    let theirs = handled.filter(|mail| mail.delivery == Delivery::Sent && mail.letter.to.as_str() == address);
    theirs.map(|mail| mail.letter.mail).collect()
}

/// The token of the only one of these letters that has a link of this kind.
#[track_caller]
pub fn token(letters: &[Mail], kind: &str) -> String {
    let tokens: Vec<&str> = letters.iter().filter(|mail| mail.kind().as_str() == kind).map(token_of).collect();
    assert_eq!(tokens.len(), 1, "{kind} among {letters:?}");
    tokens[0].to_owned()
}

fn token_of(mail: &Mail) -> &str {
    match mail {
        Mail::VerifyEmail { token, .. }
        | Mail::ResetPassword { token, .. }
        | Mail::ChoosePassword { token, .. }
        | Mail::Invitation { token, .. } => token.expose(),
        Mail::NewDevice { .. } | Mail::PasswordChanged { .. } => panic!("{mail:?} has no link"),
    }
}

/// Makes every mail that waits due at once.
pub async fn hurry(site: &Site) {
    site.sql("UPDATE outbox SET due_at = '2020-01-01T00:00:00+00:00' WHERE state = 'queued'").await;
}
