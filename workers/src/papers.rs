//! What a process prints papers with.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use ::papers::fonts::{DEBIAN, FontError, Fonts};

/// The fonts of a process, mapped when its first paper is printed: the pools that print nothing do without them.
#[derive(Clone, Debug, Default)]
pub struct PaperFonts(Arc<OnceLock<Arc<Fonts>>>);

impl PaperFonts {
    /// The fonts of Debian's packages. A folder that lacks one is asked again the next time.
    pub fn load(&self) -> Result<Arc<Fonts>, FontError> {
        if let Some(fonts) = self.0.get() {
            return Ok(Arc::clone(fonts));
        }
        let fonts = Arc::new(Fonts::load(Path::new(DEBIAN))?);
        Ok(Arc::clone(self.0.get_or_init(|| fonts)))
    }
}
