//! Answers that are well.

use tenantry_readings::{Citation, NanoUsd, Usage};
use wiremock::ResponseTemplate;

use crate::format::{Act, FORMATS, Format, ask};

fn citation(url: &str, title: Option<&str>) -> Citation {
    Citation { url: url.to_owned(), title: title.map(str::to_owned) }
}

fn took(prompt_tokens: u64, completion_tokens: u64, nanos: Option<i64>) -> Usage {
    Usage { prompt_tokens, completion_tokens, cost: nanos.map(NanoUsd::from_nanos) }
}

#[tokio::test]
async fn an_answer_is_told_whole() {
    let acts = [
        Act::Unknown,
        Act::Text("The strengths \u{2014} "),
        Act::Cites("https://a.example/1", "One"),
        Act::Unknown,
        Act::Text("\u{65e5}\u{672c} \u{1f600}\n\n\"data: [DONE]\""),
        Act::Text(" end."),
        Act::Found("https://a.example/2", "Two"),
        Act::Took("12", "34", r#"{"currency": "USD", "input_cost": 0.001, "total_cost": 0.00503}"#),
        Act::End,
        Act::Text("behind the end"),
    ];
    for format in FORMATS {
        // What stands behind an end has no place in an answer that comes whole.
        let acts = if format.streams { &acts[..] } else { &acts[..acts.len() - 1] };
        let server = format.server(acts).await;
        let heard = ask(&*format.provider(&server.uri())).await;
        assert_eq!(heard.end, Ok(()), "{format:?}");
        assert_eq!(
            heard.text, "The strengths \u{2014} \u{65e5}\u{672c} \u{1f600}\n\n\"data: [DONE]\" end.",
            "{format:?}"
        );
        let citations = [citation("https://a.example/1", Some("One")), citation("https://a.example/2", Some("Two"))];
        assert_eq!(heard.citations, citations, "{format:?}");
        assert_eq!(heard.usage, Some(took(12, 34, Some(5_030_000))), "{format:?}");
    }
}

#[tokio::test]
async fn what_it_took_is_told_as_the_provider_says() {
    let missing: &[Act] = &[];
    for (acts, usage) in [
        (missing, None),
        (&[Act::Took("0", "0", "0")], Some(took(0, 0, Some(0)))),
        (&[Act::Took("0", "0", "null")], Some(took(0, 0, None))),
        (&[Act::Took("1", "2", "0.1"), Act::Took("3", "4", "3e-10")], Some(took(3, 4, Some(1)))),
        (&[Act::Took("3", "4", "1"), Act::Took("0", "0", "0")], Some(took(0, 0, Some(0)))),
    ] {
        for format in FORMATS {
            let acts = [&[Act::Text("text")], acts, &[Act::End]].concat();
            let server = format.server(&acts).await;
            let heard = ask(&*format.provider(&server.uri())).await;
            assert_eq!((heard.usage, heard.end), (usage, Ok(())), "{format:?} {acts:?}");
        }
    }
}

#[tokio::test]
async fn sources_are_told_once() {
    let acts = [
        Act::Found("https://a.example/1", "One"),
        Act::Text("text"),
        Act::Cites("https://a.example/1", "Another"),
        Act::Cites("javascript:alert(1)", "No"),
        Act::Cites("https://a.example/2", ""),
        Act::Found("https://a.example/1", "One"),
        Act::End,
    ];
    for format in FORMATS {
        let server = format.server(&acts).await;
        let heard = ask(&*format.provider(&server.uri())).await;
        let mut urls: Vec<_> = heard.citations.iter().map(|citation| citation.url.as_str()).collect();
        urls.sort_unstable();
        assert_eq!(urls, ["https://a.example/1", "https://a.example/2"], "{format:?}");
        assert_eq!(heard.citations.iter().find(|citation| citation.url.ends_with('2')).unwrap().title, None);
    }
}

/// Some servers can't stream, and some do nothing else.
#[tokio::test]
async fn an_answer_is_read_as_it_comes() {
    let acts = [Act::Text("text"), Act::Took("1", "2", "null"), Act::End];
    for format in FORMATS {
        let sent = Format { streams: !format.streams, ..format };
        let server = format.server_with(ResponseTemplate::new(200).set_body_raw(sent.body(&acts), sent.content_type()));
        let heard = ask(&*format.provider(&server.await.uri())).await;
        assert_eq!(
            (heard.text.as_str(), heard.usage, heard.end),
            ("text", Some(took(1, 2, None)), Ok(())),
            "{format:?}"
        );
    }
}

/// Text that only the end of a stream tells is not lost.
#[tokio::test]
async fn a_response_without_pieces_has_its_text_at_the_end() {
    let format = Format { is_chat: false, streams: true };
    let body = format.body(&[Act::Text("text"), Act::Cites("https://a.example", "A"), Act::End]);
    let end = body.split_inclusive("\n\n").last().unwrap().to_owned();
    let server = format.server_with(ResponseTemplate::new(200).set_body_raw(end, format.content_type())).await;
    let heard = ask(&*format.provider(&server.uri())).await;
    assert_eq!((heard.text.as_str(), heard.citations.len(), heard.end), ("text", 1, Ok(())));
}
