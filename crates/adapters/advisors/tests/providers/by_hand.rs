//! The suite's one look outside: a server that others wrote, by hand.

use secrecy::SecretString;
use tenantry_advisors::ServerOptions;
use tenantry_readings::ModelName;
use tenantry_testkit::environment;

use crate::format::{FORMATS, listen, prompt};

/// All formats with whatever server there is: `just readings-by-hand`. `TEST_PROVIDER_URL` is what its addresses begin
/// with, `TEST_PROVIDER_KEY` its key, `TEST_PROVIDER_MODEL` a model of it that always says `TEST_PROVIDER_ANSWER`.
#[tokio::test]
#[ignore = "needs a server of others"]
async fn a_server_of_others_is_understood() {
    let told = |name: &str| environment::variable(name).unwrap_or_else(|| panic!("{name} is not set"));
    let (url, key, answer) = (told("TEST_PROVIDER_URL"), told("TEST_PROVIDER_KEY"), told("TEST_PROVIDER_ANSWER"));
    let model = ModelName::parse(&told("TEST_PROVIDER_MODEL")).unwrap();
    for format in FORMATS {
        let provider = format.provider_with(ServerOptions {
            api_key: Some(SecretString::from(key.clone())),
            streams: format.streams,
            ..ServerOptions::new(&url)
        });
        let mut asked = provider.ask(&model, &prompt("What now?")).await.unwrap();
        let heard = listen(&mut *asked).await;
        println!("{format:?}: {heard:?}");
        assert_eq!((heard.text, heard.end), (answer.clone(), Ok(())), "{format:?}");
        let usage = heard.usage.unwrap();
        assert!(usage.prompt_tokens > 0 && usage.completion_tokens > 0, "{format:?}");
    }
}
