//! What sync needs of an object store, and the values it speaks in.

mod checksum;
mod key;
mod limits;
mod orphans;
mod path;
mod store;

pub use checksum::{Crc64, Crc64Digest, Crc64Error};
pub use key::{KeyError, ObjectKey};
pub use limits::PartLimits;
pub use orphans::{abort_orphans, old_uploads};
pub use path::RelativePath;
pub use store::{
    ObjectError, ObjectStore, OpenUpload, Place, PresignedRequest, PutCondition, StoredObject, StoredPart, UploadId,
};
