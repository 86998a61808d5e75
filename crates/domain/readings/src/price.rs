use chrono::NaiveDate;

use crate::{ModelName, NanoUsd, ProviderName, Route};

/// What a model asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Price {
    /// For a million tokens that it is given.
    pub prompt_per_million: NanoUsd,
    /// For a million tokens that it writes.
    pub completion_per_million: NanoUsd,
    /// For each call: fees for searches and the like.
    pub per_call: NanoUsd,
}

impl Price {
    /// What a call with so many tokens costs.
    #[must_use]
    pub fn of(&self, prompt_tokens: u64, completion_tokens: u64) -> NanoUsd {
        let prompt = self.prompt_per_million.of_tokens(prompt_tokens);
        let completion = self.completion_per_million.of_tokens(completion_tokens);
        self.per_call.plus(prompt).plus(completion)
    }
}

/// What a model asks for from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatedPrice {
    /// Who runs the model.
    pub provider: ProviderName,
    /// The model.
    pub model: ModelName,
    /// The first day, in UTC.
    pub from: NaiveDate,
    /// From then on.
    pub price: Price,
}

/// The prices that are known. A model without one is not asked.
#[derive(Debug, Clone, Default)]
pub struct PriceTable(Vec<DatedPrice>);

impl PriceTable {
    /// These prices, in any order.
    #[must_use]
    pub fn new(prices: Vec<DatedPrice>) -> Self {
        Self(prices)
    }

    /// What the route's model asks for on a day: the latest of its prices that holds by then.
    #[must_use]
    pub fn on(&self, day: NaiveDate, route: &Route) -> Option<&DatedPrice> {
        let of_route = self.0.iter().filter(|known| known.provider == route.provider && known.model == route.model);
        of_route.filter(|known| known.from <= day).max_by_key(|known| known.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, day).unwrap()
    }

    fn route(model: &str) -> Route {
        Route { provider: ProviderName::parse("house").unwrap(), model: ModelName::parse(model).unwrap() }
    }

    fn dated(model: &str, from: u32, per_million: &str) -> DatedPrice {
        let Route { provider, model } = route(model);
        let price = Price { completion_per_million: per_million.parse().unwrap(), ..Price::default() };
        DatedPrice { provider, model, from: day(from), price }
    }

    #[test]
    fn the_latest_price_that_holds_is_taken() {
        let table = PriceTable::new(vec![dated("a", 10, "2"), dated("a", 1, "1"), dated("b", 1, "9")]);
        let price_on =
            |number| table.on(day(number), &route("a")).map(|known| known.price.of(0, 1_000_000).to_string());
        assert_eq!(price_on(1).as_deref(), Some("1"));
        assert_eq!(price_on(9).as_deref(), Some("1"));
        assert_eq!(price_on(10).as_deref(), Some("2"));
        assert_eq!(table.on(day(9), &route("c")), None);
    }

    #[test]
    fn a_price_of_tomorrow_is_none_today() {
        assert_eq!(PriceTable::new(vec![dated("a", 2, "1")]).on(day(1), &route("a")), None);
    }

    #[test]
    fn fees_are_added_to_tokens() {
        let [prompt_per_million, completion_per_million, per_call] =
            ["1", "2", "0.005"].map(|text| text.parse().unwrap());
        let price = Price { prompt_per_million, completion_per_million, per_call };
        assert_eq!(price.of(1_000, 500).to_string(), "0.007");
    }
}
