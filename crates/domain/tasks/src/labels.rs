use tenantry_kernel::{TextError, parse_text};

/// The labels of a task: at most 20, each of 1 to 50 characters, none twice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels(Vec<String>);

/// Labels were refused. The message fits after the name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LabelsError {
    /// More than [`Labels::MAX`].
    #[error("must have at most 20 labels")]
    TooMany,
    /// One of them is not a label.
    #[error("must hold labels that each {0}")]
    Label(#[from] TextError),
}

impl Labels {
    /// The most labels of a task.
    pub const MAX: usize = 20;
    /// The most characters of a label.
    pub const MAX_CHARACTERS: usize = 50;

    /// Parses labels, each trimmed; one that is named twice counts once.
    ///
    /// # Errors
    /// [`LabelsError`] says which rule was broken.
    pub fn parse(raw: &[String]) -> Result<Self, LabelsError> {
        if raw.len() > Self::MAX {
            return Err(LabelsError::TooMany);
        }
        let mut labels = Vec::with_capacity(raw.len());
        for label in raw {
            let label = parse_text(label, 1, Self::MAX_CHARACTERS)?;
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
        Ok(Self(labels))
    }

    /// The labels as they were stored.
    #[must_use]
    pub fn from_stored(labels: Vec<String>) -> Self {
        Self(labels)
    }

    /// The labels.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// The labels, owned.
    #[must_use]
    pub fn into_vec(self) -> Vec<String> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(raw: &[&str]) -> Vec<String> {
        raw.iter().map(|label| (*label).to_owned()).collect()
    }

    #[test]
    fn are_trimmed_unique_and_bounded() {
        assert_eq!(Labels::parse(&owned(&[" home ", "home", "work"])).unwrap().as_slice(), ["home", "work"]);
        assert_eq!(Labels::parse(&owned(&["x"; 21])), Err(LabelsError::TooMany));
        assert!(matches!(Labels::parse(&owned(&[" "])), Err(LabelsError::Label(TextError::Length { .. }))));
        assert!(Labels::parse(&owned(&["a\u{7}"])).is_err());
    }
}
