//! Letters on their way into a folder and to a real socket.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use tenantry_identity::{Email, Letter, LinkToken, Mail, MailId, MailRefusal, ports::MailTransport};
use tenantry_kernel::{Clock as _, SystemClock, SystemIds};
use tenantry_testkit::smtp::{Manners, SmtpServer};

use crate::{DirectoryTransport, SmtpOptions, SmtpTransport, Stationery, StationeryOptions};

fn stationery() -> Stationery {
    let options = StationeryOptions {
        from: "The Product <no-reply@example.com>".to_owned(),
        product: "The Product".to_owned(),
        base_url: "https://app.example.com".to_owned(),
    };
    Stationery::new(options).unwrap()
}

fn letter(mail: Mail) -> Letter {
    let to = Email::parse("ada@example.com").unwrap();
    Letter { id: MailId::generate(&SystemIds), to, mail, created_at: SystemClock.now() }
}

fn reset() -> Letter {
    let token = LinkToken::parse(&"t".repeat(LinkToken::LENGTH)).unwrap();
    letter(Mail::ResetPassword { token, expires_at: SystemClock.now() })
}

fn smtp(server: &SmtpServer, url: &str) -> SmtpTransport {
    let url = url.replace("PORT", &server.port.to_string()).parse().unwrap();
    let options = SmtpOptions { url, authorities: None, timeout: Duration::from_millis(700) };
    SmtpTransport::new(stationery(), &options).unwrap()
}

const PLAIN: &str = "smtp://127.0.0.1:PORT?starttls=off";

/// The body, without what quoted-printable does to long lines.
fn joined(mail: &str) -> String {
    mail.replace("=\r\n", "").replace("=3D", "=")
}

#[tokio::test]
async fn a_file_a_letter_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("data/mail");
    let transport = DirectoryTransport::new(stationery(), directory.clone());
    let letter = reset();
    transport.send(&letter).await.unwrap();
    // Once more replaces it.
    transport.send(&letter).await.unwrap();
    let names: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [format!("{}.eml", letter.id).as_str()]);
    let path = directory.join(&names[0]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    let text = joined(&fs::read_to_string(path).unwrap());
    for part in [
        &format!("Message-ID: <{}@example.com>\r\n", letter.id),
        "From: \"The Product\" <no-reply@example.com>\r\n",
        "To: ada@example.com\r\n",
        "Subject: The Product: choose a new password\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Content-Type: text/plain",
        "Content-Type: text/html",
        &format!("\r\nhttps://app.example.com/reset-password#token={}\r\n", "t".repeat(43)),
        &format!("<a href=\"https://app.example.com/reset-password#token={}\">", "t".repeat(43)),
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[tokio::test]
async fn a_full_or_missing_disk_is_no_final_refusal() {
    let transport = DirectoryTransport::new(stationery(), "/proc/no/such/folder".into());
    assert!(matches!(transport.send(&reset()).await, Err(MailRefusal::Temporary(_))));
}

#[tokio::test]
async fn a_name_with_line_breaks_makes_no_header() {
    let server = SmtpServer::plain().await;
    let token = LinkToken::parse(&"t".repeat(LinkToken::LENGTH)).unwrap();
    let mail = Mail::Invitation {
        organization_name: "Engines\r\nBcc: eve@example.com\r\n\r\n<b>hello</b>".to_owned(),
        inviter_name: "Bob\r\n.\r\nMAIL FROM:<eve@example.com>".to_owned(),
        role: "MEMBER".to_owned(),
        token,
        expires_at: SystemClock.now(),
    };
    smtp(&server, PLAIN).send(&letter(mail)).await.unwrap();
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    let (head, body) = mails[0].split_once("\r\n\r\n").unwrap();
    assert!(!head.contains("\r\nBcc:"), "{head}");
    let html = joined(body.split_once("Content-Type: text/html").unwrap().1);
    assert!(!html.contains("<b>") && html.contains("&lt;b&gt;hello"), "{html}");
}

#[tokio::test]
async fn what_the_server_says_decides_about_another_try() {
    let server = SmtpServer::plain().await;
    let transport = smtp(&server, PLAIN);
    for (code, is_final) in
        [(421, false), (450, false), (452, false), (550, true), (553, true), (530, false), (535, false)]
    {
        server.behave(Manners::Refuse(code));
        let error = transport.send(&reset()).await.unwrap_err();
        assert_eq!(matches!(error, MailRefusal::Permanent(_)), is_final, "{code}: {error:?}");
        let text = format!("{error:?}");
        assert!(text.contains(&code.to_string()) && !text.contains("ada@"), "{text}");
    }
    for manners in [Manners::HangUp, Manners::SwallowAnswer, Manners::Silence] {
        server.behave(manners);
        let error = transport.send(&reset()).await.unwrap_err();
        assert!(matches!(error, MailRefusal::Temporary(_)), "{manners:?}: {error:?}");
    }
    server.behave(Manners::Accept);
    transport.send(&reset()).await.unwrap();
    drop(server);
}

#[tokio::test]
async fn a_server_that_is_away_is_no_final_refusal() {
    let server = SmtpServer::plain().await;
    let transport = smtp(&server, PLAIN);
    drop(server);
    assert!(matches!(transport.send(&reset()).await, Err(MailRefusal::Temporary(_))));
}

#[tokio::test]
async fn starttls_is_insisted_on_and_the_certificate_is_checked() {
    let plain = SmtpServer::plain().await;
    let stripped = smtp(&plain, "smtp://localhost:PORT").send(&reset()).await;
    assert!(matches!(stripped, Err(MailRefusal::Temporary(_))), "{stripped:?}");
    assert!(plain.mails().is_empty() && plain.connections() == 1);

    let server = SmtpServer::with_starttls().await;
    let unknown = smtp(&server, "smtp://localhost:PORT").send(&reset()).await;
    assert!(matches!(unknown, Err(MailRefusal::Temporary(_))), "{unknown:?}");
    assert!(server.mails().is_empty());

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    fs::write(&path, server.certificate.as_ref().unwrap()).unwrap();
    let with = |host: &str| {
        let url = format!("smtp://{host}:{}", server.port).parse().unwrap();
        let options = SmtpOptions { url, authorities: Some(path.clone()), timeout: Duration::from_secs(5) };
        SmtpTransport::new(stationery(), &options).unwrap()
    };
    with("localhost").send(&reset()).await.unwrap();
    assert_eq!(server.mails().len(), 1);
    let other_name = with("127.0.0.1").send(&reset()).await;
    assert!(matches!(other_name, Err(MailRefusal::Temporary(_))), "{other_name:?}");
}
