//! Exports.

mod expire_exports;
mod generate_export;

pub use expire_exports::ExpireExports;
pub use generate_export::{Begun, GenerateExport, RequestError, ask};
