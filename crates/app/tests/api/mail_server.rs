//! L9: mails go through a mail server, and wait while it is away.

use std::time::Duration;

use serde_json::json;
use tenantry_identity::Delivery;
use tenantry_testkit::smtp::{Manners, SmtpServer};

use crate::mailbox::{deliver, hurry};
use crate::on_both_databases;
use crate::site::Site;

on_both_databases!(
    l9_a_mail_arrives_as_text_and_as_html_and_its_link_works,
    l9_a_busy_server_is_tried_again_ever_later,
    l9_a_refused_mail_is_given_up_and_kept,
    l9_a_worker_that_dies_after_handing_over_sends_the_same_mail_again,
);

/// A node whose mail goes to this server.
async fn mailing(site: &Site, server: &SmtpServer) -> Site {
    let url = format!("smtp://127.0.0.1:{}?starttls=off", server.port);
    let settings = [
        ("TENANTRY__MAIL__TRANSPORT", "smtp"),
        ("TENANTRY__MAIL__SMTP_URL", url.as_str()),
        ("TENANTRY__MAIL__LINK_BASE_URL", "https://app.example.com/start/"),
        ("TENANTRY__MAIL__PRODUCT_NAME", "Engines & Co"),
        ("TENANTRY__MAIL__TIMEOUT_SECONDS", "2"),
        ("TENANTRY__MAIL__MAX_TRIES", "3"),
    ];
    site.another(&settings).await
}

/// Without what quoted-printable does to long lines.
fn joined(mail: &str) -> String {
    mail.replace("=\r\n", "").replace("=3D", "=")
}

fn token(mail: &str) -> String {
    let (_, rest) = mail.split_once("/verify-email#token=").unwrap_or_else(|| panic!("{mail}"));
    rest.chars().take(43).collect()
}

fn message_id(mail: &str) -> &str {
    mail.lines().find(|line| line.starts_with("Message-ID: ")).unwrap()
}

async fn l9_a_mail_arrives_as_text_and_as_html_and_its_link_works(site: &Site) {
    let server = SmtpServer::plain().await;
    let site = mailing(site, &server).await;
    let ada = site.newcomer().await;
    assert_eq!(deliver(&site).await[0].delivery, Delivery::Sent);
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    let mail = joined(&mails[0]);
    for part in [
        format!("To: {}\r\n", ada.email),
        "Subject: Engines & Co: confirm your e-mail address\r\n".to_owned(),
        "Content-Type: multipart/alternative;".to_owned(),
        "Content-Type: text/plain; charset=utf-8".to_owned(),
        "Content-Type: text/html; charset=utf-8".to_owned(),
        format!("\r\nhttps://app.example.com/start/verify-email#token={}\r\n", token(&mail)),
        format!("<a href=\"https://app.example.com/start/verify-email#token={}\">", token(&mail)),
        "Engines &amp; Co".to_owned(),
    ] {
        assert!(mail.contains(&part), "{part} is not in {mail}");
    }
    site.post("/auth/email/verify", json!({"token": token(&mail)})).await.expect(200);
    assert_eq!(ada.on(&site).get("/users/me").await.expect(200)["email_verified"], true);
    // The database knows the token no more than it ever did.
    assert_eq!(site.rows("outbox WHERE sealed IS NOT NULL").await, 0);
    site.stop().await;
}

async fn l9_a_busy_server_is_tried_again_ever_later(site: &Site) {
    let server = SmtpServer::plain().await;
    let site = mailing(site, &server).await;
    site.newcomer().await;
    server.behave(Manners::Refuse(451));
    let mut waits = Vec::new();
    for _ in 0..2 {
        let handled = deliver(&site).await;
        let Delivery::Postponed { until, error } = &handled[0].delivery else { panic!("{handled:?}") };
        assert!(error.contains("451") && !error.contains('@'), "{error}");
        waits.push(*until - handled[0].letter.created_at);
        assert!(deliver(&site).await.is_empty(), "it was due again at once");
        hurry(&site).await;
    }
    assert!(waits[0].num_seconds() >= 22 && waits[1].num_seconds() >= 45 && waits[1] > waits[0], "{waits:?}");
    server.behave(Manners::Accept);
    let handled = deliver(&site).await;
    assert_eq!(handled[0].delivery, Delivery::Sent);
    let mail = joined(&server.mails()[0]);
    site.post("/auth/email/verify", json!({"token": token(&mail)})).await.expect(200);
    site.stop().await;
}

async fn l9_a_refused_mail_is_given_up_and_kept(site: &Site) {
    let server = SmtpServer::plain().await;
    let site = mailing(site, &server).await;
    site.newcomer().await;
    server.behave(Manners::Refuse(550));
    let handled = deliver(&site).await;
    assert!(matches!(handled[0].delivery, Delivery::Dead { .. }), "{handled:?}");
    assert_eq!(site.rows("outbox WHERE state = 'dead' AND error LIKE '%550%'").await, 1);

    // As is one that was tried too often.
    site.newcomer().await;
    server.behave(Manners::Refuse(421));
    for _ in 0..3 {
        assert_eq!(deliver(&site).await.len(), 1);
        assert_eq!(server.mails().len(), 0);
        if site.rows("outbox WHERE state = 'queued'").await > 0 {
            hurry(&site).await;
        }
    }
    assert_eq!(site.rows("outbox WHERE state = 'dead'").await, 2);
    site.stop().await;
}

async fn l9_a_worker_that_dies_after_handing_over_sends_the_same_mail_again(site: &Site) {
    let server = SmtpServer::plain().await;
    let site = mailing(site, &server).await;
    site.newcomer().await;
    server.behave(Manners::Hold);
    let office = site.running.node().post_office.clone();
    let claimed = office.claim(10).await.unwrap();
    let dying = tokio::spawn(async move { office.deliver(&claimed[0]).await });
    while server.mails().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());

    server.behave(Manners::Accept);
    // Nobody else touches the mail until the claim has run out.
    assert!(deliver(&site).await.is_empty());
    hurry(&site).await;
    assert_eq!(deliver(&site).await[0].delivery, Delivery::Sent);
    assert_eq!(site.rows("outbox WHERE state = 'queued'").await, 0);
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(message_id(&mails[0]), message_id(&mails[1]));
    assert_eq!(token(&joined(&mails[0])), token(&joined(&mails[1])));
    site.post("/auth/email/verify", json!({"token": token(&joined(&mails[0]))})).await.expect(200);
    site.stop().await;
}
