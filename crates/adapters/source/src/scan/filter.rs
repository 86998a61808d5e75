use crate::globs::Verdict;
use crate::{ScanOptions, SensitiveFiles, sensitive};

/// What is to be done with something in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// It is taken; of a folder, whether all that is in it is included.
    Take(Included),
    /// Patterns leave it out.
    Exclude,
    /// It keeps secrets.
    Sensitive,
}

/// Whether what lies in a folder is taken when no pattern has a word on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Included {
    Yes,
    No,
}

impl Included {
    /// For the topmost folder.
    pub fn at_first(options: &ScanOptions) -> Self {
        if options.include.is_empty() { Self::Yes } else { Self::No }
    }
}

/// Whether a scan would take a file of this path, if it were there.
pub(super) fn takes(options: &ScanOptions, path: &[u8]) -> bool {
    let mut included = Included::at_first(options);
    let ends = (0..=path.len()).filter(|end| path.get(*end).is_none_or(|byte| *byte == b'/'));
    for end in ends {
        let Some(way) = path.get(..end) else { return false };
        let name = way.rsplit(|byte| *byte == b'/').next().unwrap_or(way);
        match choose(options, included, way, name, end < path.len()) {
            Choice::Take(here) => included = here,
            Choice::Exclude | Choice::Sensitive => return false,
        }
    }
    true
}

/// Judges what has this path and name; `above` is of the folder that it lies in.
pub(super) fn choose(options: &ScanOptions, above: Included, path: &[u8], name: &[u8], is_folder: bool) -> Choice {
    if options.exclude.judge(path, is_folder) == Verdict::Matches {
        return Choice::Exclude;
    }
    let included = match options.include.judge(path, is_folder) {
        Verdict::Matches => Included::Yes,
        Verdict::TakenOut => Included::No,
        Verdict::NoWord => above,
    };
    // Something further down may be included by its own name.
    if !is_folder && included == Included::No {
        return Choice::Exclude;
    }
    let keeps_secrets = if is_folder { sensitive::is_folder(name) } else { sensitive::is_file(name) };
    if keeps_secrets && options.sensitive == SensitiveFiles::Skip {
        return Choice::Sensitive;
    }
    Choice::Take(included)
}
