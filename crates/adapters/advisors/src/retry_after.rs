use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// The longest that a provider is left alone for: it may be wrong.
const MOST: Duration = Duration::from_hours(24);

/// How long a server wants to be left alone (RFC 9110, section 10.2.3), if it says so in one of the two ways. A date is
/// compared with the one of the answer, so that nobody's clock has to be right.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let wait = if is_number {
        text.parse().map_or(MOST, Duration::from_secs)
    } else {
        let until = date(headers, &RETRY_AFTER)?;
        (until - date(headers, &DATE)?).to_std().unwrap_or(Duration::ZERO)
    };
    Some(wait.min(MOST))
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc2822(headers.get(name)?.to_str().ok()?.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(value: &str, date: Option<&str>) -> Option<u64> {
        let mut headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        retry_after(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn both_forms_are_understood() {
        let now = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(told("7", None), Some(7));
        assert_eq!(told("0", now), Some(0));
        assert_eq!(told("Sun, 06 Nov 1994 08:50:07 GMT", now), Some(30));
        assert_eq!(told("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(0));
        for endless in ["99999999", "99999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            assert_eq!(told(endless, now), Some(86_400), "{endless}");
        }
    }

    #[test]
    fn what_is_neither_says_nothing() {
        assert_eq!(retry_after(&HeaderMap::new()), None);
        assert_eq!(told("Sun, 06 Nov 1994 08:50:07 GMT", None), None);
        for text in ["", "soon", "-1", "1.5"] {
            assert_eq!(told(text, Some("Sun, 06 Nov 1994 08:49:37 GMT")), None, "{text}");
        }
    }
}
