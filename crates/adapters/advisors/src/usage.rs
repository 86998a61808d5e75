use serde::Deserialize;
use serde_json::value::RawValue;
use tenantry_readings::{NanoUsd, Usage};

use crate::amount;

/// What an answer took, as both formats say it.
#[derive(Deserialize)]
struct Told<'a> {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    #[serde(borrow)]
    cost: Option<&'a RawValue>,
}

/// A cost in its parts, of which the total is one.
#[derive(Deserialize)]
struct Costs<'a> {
    #[serde(borrow)]
    total_cost: Option<&'a RawValue>,
    currency: Option<&'a str>,
}

/// What a provider says an answer took. What can't be understood was not said; an answer is not spoiled by it. Without a
/// cost, a number of tokens that is missing makes the other one worthless; with one, it counts as zero.
pub(crate) fn usage(json: Option<&RawValue>) -> Option<Usage> {
    let told: Told<'_> = serde_json::from_str(json?.get()).ok()?;
    let prompt_tokens = told.prompt_tokens.or(told.input_tokens);
    let completion_tokens = told.completion_tokens.or(told.output_tokens);
    let cost = told.cost.and_then(cost);
    match (prompt_tokens, completion_tokens, cost) {
        (Some(prompt_tokens), Some(completion_tokens), cost) => Some(Usage { prompt_tokens, completion_tokens, cost }),
        (prompt_tokens, completion_tokens, Some(_)) => Some(Usage {
            prompt_tokens: prompt_tokens.unwrap_or(0),
            completion_tokens: completion_tokens.unwrap_or(0),
            cost,
        }),
        (_, _, None) => None,
    }
}

/// A number of dollars, or an object with such a `total_cost`.
fn cost(json: &RawValue) -> Option<NanoUsd> {
    if !json.get().starts_with('{') {
        return amount::parse(json.get());
    }
    let costs: Costs<'_> = serde_json::from_str(json.get()).ok()?;
    let is_in_dollars = costs.currency.is_none_or(|currency| currency.eq_ignore_ascii_case("USD"));
    costs.total_cost.filter(|_| is_in_dollars).and_then(|total| amount::parse(total.get()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<(u64, u64, Option<i64>)> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        usage(Some(&raw)).map(|usage| (usage.prompt_tokens, usage.completion_tokens, usage.cost.map(NanoUsd::nanos)))
    }

    #[test]
    fn both_spellings_and_both_costs_are_known() {
        for (json, told) in [
            (r#"{"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}"#, (1, 2, None)),
            (r#"{"input_tokens": 1, "output_tokens": 2, "cost": null}"#, (1, 2, None)),
            (r#"{"input_tokens": 0, "output_tokens": 0, "cost": 0}"#, (0, 0, Some(0))),
            (r#"{"prompt_tokens": 1, "completion_tokens": 2, "cost": 1.23e-3}"#, (1, 2, Some(1_230_000))),
            (r#"{"prompt_tokens": 1, "completion_tokens": 2, "cost": {"total_cost": 0.1}}"#, (1, 2, Some(100_000_000))),
            (r#"{"cost": {"currency": "USD", "total_cost": 0.1}}"#, (0, 0, Some(100_000_000))),
            (r#"{"input_tokens": 1, "output_tokens": 2, "cost": {"currency": "EUR", "total_cost": 1}}"#, (1, 2, None)),
            (r#"{"input_tokens": 1, "output_tokens": 2, "cost": -1}"#, (1, 2, None)),
            (r#"{"input_tokens": 1, "output_tokens": 2, "cost": "free"}"#, (1, 2, None)),
        ] {
            assert_eq!(read(json), Some(told), "{json}");
        }
    }

    #[test]
    fn what_is_not_said_is_none() {
        for json in ["{}", "[]", "3", r#"{"prompt_tokens": 1}"#, r#"{"prompt_tokens": -1, "completion_tokens": 1}"#] {
            assert_eq!(read(json), None, "{json}");
        }
        assert_eq!(usage(None), None);
    }
}
