//! The requests by which a client sends parts.

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tenantry_tenancy::TenantContext;

use super::service::{AT_ONCE, Job, lock, touch};
use super::{DirectUploads, PresignedPart, PresignedParts, WantedPart};
use crate::ports::SyncTransaction;
use crate::{FileRecordId, FileState, Multipart, PlannedFile, Run, RunId, SyncError};

impl DirectUploads {
    /// Gives a client the requests by which it sends these parts of a file. The upload is begun if it was not, and
    /// written down before anything is given away.
    ///
    /// # Errors
    /// As [`DirectUploads::declare`]; [`SyncError::UnknownFile`], [`SyncError::UnknownPart`].
    pub async fn parts(
        &self,
        context: &TenantContext,
        id: RunId,
        file_id: FileRecordId,
        wanted: &[WantedPart],
    ) -> Result<PresignedParts, SyncError> {
        let job = self.enter(context, id).await?;
        if !job.objects.presigns() {
            return Err(SyncError::NotTaken);
        }
        let (file, multipart) = self.under_way(context, &job, file_id, wanted).await?;
        let (size, expires_at) = (file.identity.size, self.expiry());
        let presigned = stream::iter(wanted).map(|part| {
            let (job, file, multipart) = (&job, &file, &multipart);
            async move {
                let length = length(size, multipart.part_size, part.number);
                let (upload_id, valid) = (&multipart.upload_id, self.options.presigned_for);
                let presigned =
                    job.objects.presign_part(&file.key, upload_id, part.number, length, part.checksum, valid);
                let request = presigned.await?.ok_or(SyncError::NotTaken)?;
                Ok::<_, SyncError>(PresignedPart { number: part.number, size: length, request })
            }
        });
        let parts = presigned.buffered(AT_ONCE).try_collect().await?;
        Ok(PresignedParts { part_size: multipart.part_size, expires_at, parts })
    }

    /// The file and the multipart upload that it has under way, which is begun if there is none.
    async fn under_way(
        &self,
        context: &TenantContext,
        job: &Job,
        file_id: FileRecordId,
        wanted: &[WantedPart],
    ) -> Result<(PlannedFile, Multipart), SyncError> {
        let mut begun: Option<Multipart> = None;
        loop {
            let mut transaction = self.store.begin(context).await?;
            let run = lock(transaction.as_mut(), job.run.id).await?;
            let file = self.waiting(transaction.as_mut(), job, &run, file_id).await?;
            let limits = job.objects.limits();
            let part_size = limits.part_size(file.identity.size, self.options.part_bytes);
            check(&file, file.multipart.as_ref().map_or(part_size, |known| known.part_size), wanted)?;
            let multipart = match (&file.multipart, &begun) {
                (Some(known), _) => known.clone(),
                (None, Some(begun)) => {
                    transaction.files().begin_multipart(&run, file.id, begun).await?;
                    begun.clone()
                }
                (None, None) => {
                    drop(transaction);
                    let upload_id = job.objects.create_upload(&file.key).await?;
                    begun = Some(Multipart { upload_id, part_size });
                    continue;
                }
            };
            touch(transaction.as_mut(), run, self.clock.now()).await?;
            transaction.commit().await?;
            if let Some(surplus) = begun.filter(|begun| *begun != multipart) {
                // Somebody else was faster. What can't be aborted now is found when orphans are looked for.
                let _ = job.objects.abort_upload(&file.key, &surplus.upload_id).await;
            }
            return Ok((file, multipart));
        }
    }

    /// The file, if it is one of the job's that waits for its parts.
    async fn waiting(
        &self,
        transaction: &mut dyn SyncTransaction,
        job: &Job,
        run: &Run,
        file_id: FileRecordId,
    ) -> Result<PlannedFile, SyncError> {
        let found = transaction.files().with_ids(job.place(), &[file_id]).await?.pop();
        let is_waiting = |state: FileState| state.stored() == FileState::Pending;
        let found = found.filter(|found| found.source_id == run.source_id() && is_waiting(found.state));
        let file = found.map(|found| found.file).ok_or(SyncError::UnknownFile)?;
        if self.needs_parts(job, file.identity.size) { Ok(file) } else { Err(SyncError::UnknownFile) }
    }
}

/// How many parts of this size a file has.
pub(super) fn count(size: u64, part_size: u64) -> u32 {
    u32::try_from(size.div_ceil(part_size.max(1)).max(1)).unwrap_or(u32::MAX)
}

/// How many bytes the part has: none if there is no part of this number.
pub(super) fn length(size: u64, part_size: u64, number: u32) -> u64 {
    let before = u64::from(number.saturating_sub(1)).saturating_mul(part_size);
    if number == 0 { 0 } else { size.saturating_sub(before).min(part_size) }
}

fn check(file: &PlannedFile, part_size: u64, wanted: &[WantedPart]) -> Result<(), SyncError> {
    let count = count(file.identity.size, part_size);
    if wanted.iter().all(|part| (1..=count).contains(&part.number)) {
        Ok(())
    } else {
        Err(SyncError::UnknownPart { count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u8_the_last_part_is_what_remains() {
        assert_eq!((count(10, 4), count(8, 4), count(1, 4)), (3, 2, 1));
        assert_eq!([0, 1, 2, 3, 4].map(|number| length(10, 4, number)), [0, 4, 4, 2, 0]);
        assert_eq!([1, 2, 3].map(|number| length(8, 4, number)), [4, 4, 0]);
    }
}
