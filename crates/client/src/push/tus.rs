//! A file that is sent to the server itself, which keeps it in a folder.

use std::sync::atomic::Ordering;

use super::Context;
use super::attempt::{File, SendError};
use super::reading::read_still;
use super::retry::Tries;
use crate::api::{ApiError, TusError};

/// Bytes that are sent at once.
const CHUNK: u64 = 8 << 20;

/// Of smaller files the server hardly ever has a part: it is not asked before.
const SMALL: u64 = 1 << 20;

/// How often the server may have other bytes than was thought, within one try.
const SURPRISES: u8 = 3;

/// Sends what the server does not have of a file.
pub(super) async fn send(context: &Context, file: &mut File, url: &str) -> Result<(), SendError> {
    let size = file.summed.identity.size;
    let mut offset = if size > SMALL { context.api.offset(url).await? } else { 0 };
    let mut surprises = 0;
    loop {
        if offset > size {
            return Err(ApiError::NoSense.into());
        }
        file.count(context, offset);
        match append(context, file, url, offset).await? {
            // A server that takes nothing would be asked for ever.
            Ok(next) if next <= offset && size > offset => return Err(ApiError::NoSense.into()),
            Ok(next) => {
                file.tries = Tries::default();
                offset = next;
            }
            // All of it was there already; whether it is an object is asked next.
            Err(TusError::Offset | TusError::Gone) if offset == size && size > 0 => break,
            Err(TusError::Offset) if surprises < SURPRISES => {
                surprises += 1;
                offset = context.api.offset(url).await?;
                continue;
            }
            Err(error) => return Err(error.into()),
        }
        if offset >= size {
            break;
        }
    }
    context.has_taken.store(true, Ordering::Relaxed);
    file.count(context, size);
    Ok(())
}

async fn append(
    context: &Context,
    file: &mut File,
    url: &str,
    offset: u64,
) -> Result<Result<u64, TusError>, SendError> {
    let identity = file.summed.identity;
    let length = CHUNK.min(identity.size - offset);
    let kept = file.summed.kept.take();
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let (bytes, _memory) = match &kept {
        Some(kept) if start <= kept.bytes.len() => (kept.bytes.slice(start..), None),
        _ => {
            let memory = context.budget.memory(length).await;
            let source = context.reader.open(&file.path, identity).await?;
            (read_still(&source, identity, offset, length).await?, memory)
        }
    };
    context.budget.line(length).await;
    Ok(context.api.append(url, offset, bytes).await)
}
