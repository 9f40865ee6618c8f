//! Documents that expire, and files that none has any more.

mod remind_documents;
mod sweep_documents;
#[cfg(test)]
mod tests;
