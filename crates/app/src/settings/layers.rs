//! Merges the sources. The defaults name every setting and its type; what other sources say is held against them.

use std::collections::BTreeMap;
use std::path::Path;

use config::{Config, ConfigError, File, FileFormat, Map, Source, Value, ValueKind};
use serde::de::DeserializeOwned;

use super::variables::Entry;
use super::{Profile, SettingsError, Variables};

const DEFAULTS: &str = include_str!("../../../../config/default.toml");
const DEVELOPMENT: &str = include_str!("../../../../config/development.toml");
const PRODUCTION: &str = include_str!("../../../../config/production.toml");

/// Settings by their dotted names.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer(pub(super) BTreeMap<String, Value>);

/// The defaults, in their part as the list of all settings.
pub(super) struct Schema(Layer);

/// The defaults under the profile's own (both compiled in, so that a lone binary is safe in production too), under the
/// profile's file in `directory`, under the environment.
pub(super) fn merge(profile: Profile, variables: &Variables, directory: &Path) -> Result<Layer, SettingsError> {
    let schema = Schema::compiled_in()?;
    let mut merged = schema.0.clone();
    let name = format!("{profile}.toml");
    merged.0.extend(schema.read(&Path::new("config").join(&name), &compiled_in(profile))?.0);
    let path = directory.join(&name);
    if path.exists() {
        merged.0.extend(schema.read(&path, &File::from(path.as_path()).format(FileFormat::Toml))?.0);
    }
    for entry in variables.entries(&schema)? {
        let value = schema.typed(&entry)?;
        merged.0.insert(entry.key, value);
    }
    Ok(merged)
}

/// What the profile changes of the defaults.
fn compiled_in(profile: Profile) -> impl Source {
    let text = match profile {
        Profile::Development => DEVELOPMENT,
        Profile::Production => PRODUCTION,
        Profile::Test => "",
    };
    File::from_str(text, FileFormat::Toml)
}

pub(super) fn deserialize<T: DeserializeOwned>(layer: Layer) -> Result<T, SettingsError> {
    let merged = Config::builder().add_source(layer).build().and_then(Config::try_deserialize);
    merged.map_err(|error| SettingsError::Mismatch(sentence(&error)))
}

/// Begins with the setting. The types have been compared before, so that a number of a wrong type is out of range.
fn sentence(error: &ConfigError) -> String {
    match error {
        ConfigError::Type { key: Some(key), unexpected, .. } => format!("{key}: {unexpected} is out of range"),
        ConfigError::At { key: Some(key), error, .. } => format!("{key}: {error}"),
        other => other.to_string(),
    }
}

/// The error about a setting that is not among the defaults.
pub(super) fn unknown(schema: &Schema, key: String, origin: &str) -> SettingsError {
    let section = key.split_once('.').map_or("", |(section, _)| section);
    let keys = schema.0.0.keys().filter_map(|known| known.split_once('.'));
    let names: Vec<&str> = keys.clone().filter_map(|(of, name)| (of == section).then_some(name)).collect();
    let known = if names.is_empty() {
        let mut sections: Vec<&str> = keys.map(|(section, _)| section).collect();
        sections.dedup();
        format!("the sections are {}", sections.join(", "))
    } else {
        format!("{section} has {}", names.join(", "))
    };
    SettingsError::UnknownSetting { key, origin: origin.to_owned(), known }
}

impl Schema {
    fn compiled_in() -> Result<Self, SettingsError> {
        let path = Path::new("config/default.toml");
        collect(path, &File::from_str(DEFAULTS, FileFormat::Toml)).map(Self)
    }

    pub(super) fn contains(&self, key: &str) -> bool {
        self.0.0.contains_key(key)
    }

    fn read(&self, path: &Path, source: &impl Source) -> Result<Layer, SettingsError> {
        let layer = collect(path, source)?;
        for (key, value) in &layer.0 {
            let origin = path.display().to_string();
            let default = self.0.0.get(key).ok_or_else(|| unknown(self, key.clone(), &origin))?;
            if expected(&default.kind) != expected(&value.kind) {
                return Err(SettingsError::WrongType {
                    setting: key.clone(),
                    expected: expected(&default.kind),
                    origin,
                });
            }
        }
        Ok(layer)
    }

    /// A text of the environment as a value of the setting's type.
    fn typed(&self, entry: &Entry) -> Result<Value, SettingsError> {
        let kind = self.0.0.get(&entry.key).map(|default| &default.kind);
        let kind = kind.ok_or_else(|| unknown(self, entry.key.clone(), &entry.origin))?;
        let parsed = match kind {
            ValueKind::Boolean(_) => entry.text.to_lowercase().parse().ok().map(ValueKind::Boolean),
            ValueKind::I64(_) => entry.text.trim().parse().ok().map(ValueKind::I64),
            ValueKind::Array(_) => Some(comma_list(&entry.text)),
            _ => Some(ValueKind::String(entry.text.clone())),
        };
        let value = parsed.ok_or_else(|| SettingsError::WrongType {
            setting: entry.key.clone(),
            expected: expected(kind),
            origin: entry.origin.clone(),
        })?;
        Ok(Value::new(Some(&entry.origin), value))
    }
}

/// The crate would take "on" for a number and round 8000.5, so types are compared here.
fn expected(kind: &ValueKind) -> &'static str {
    match kind {
        ValueKind::Boolean(_) => "true or false",
        ValueKind::I64(_) => "a whole number",
        ValueKind::String(_) => "a string",
        ValueKind::Array(_) => "a list of strings",
        _ => "of another type",
    }
}

fn comma_list(text: &str) -> ValueKind {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    ValueKind::Array(items.map(Value::from).collect())
}

fn collect(path: &Path, source: &impl Source) -> Result<Layer, SettingsError> {
    let table = source
        .collect()
        .map_err(|error| SettingsError::File { path: path.to_owned(), problem: without_source_lines(&error) })?;
    let mut layer = Layer::default();
    flatten("", table, &mut layer);
    Ok(layer)
}

/// A parser's message quotes the line at fault, which may hold a secret.
fn without_source_lines(error: &ConfigError) -> String {
    let text = error.to_string();
    let lines = text.lines().filter(|line| !line.contains('|'));
    lines.collect::<Vec<_>>().join(", ")
}

fn flatten(prefix: &str, table: Map<String, Value>, layer: &mut Layer) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value.kind {
            ValueKind::Table(table) => flatten(&key, table, layer),
            _ => drop(layer.0.insert(key, value)),
        }
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone().into_iter().collect())
    }
}
