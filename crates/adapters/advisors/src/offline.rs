use async_trait::async_trait;
use tenantry_readings::{Answer, AnswerEvent, ModelName, NanoUsd, Prompt, Provider, ProviderError, Usage};

/// A provider that asks no model and needs no network: for trying things out, and for tests. Its answers say that they are
/// its own. The same question has the same answer, in the same pieces; a word counts as a token, and nothing costs
/// anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Offline;

impl Offline {
    /// The model that it lists. It answers whichever is asked for.
    pub const MODEL: &str = "offline";
}

#[async_trait]
impl Provider for Offline {
    async fn ask(&self, _: &ModelName, prompt: &Prompt) -> Result<Box<dyn Answer>, ProviderError> {
        let question = prompt.question.as_str();
        let pieces = [
            "This is an answer of the offline provider: no model was asked. ".to_owned(),
            format!("The question has {} words and {} characters. ", words(question), question.chars().count()),
            format!("It was: \u{201c}{question}\u{201d}"),
        ];
        let mut left = usize::try_from(prompt.max_completion_tokens).unwrap_or(usize::MAX);
        let mut events: Vec<_> = pieces
            .iter()
            .map(|piece| cut(piece, &mut left))
            .filter(|piece| !piece.is_empty())
            .map(|piece| AnswerEvent::Text(piece.to_owned()))
            .collect();
        let written = usize::try_from(prompt.max_completion_tokens).unwrap_or(usize::MAX).saturating_sub(left);
        let given = words(prompt.instructions.expose()).saturating_add(words(question));
        events.push(AnswerEvent::Usage(Usage {
            prompt_tokens: tokens(given),
            completion_tokens: tokens(written),
            cost: Some(NanoUsd::ZERO),
        }));
        Ok(Box::new(LocalAnswer(events.into_iter())))
    }
}

/// An answer that is there already.
struct LocalAnswer(std::vec::IntoIter<AnswerEvent>);

#[async_trait]
impl Answer for LocalAnswer {
    async fn next(&mut self) -> Result<Option<AnswerEvent>, ProviderError> {
        Ok(self.0.next())
    }
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

fn tokens(words: usize) -> u64 {
    u64::try_from(words).unwrap_or(u64::MAX)
}

/// As many words of a text as are left.
fn cut<'a>(text: &'a str, left: &mut usize) -> &'a str {
    let mut kept = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let is_word = !word.trim().is_empty();
        if is_word && *left == 0 {
            break;
        }
        kept += word.len();
        *left -= usize::from(is_word);
    }
    text.get(..kept).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use tenantry_readings::{Instructions, Question};

    use super::*;

    async fn answer(question: &str, max_completion_tokens: u32) -> (Vec<String>, Usage) {
        let prompt = Prompt {
            instructions: Instructions::parse("Be brief and secret.").unwrap(),
            question: Question::parse(question).unwrap(),
            temperature: None,
            max_completion_tokens,
        };
        let mut answer = Offline.ask(&ModelName::parse(Offline::MODEL).unwrap(), &prompt).await.unwrap();
        let (mut texts, mut usages) = (Vec::new(), Vec::new());
        while let Some(event) = answer.next().await.unwrap() {
            match event {
                AnswerEvent::Text(text) => texts.push(text),
                AnswerEvent::Usage(usage) => usages.push(usage),
                AnswerEvent::Citation(citation) => panic!("{citation:?}"),
            }
        }
        assert_eq!(answer.next().await, Ok(None));
        (texts, usages.pop().unwrap())
    }

    #[tokio::test]
    async fn an_answer_says_whose_it_is_and_is_the_same_again() {
        let (texts, usage) = answer("What  is \u{e4}?", 100).await;
        assert_eq!(
            texts.concat(),
            "This is an answer of the offline provider: no model was asked. The question has 3 words and 11 characters. \
             It was: \u{201c}What  is \u{e4}?\u{201d}"
        );
        assert!(texts.len() > 2);
        assert_eq!(usage, Usage { prompt_tokens: 7, completion_tokens: 25, cost: Some(NanoUsd::ZERO) });
        assert_eq!(answer("What  is \u{e4}?", 100).await, (texts, usage));
        assert_ne!(answer("What else?", 100).await.0, answer("What  is \u{e4}?", 100).await.0);
    }

    #[tokio::test]
    async fn an_answer_keeps_to_its_tokens() {
        let (texts, usage) = answer("What  is \u{e4}?", 4).await;
        assert_eq!((texts.concat().trim(), usage.completion_tokens), ("This is an answer", 4));
    }
}
