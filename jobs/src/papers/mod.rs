//! Papers that people ask for.

mod expire_papers;
mod print_paper;

pub use expire_papers::ExpirePapers;
pub use print_paper::{AskError, PrintPaper, ask};
