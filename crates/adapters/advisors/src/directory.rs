use std::collections::HashMap;
use std::sync::Arc;

use tenantry_readings::{Provider, ProviderName, Providers, Route};

/// The providers that the operator has set up, by their names.
#[derive(Default)]
pub struct Directory(HashMap<ProviderName, Arc<dyn Provider>>);

impl Directory {
    /// A directory of these.
    #[must_use]
    pub fn new(providers: HashMap<ProviderName, Arc<dyn Provider>>) -> Self {
        Self(providers)
    }
}

impl Providers for Directory {
    fn of(&self, route: &Route) -> Option<&dyn Provider> {
        self.0.get(&route.provider).map(AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use tenantry_readings::ModelName;

    use super::*;
    use crate::Offline;

    #[test]
    fn providers_are_found_by_their_names() {
        let named = |name: &str| ProviderName::parse(name).unwrap();
        let offline: Arc<dyn Provider> = Arc::new(Offline);
        let directory = Directory::new(HashMap::from([(named("offline"), offline)]));
        let route = |name| Route { provider: named(name), model: ModelName::parse("any").unwrap() };
        assert!(directory.of(&route("offline")).is_some());
        assert!(directory.of(&route("other")).is_none());
    }
}
