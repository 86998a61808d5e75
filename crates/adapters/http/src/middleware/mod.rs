//! What happens around every request. One middleware of ours does all of it, since each layer costs on the hot path;
//! its parts are the files beside this one.

mod access_log;
mod admission;
mod arrival;
mod completion;
mod cors;
mod frame;
mod path;
mod refusals;
mod request_id;
mod security_headers;
pub(crate) mod throttle;

pub(crate) use self::{cors::cors, frame::Frame};
