//! Providers of language models.
