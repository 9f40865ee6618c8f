//! Exports: rows of an organisation, of everybody, or of a person, as files. What each one holds, its [`parts`] say.

pub mod model;
pub mod own_data;
pub mod parts;
pub mod rules;
pub mod store;
