//! Connections that break, crawl, or are given up.

use std::time::Duration;

use tenantry_readings::{AnswerEvent, Provider, ProviderError};
use tokio::io::AsyncWriteExt as _;

use crate::format::{Act, FORMATS, Format, ask, model, prompt};
use crate::tcp;

const TEXT: &str = "Die Kr\u{e4}fte: \u{65e5}\u{672c} \u{1f600}.";

fn whole() -> Vec<Act> {
    vec![
        Act::Text("Die Kr\u{e4}fte: \u{65e5}"),
        Act::Text("\u{672c} \u{1f600}."),
        Act::Took("1", "2", "null"),
        Act::End,
    ]
}

/// Cut at every single byte: within characters, numbers, lines and marks of the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_cut_anywhere_is_broken_off() {
    for format in FORMATS {
        let body = format.body(&whole());
        let complete = body.trim_end().len();
        let (listener, url) = tcp::listen().await;
        let provider = format.provider(&url);
        for end in 0..=body.len() {
            let serve = async {
                let mut socket = tcp::accept(&listener).await;
                tcp::begin(&mut socket, format.content_type()).await;
                socket.write_all(&body.as_bytes()[..end]).await.unwrap();
                // Whoever has heard enough may be gone by now.
                let _ = socket.shutdown().await;
                tcp::closed(&mut socket).await;
            };
            let (heard, ()) = tokio::join!(ask(&*provider), serve);
            let expected = if end < complete { Err(ProviderError::BrokenOff) } else { Ok(()) };
            assert_eq!(heard.end, expected, "{format:?} {:?}", &String::from_utf8_lossy(&body.as_bytes()[..end]));
            assert!(TEXT.starts_with(&heard.text), "{format:?} {end}: {}", heard.text);
            assert_eq!(heard.text == TEXT, heard.text.len() == TEXT.len());
        }
    }
}

/// The same where HTTP knows that something is missing, and where the connection is reset.
#[tokio::test]
async fn a_connection_that_breaks_is_broken_off() {
    for format in FORMATS {
        let body = format.body(&whole());
        let (begun, _) = body.as_bytes().split_at(body.find('\u{1f600}').unwrap() + 2);
        for is_reset in [false, true] {
            let (listener, url) = tcp::listen().await;
            let serve = async {
                let mut socket = tcp::accept(&listener).await;
                tcp::begin_chunked(&mut socket, format.content_type()).await;
                tcp::chunk(&mut socket, begun).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
                if is_reset {
                    socket.set_zero_linger().unwrap();
                }
            };
            let provider = format.provider(&url);
            let (heard, ()) = tokio::join!(ask(&*provider), serve);
            assert_eq!(heard.end, Err(ProviderError::BrokenOff), "{format:?} {is_reset}");
        }
        let (listener, url) = tcp::listen().await;
        let provider = format.provider(&url);
        let (heard, ()) = tokio::join!(ask(&*provider), async { drop(tcp::accept(&listener).await) });
        assert_eq!(heard.end, Err(ProviderError::BrokenOff), "{format:?}: nothing was answered");
    }
}

/// Byte by byte, so that every character, line and mark comes in pieces.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_crawls_is_told_whole() {
    for format in FORMATS {
        let body = format.body(&whole());
        let (listener, url) = tcp::listen().await;
        let serve = async {
            let mut socket = tcp::accept(&listener).await;
            tcp::begin_chunked(&mut socket, format.content_type()).await;
            for byte in body.as_bytes() {
                tcp::chunk(&mut socket, &[*byte]).await;
                tokio::task::yield_now().await;
            }
            socket.write_all(b"0\r\n\r\n").await.unwrap();
        };
        let provider = format.provider(&url);
        let (heard, ()) = tokio::join!(ask(&*provider), serve);
        assert_eq!((heard.text.as_str(), heard.end), (TEXT, Ok(())), "{format:?}");
    }
}

/// Pieces are told when they come, not when the answer is over; and whoever waits in vain may come back.
#[tokio::test]
async fn pieces_are_told_at_once() {
    for format in FORMATS.into_iter().filter(|format| format.streams) {
        let (listener, url) = tcp::listen().await;
        let provider = format.provider(&url);
        let (model, prompt) = (model(), prompt("Why?"));
        let (answer, mut socket) = tokio::join!(provider.ask(&model, &prompt), async {
            let mut socket = tcp::accept(&listener).await;
            tcp::begin_chunked(&mut socket, format.content_type()).await;
            socket
        });
        let mut answer = answer.unwrap();
        for text in ["one", "two"] {
            let wait = Duration::from_millis(20);
            assert!(tokio::time::timeout(wait, answer.next()).await.is_err(), "nothing has come");
            let event = format.body(&[Act::Text(text)]);
            let (begun, rest) = event.as_bytes().split_at(event.len() / 2);
            tcp::chunk(&mut socket, begun).await;
            assert!(tokio::time::timeout(wait, answer.next()).await.is_err(), "half of it has come");
            tcp::chunk(&mut socket, rest).await;
            assert_eq!(answer.next().await, Ok(Some(AnswerEvent::Text(text.to_owned()))), "{format:?}");
        }
    }
}

/// The provider sees at once that nobody wants the answer any more, whether it has begun or not.
#[tokio::test]
async fn dropping_an_answer_closes_its_connection() {
    for format in FORMATS {
        for has_begun in [false, true] {
            let (listener, url) = tcp::listen().await;
            let asked = tokio::spawn(async move { give_up(format, &url, has_begun).await });
            let mut socket = tcp::accept(&listener).await;
            if has_begun {
                tcp::begin_chunked(&mut socket, format.content_type()).await;
                tcp::chunk(&mut socket, format.body(&[Act::Text("The beg")]).as_bytes()).await;
            }
            let provider = asked.await.unwrap();
            let waited = tokio::time::timeout(Duration::from_secs(1), tcp::closed(&mut socket)).await;
            assert!(waited.is_ok(), "{format:?} {has_begun}: the connection is still there");
            drop(provider);
        }
    }
}

/// Asks, waits for a while, and drops what is there; the provider stays.
async fn give_up(format: Format, url: &str, has_begun: bool) -> Box<dyn Provider> {
    let provider = format.provider(url);
    let (model, prompt) = (model(), prompt("Why?"));
    let wait = Duration::from_millis(50);
    let asked = tokio::time::timeout(wait, provider.ask(&model, &prompt)).await;
    assert_eq!(asked.is_ok(), has_begun);
    if let Ok(answer) = asked {
        let mut answer = answer.unwrap();
        if format.streams {
            assert_eq!(answer.next().await, Ok(Some(AnswerEvent::Text("The beg".to_owned()))));
        }
        assert!(tokio::time::timeout(wait, answer.next()).await.is_err());
    }
    provider
}

/// A connection whose answer was heard out serves the next one.
#[tokio::test]
async fn a_connection_is_used_again() {
    for format in FORMATS {
        let (listener, url) = tcp::listen().await;
        let provider = format.provider(&url);
        let body = format.body(&whole());
        let serve = async {
            let mut socket = tcp::accept(&listener).await;
            for _ in 0..3 {
                tcp::begin_chunked(&mut socket, format.content_type()).await;
                tcp::chunk(&mut socket, body.as_bytes()).await;
                socket.write_all(b"0\r\n\r\n").await.unwrap();
                tcp::next_request(&mut socket).await;
            }
        };
        let ask_thrice = async {
            for _ in 0..3 {
                assert_eq!(ask(&*provider).await.end, Ok(()), "{format:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            () = serve => {}
            () = ask_thrice => {}
            () = tokio::time::sleep(Duration::from_secs(5)) => panic!("{format:?}: a second connection was made"),
        }
    }
}
