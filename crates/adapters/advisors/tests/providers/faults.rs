//! How providers fail.

use std::time::Duration;

use tenantry_advisors::ServerOptions;
use tenantry_readings::{ProviderError, Usage};
use wiremock::ResponseTemplate;

use crate::format::{Act, FORMATS, Format, Heard, KEY, ask};

/// What comes of an answer with this status.
async fn answered(format: Format, response: ResponseTemplate) -> ProviderError {
    let server = format.server_with(response.set_body_string("What not to be seen?")).await;
    let heard = ask(&*format.provider(&server.uri())).await;
    assert_eq!(server.received_requests().await.unwrap().len(), 1, "nothing is sent twice");
    let error = heard.end.unwrap_err();
    let shown = format!("{error:?} {error}");
    assert!(!shown.contains(KEY) && !shown.contains("seen"), "{shown}");
    error
}

async fn heard(format: Format, body: impl Into<Vec<u8>>) -> Heard {
    let response = ResponseTemplate::new(200).set_body_raw(body, format.content_type());
    let server = format.server_with(response).await;
    ask(&*format.provider(&server.uri())).await
}

#[tokio::test]
async fn a_provider_that_wants_patience_says_for_how_long() {
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    for format in FORMATS {
        for status in [429, 500, 503, 529] {
            let plain = ResponseTemplate::new(status);
            let told = plain.clone().insert_header("retry-after", "7");
            let dated = plain
                .clone()
                .insert_header("date", "Sun, 06 Nov 1994 08:49:37 GMT")
                .insert_header("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT");
            for (response, retry_after) in [(plain, None), (told, seconds(7)), (dated, seconds(30))] {
                let expected = match status {
                    429 => ProviderError::Throttled { retry_after },
                    status => ProviderError::Unavailable { status, retry_after },
                };
                assert_eq!(answered(format, response).await, expected, "{format:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_provider_that_refuses_is_not_asked_again() {
    for format in FORMATS {
        for status in [400, 401, 403, 404, 413, 422] {
            assert_eq!(answered(format, ResponseTemplate::new(status)).await, ProviderError::Refused { status });
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for format in FORMATS {
        let other = format.server(&[Act::Text("text"), Act::End]).await;
        for status in [301, 302, 307, 308] {
            let location = format!("{}{}", other.uri(), format.path());
            let redirect = ResponseTemplate::new(status).insert_header("location", location);
            assert_eq!(answered(format, redirect).await, ProviderError::Refused { status }, "{format:?}");
        }
        assert!(other.received_requests().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    for format in FORMATS {
        assert_eq!(ask(&*format.provider(&format!("http://{address}"))).await.end, Err(ProviderError::Unreachable));
        // Somebody who speaks no TLS.
        let server = format.server(&[Act::End]).await;
        let secured = server.uri().replace("http:", "https:");
        assert_eq!(ask(&*format.provider(&secured)).await.end, Err(ProviderError::Unreachable));
    }
}

#[tokio::test]
async fn a_connection_has_a_deadline() {
    // One that takes connections and says nothing: TLS never comes about.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    for format in FORMATS {
        let base_url = format!("https://{}/v1", listener.local_addr().unwrap());
        let connect_timeout = Duration::from_millis(100);
        let provider = format.provider_with(ServerOptions { connect_timeout, ..ServerOptions::new(base_url) });
        assert_eq!(ask(&*provider).await.end, Err(ProviderError::Unreachable));
    }
}

#[tokio::test]
async fn a_failure_that_is_told_is_one_whatever_was_told_before() {
    let usage = Some(Usage { prompt_tokens: 5, completion_tokens: 6, cost: None });
    for format in FORMATS {
        let begun = [Act::Text("The beg"), Act::Took("5", "6", "null"), Act::Fails, Act::End];
        let heard = heard(format, format.body(&begun)).await;
        assert_eq!((heard.usage, heard.end), (usage, Err(ProviderError::Failed)), "{format:?}");
        assert_eq!(heard.text, "The beg", "{format:?}");
    }
}

#[tokio::test]
async fn an_answer_that_was_cut_at_its_most_tokens_is_not_whole() {
    let usage = Some(Usage { prompt_tokens: 5, completion_tokens: 6, cost: None });
    for format in FORMATS {
        let heard =
            heard(format, format.body(&[Act::Text("The beg"), Act::Took("5", "6", "null"), Act::Cut, Act::End]));
        let heard = heard.await;
        assert_eq!((heard.text.as_str(), heard.usage), ("The beg", usage), "{format:?}");
        assert_eq!(heard.end, Err(ProviderError::BrokenOff), "{format:?}");
    }
}

#[tokio::test]
async fn no_text_is_no_answer() {
    for format in FORMATS {
        let heard = heard(format, format.body(&[Act::Unknown, Act::Took("5", "0", "null"), Act::End])).await;
        assert_eq!(heard.end, Err(ProviderError::Failed), "{format:?}");
        assert!(heard.usage.is_some());
    }
}

#[tokio::test]
async fn other_ways_to_tell_a_failure_are_known() {
    let chat = Format { is_chat: true, streams: true };
    let responses = Format { is_chat: false, streams: true };
    for (format, body) in [
        (chat, "event: error\ndata: {\"message\": \"no\"}\n\n"),
        (
            chat,
            "data: {\"choices\": [{\"delta\": {\"content\": \"a\"}, \"finish_reason\": \"error\"}]}\n\ndata: [DONE]\n\n",
        ),
        (responses, "data: {\"type\": \"error\", \"message\": \"no\"}\n\n"),
        (responses, "event: error\ndata: {\"message\": \"no\"}\n\n"),
        (responses, "data: {\"error\": {\"message\": \"no\"}}\n\ndata: [DONE]\n\n"),
        (responses, "data: {\"type\": \"response.failed\"}\n\n"),
        (responses, "data: {\"type\": \"response.cancelled\", \"response\": {\"status\": \"cancelled\"}}\n\n"),
    ] {
        assert_eq!(heard(format, body).await.end, Err(ProviderError::Failed), "{body}");
    }
    for status in ["queued", "in_progress", "cancelled", "failed"] {
        let body = format!("{{\"status\": \"{status}\", \"output\": []}}");
        let heard = heard(Format { is_chat: false, streams: false }, body).await;
        assert_eq!(heard.end, Err(ProviderError::Failed), "{status}");
    }
}

#[tokio::test]
async fn what_can_t_be_read_is_malformed() {
    for format in FORMATS {
        let broken: &[&[u8]] = if format.streams {
            &[
                b"data: {\"choices\": [}\n\n",
                b"data: hello\n\n",
                b"data: 7\n\n",
                b"data: {\"type\": \"response.output_text.delta\", \"choices\": 7}\n\n",
                b"data: {\"type\": \"response.output_text.delta\", \"delta\": \"\xff\xfe\", \"choices\": [{\"delta\": {\"content\": \"\xff\"}}]}\n\n",
            ]
        } else {
            &[b"{]", b"hello", b"7", b"{}", b"[]", b"\xff", b"<html>"]
        };
        for body in broken {
            let heard = heard(format, *body).await;
            assert_eq!(heard.end, Err(ProviderError::Malformed), "{format:?} {}", String::from_utf8_lossy(body));
        }
    }
}

#[tokio::test]
async fn what_never_ends_is_not_kept() {
    let mebibyte = 1024 * 1024;
    for format in FORMATS {
        let endless = "x".repeat(if format.streams { mebibyte + 10 } else { 17 * mebibyte });
        let heard_one = heard(format, format!("data: {endless}\n\n")).await;
        assert_eq!(heard_one.end, Err(ProviderError::Malformed), "{format:?}");
        if format.streams {
            let comments = format!(": {}\n", "x".repeat(1_000)).repeat(17_000);
            assert_eq!(heard(format, comments).await.end, Err(ProviderError::Malformed), "{format:?}");
        }
    }
}
