//! Files that are applied row by row.

mod act;
mod expire_imports;
mod import_listings;
mod import_past_sales;
mod import_stock;
pub mod mail;

pub use act::{RequestError, request};
pub use expire_imports::ExpireImports;
pub use import_listings::ImportListings;
pub use import_past_sales::ImportPastSales;
pub use import_stock::ImportStock;
