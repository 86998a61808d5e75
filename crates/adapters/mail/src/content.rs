use crate::html::escape;

/// What a letter says, before it is plain text or HTML.
pub(crate) struct Content {
    pub(crate) subject: String,
    /// One line each, without markup.
    pub(crate) paragraphs: Vec<String>,
    pub(crate) link: Option<Link>,
    /// What is to be said after the link.
    pub(crate) closing: Vec<String>,
}

/// Where the letter leads.
pub(crate) struct Link {
    pub(crate) label: &'static str,
    pub(crate) url: String,
}

impl Content {
    /// What people wrote into names must not begin a line of its own, let alone a header.
    pub(crate) fn subject(&self) -> String {
        single_line(&self.subject)
    }

    pub(crate) fn text(&self) -> String {
        let lines = self.paragraphs.iter().map(|line| single_line(line));
        let link = self.link.iter().map(|link| link.url.clone());
        let closing = self.closing.iter().map(|line| single_line(line));
        lines.chain(link).chain(closing).collect::<Vec<_>>().join("\r\n\r\n") + "\r\n"
    }

    pub(crate) fn html(&self) -> String {
        let paragraph = |line: &String| format!("<p>{}</p>\r\n", escape(&single_line(line)));
        let link = self.link.iter().map(|link| {
            let url = escape(&link.url);
            format!("<p><a href=\"{url}\">{}</a><br><small>{url}</small></p>\r\n", escape(link.label))
        });
        let body: String =
            self.paragraphs.iter().map(paragraph).chain(link).chain(self.closing.iter().map(paragraph)).collect();
        let title = escape(&self.subject());
        format!(
            "<!doctype html>\r\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\r\n\
             <body style=\"font-family: sans-serif\">\r\n{body}</body></html>\r\n"
        )
    }
}

fn single_line(text: &str) -> String {
    let separates = |character: char| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}');
    text.split(separates).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> Content {
        Content {
            subject: "Hello\r\nBcc: eve@example.com".to_owned(),
            paragraphs: vec!["<script>alert('&')</script>\n\nSecond \"line\"".to_owned()],
            link: Some(Link { label: "Go", url: "https://a.example/x#token=\"><b>".to_owned() }),
            closing: vec!["Bye.".to_owned()],
        }
    }

    #[test]
    fn nobody_writes_lines_of_their_own() {
        assert_eq!(content().subject(), "Hello Bcc: eve@example.com");
        assert!(content().text().starts_with("<script>alert('&')</script> Second \"line\"\r\n\r\nhttps://"));
    }

    #[test]
    fn nobody_writes_markup_of_their_own() {
        let html = content().html();
        assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
        assert!(html.contains("&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt; Second &quot;line&quot;"), "{html}");
        assert!(html.contains("href=\"https://a.example/x#token=&quot;&gt;&lt;b&gt;\""), "{html}");
    }
}
