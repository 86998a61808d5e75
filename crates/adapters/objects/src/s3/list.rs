use tenantry_sync::objects::{ObjectError, ObjectKey, StoredObject};

use super::errors::translate;
use super::{S3Store, nonsense, size};

/// As many as an answer can hold.
const PAGE: usize = 1_000;

impl S3Store {
    pub(super) async fn list_objects(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> Result<Vec<StoredObject>, ObjectError> {
        let mut found: Vec<StoredObject> = Vec::new();
        while found.len() < limit {
            let page = (limit - found.len()).min(PAGE);
            let last = found.last().map(|object| object.key.clone());
            let objects = self.call(0, self.list_page(prefix, last.as_ref().or(after), page)).await?;
            let is_last = objects.len() < page;
            found.extend(objects);
            if is_last {
                break;
            }
        }
        Ok(found)
    }

    /// A store may answer fewer than were asked for and still have more.
    async fn list_page(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> Result<Vec<StoredObject>, ObjectError> {
        let mut found = Vec::new();
        let mut token = None;
        while found.len() < limit {
            let request = self
                .client
                .list_objects_v2()
                .bucket(&self.options.bucket)
                .prefix(prefix)
                .set_start_after(after.map(|after| after.as_str().to_owned()))
                .max_keys(i32::try_from(limit - found.len()).unwrap_or(i32::MAX))
                .set_continuation_token(token.take());
            let answer = Box::pin(request.send()).await.map_err(translate)?;
            for object in answer.contents.unwrap_or_default() {
                found.push(StoredObject {
                    key: ObjectKey::from_stored(object.key.ok_or_else(|| nonsense("an object without a key"))?),
                    size: size(object.size),
                    checksum: None,
                    etag: object.e_tag,
                });
            }
            token = answer.next_continuation_token;
            if answer.is_truncated != Some(true) || token.is_none() {
                break;
            }
        }
        Ok(found)
    }
}
