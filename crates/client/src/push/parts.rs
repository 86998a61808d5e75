//! A large file: sends it in parts, those that are there already excepted.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::Ordering;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tenantry_source::SourceFile;
use tenantry_sync::objects::Crc64;
use tokio::time::sleep;
use uuid::Uuid;

use super::Context;
use super::attempt::{File, SendError};
use super::reading::{ReadError, is_still, read_same, sum_range};
use super::retry::{Tries, ask};
use super::store::{self, StoreError};
use crate::api::{ApiError, DeclaredPart, Request};

/// Parts whose requests are asked for at once: few enough that the last is sent before its request expires.
const AT_ONCE: usize = 32;

/// A file that is sent in parts.
pub(super) struct Upload<'a> {
    pub context: &'a Context,
    pub job: Uuid,
    pub file_id: Uuid,
    pub part_size: u64,
}

/// A part that is to be sent.
#[derive(Debug, Clone, Copy)]
struct Part {
    number: u32,
    offset: u64,
    size: u64,
    checksum: Crc64,
}

/// Sends the parts that the store does not have: one at a time on the file's own turn, and more while there are turns
/// to be had.
pub(super) async fn send(upload: &Upload<'_>, file: &mut File, done: &[u32]) -> Result<(), SendError> {
    let Upload { context, .. } = *upload;
    let identity = file.summed.identity;
    let source = context.reader.open(&file.path, identity).await?;
    let count = u32::try_from(identity.size.div_ceil(upload.part_size)).or(Err(ApiError::NoSense))?;
    let done: BTreeSet<u32> = done.iter().copied().filter(|number| (1..=count).contains(number)).collect();
    file.count(context, done.iter().map(|number| place(upload, identity.size, *number).1).sum());
    let mut missing = (1..=count).filter(|number| !done.contains(number));
    let mut ready: VecDeque<(Part, Request)> = VecDeque::new();
    let mut under_way = FuturesUnordered::new();
    loop {
        while let Some(turn) = if under_way.is_empty() { Some(None) } else { context.pace.try_turn().map(Some) } {
            if ready.is_empty() {
                let numbers: Vec<u32> = missing.by_ref().take(AT_ONCE).collect();
                ready = requests(upload, &source, file, &numbers).await?;
            }
            let Some((part, request)) = ready.pop_front() else { break };
            let source = &source;
            under_way.push(async move {
                let _turn = turn;
                send_part(upload, source, part, request).await
            });
        }
        let Some(sent) = under_way.next().await else { break };
        let size = sent?;
        context.pace.succeeded();
        file.tries = Tries::default();
        file.count(context, file.counted + size);
    }
    if is_still(&source, identity).await? { Ok(()) } else { Err(ReadError::Changed.into()) }
}

/// Where a part begins, and how long it is.
fn place(upload: &Upload<'_>, size: u64, number: u32) -> (u64, u64) {
    let offset = u64::from(number.saturating_sub(1)).saturating_mul(upload.part_size);
    (offset, upload.part_size.min(size.saturating_sub(offset)))
}

/// Asks for the requests by which these parts are sent.
async fn requests(
    upload: &Upload<'_>,
    source: &SourceFile,
    file: &File,
    numbers: &[u32],
) -> Result<VecDeque<(Part, Request)>, SendError> {
    let mut parts = Vec::with_capacity(numbers.len());
    for number in numbers {
        let (offset, size) = place(upload, file.summed.identity.size, *number);
        let checksum = sum_range(source, &file.summed.pieces, offset, size).await?;
        parts.push(Part { number: *number, offset, size, checksum });
    }
    if parts.is_empty() { Ok(VecDeque::new()) } else { ask_for(upload, &parts).await }
}

async fn ask_for(upload: &Upload<'_>, parts: &[Part]) -> Result<VecDeque<(Part, Request)>, SendError> {
    let Upload { context, job, file_id, .. } = *upload;
    let declared = |part: &Part| DeclaredPart { number: part.number, crc64nvme: part.checksum };
    let declared: Vec<_> = parts.iter().map(declared).collect();
    let answer = ask(context, || context.api.parts(job, file_id, &declared)).await;
    let answer = match answer {
        Ok(answer) => answer,
        // The file is none of this job any more: somebody else has declared it, or its upload is gone.
        Err(error) if matches!(error.status(), Some(422)) => {
            return Err(SendError::Anew("the server does not know the upload any more"));
        }
        Err(error) => return Err(error.into()),
    };
    let mut ready = VecDeque::with_capacity(parts.len());
    for part in parts {
        let found = answer.data.iter().find(|found| found.number == part.number);
        match found.filter(|found| found.size == part.size) {
            Some(found) => ready.push_back((*part, found.request.clone())),
            // The upload was begun anew meanwhile, with parts of another size.
            None => return Err(SendError::Anew("the parts of the upload have another size")),
        }
    }
    Ok(ready)
}

/// Sends a part, and tries again where that may help, so that one that fails costs the others nothing.
async fn send_part(
    upload: &Upload<'_>,
    source: &SourceFile,
    part: Part,
    mut request: Request,
) -> Result<u64, SendError> {
    let Upload { context, .. } = *upload;
    let _memory = context.budget.memory(part.size).await;
    let bytes = read_same(source, part.offset, part.size, part.checksum).await?;
    let mut tries = Tries::default();
    loop {
        context.budget.line(part.size).await;
        let wait = match store::send(&context.connection, &request, bytes.clone()).await {
            Ok(()) => {
                context.has_taken.store(true, Ordering::Relaxed);
                return Ok(part.size);
            }
            Err(StoreError::Gone) => return Err(StoreError::Gone.into()),
            Err(StoreError::Throttled(asked)) => {
                context.pace.slow_down();
                tries.throttled(context, asked).ok_or(StoreError::Throttled(asked))?
            }
            Err(error) => match tries.failed(context) {
                Some(wait) => wait,
                None => return Err(error.into()),
            },
        };
        sleep(wait).await;
        // The request may be too old by now.
        let mut anew = ask_for(upload, &[part]).await?;
        let (_, next) = anew.pop_front().ok_or(ApiError::NoSense)?;
        request = next;
    }
}
