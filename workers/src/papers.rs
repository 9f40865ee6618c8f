//! What a process prints papers with, and the papers that people ask for.
//!
//! A paper shows what is known when it is printed; [`content`] says what stands on it. Invoices, which never change, have a domain of
//! their own.
//!
//! How to get this wrong: let a pass into the queue or a table on its way to the printer.

mod content;
mod expire_papers;
mod print_paper;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ::papers::PaperError;
use ::papers::fonts::{DEBIAN, FontError, Fonts};
use anyhow::Context as _;

/// The fonts of a process, mapped when its first paper is printed: the pools that print nothing do without them.
#[derive(Clone, Debug)]
pub struct PaperFonts {
    folder: PathBuf,
    loaded: Arc<OnceLock<Arc<Fonts>>>,
}

impl Default for PaperFonts {
    /// The fonts of Debian's packages.
    fn default() -> Self {
        Self::below(Path::new(DEBIAN))
    }
}

/// Why a paper is not printed. Trying again does not help.
#[derive(Debug, thiserror::Error)]
pub enum Unprintable {
    #[error(transparent)]
    Font(#[from] FontError),
    #[error(transparent)]
    Paper(#[from] PaperError),
}

impl PaperFonts {
    /// The fonts below a folder that is laid out like Debian's.
    #[must_use]
    pub fn below(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), loaded: Arc::default() }
    }

    /// The fonts. A folder that lacks one is asked again the next time.
    pub fn load(&self) -> Result<Arc<Fonts>, FontError> {
        if let Some(fonts) = self.loaded.get() {
            return Ok(Arc::clone(fonts));
        }
        let fonts = Arc::new(Fonts::load(&self.folder)?);
        Ok(Arc::clone(self.loaded.get_or_init(|| fonts)))
    }

    /// Prints a paper, off the async threads. The outer error is a thread that has died.
    pub async fn print<T, P>(&self, paper: P) -> anyhow::Result<Result<T, Unprintable>>
    where
        T: Send + 'static,
        P: FnOnce(&Fonts) -> Result<T, PaperError> + Send + 'static,
    {
        let fonts = self.clone();
        let printing = tokio::task::spawn_blocking(move || Ok(paper(&*fonts.load()?)?));
        printing.await.context("print a paper")
    }
}
