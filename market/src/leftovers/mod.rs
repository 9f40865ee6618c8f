//! Files that attempts of jobs have left of exports, papers and reports, and that no row will ever name.

pub mod store;
