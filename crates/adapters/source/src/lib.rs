//! The folder that files come from: which may be read, what is in it, and reading it.
//!
//! - [`Roots`]: the folders of this machine that organisations may read from, and opening one as a [`SourceFolder`].
//! - [`SourceFolder::scan`]: what is in it, with [`ScanOptions`], as [`ScanEvent`]s.
//! - [`SourceFolder::open`]: one of its files, as a [`SourceFile`].

mod beneath;
mod clashes;
mod file;
mod folder;
mod globs;
mod identity;
mod roots;
mod scan;
mod sensitive;

pub use clashes::ClashKind;
pub use file::{OpenError, SourceFile};
pub use folder::{SourceFolder, Symlinks};
pub use globs::{GlobError, Globs};
pub use roots::{AllowedRoot, NotAllowed, RootError, RootScope, Roots};
pub use scan::{ScanEvent, ScanOptions, ScanReport, ScanSink, ScannedFile, SensitiveFiles, SkipReason, SkippedEntry};

#[cfg(test)]
mod tests;
