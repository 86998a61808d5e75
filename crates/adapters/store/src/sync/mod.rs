//! What organisations sync: cycles, sync sessions, their runs and files, and the queue that workers take runs from.

mod columns;
mod cycles;
mod destinations;
mod file_rows;
mod files;
mod lease;
mod parts;
mod queue;
mod retention;
mod revival;
mod runs;
mod sessions;
mod totals;
