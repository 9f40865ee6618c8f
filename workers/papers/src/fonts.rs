//! The fonts that papers are set in: Noto, as Debian packages it.
//!
//! They are mapped into memory and not read: the Han characters alone are 40 MB, of which a paper touches a few pages. A file that is
//! missing is an error when they are loaded, so that a program without its fonts does not start, instead of printing broken pages.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use krilla::text::Font;
use parley::FontContext;
use parley::fontique::{Blob, CharmapIndex, Collection, CollectionOptions, SourceCache};

/// Where Debian's font packages put their files.
pub const DEBIAN: &str = "/usr/share/fonts";

/// What every paper begins with; the other families are asked for what it lacks.
pub(crate) const SANS: &str = "Noto Sans";

/// The families in the order in which a character is looked for, each with its files below the folder of fonts.
const FAMILIES: [(&str, &[&str]); 10] = [
    (SANS, &["truetype/noto/NotoSans-Regular.ttf", "truetype/noto/NotoSans-Bold.ttf"]),
    ("Noto Sans Arabic", &["truetype/noto/NotoSansArabic-Regular.ttf", "truetype/noto/NotoSansArabic-Bold.ttf"]),
    ("Noto Sans Hebrew", &["truetype/noto/NotoSansHebrew-Regular.ttf", "truetype/noto/NotoSansHebrew-Bold.ttf"]),
    ("Noto Sans Thai", &["truetype/noto/NotoSansThai-Regular.ttf", "truetype/noto/NotoSansThai-Bold.ttf"]),
    (
        "Noto Sans Devanagari",
        &["truetype/noto/NotoSansDevanagari-Regular.ttf", "truetype/noto/NotoSansDevanagari-Bold.ttf"],
    ),
    ("Noto Sans Armenian", &["truetype/noto/NotoSansArmenian-Regular.ttf", "truetype/noto/NotoSansArmenian-Bold.ttf"]),
    ("Noto Sans Georgian", &["truetype/noto/NotoSansGeorgian-Regular.ttf", "truetype/noto/NotoSansGeorgian-Bold.ttf"]),
    (HAN_FAMILIES[0].1, &["opentype/noto/NotoSansCJK-Regular.ttc", "opentype/noto/NotoSansCJK-Bold.ttc"]),
    ("Noto Sans Math", &["truetype/noto/NotoSansMath-Regular.ttf"]),
    ("Noto Sans Symbols2", &["truetype/noto/NotoSansSymbols2-Regular.ttf"]),
];

/// One file has the Han characters in the shapes of each country; the language of the paper chooses.
const HAN_FAMILIES: [(&str, &str); 4] = [
    ("zh", "Noto Sans CJK SC"),
    ("ja", "Noto Sans CJK JP"),
    ("ko", "Noto Sans CJK KR"),
    ("zh-hant", "Noto Sans CJK TC"),
];

/// Why the fonts cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FontError {
    #[error(
        "the font {0} is missing: install Debian's fonts-noto-core and fonts-noto-cjk, or name the folder that has it"
    )]
    Missing(PathBuf),
    #[error("{file} is not a font of the family {family}")]
    Unreadable { file: PathBuf, family: &'static str },
}

/// Every font, loaded once for a program and shared by all that it prints.
pub struct Fonts {
    /// Copied for each paper, which changes its copy.
    context: FontContext,
    /// What each font can show.
    coverage: Vec<(CharmapIndex, Blob<u8>)>,
    /// The writer's own view of a font, by the address of its data and the index in its file. Making one takes a hash of the whole file.
    written: Mutex<HashMap<(usize, u32), Font>>,
}

impl fmt::Debug for Fonts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fonts").field("faces", &self.coverage.len()).finish_non_exhaustive()
    }
}

impl Fonts {
    /// Maps every font below `folder` ([`DEBIAN`] by default).
    pub fn load(folder: &Path) -> Result<Self, FontError> {
        let mut collection = Collection::new(CollectionOptions { shared: false, system_fonts: false });
        // Shared, so that a paper's copy finds the same mapping and not another one.
        let mut source_cache = SourceCache::new_shared();
        let mut coverage = Vec::new();
        for (family, files) in FAMILIES {
            let paths: Vec<PathBuf> = files.iter().map(|file| folder.join(file)).collect();
            if let Some(missing) = paths.iter().find(|path| !path.is_file()) {
                return Err(FontError::Missing(missing.clone()));
            }
            collection.load_fonts_from_paths(&paths);
            let unreadable = || FontError::Unreadable { file: paths[0].clone(), family };
            let found = collection.family_by_name(family).ok_or_else(unreadable)?;
            for font in found.fonts() {
                let data = font.load(Some(&mut source_cache)).ok_or_else(unreadable)?;
                coverage.push((font.charmap_index(), data));
            }
        }
        Ok(Self { context: FontContext { collection, source_cache }, coverage, written: Mutex::default() })
    }

    pub(crate) fn context(&self) -> FontContext {
        self.context.clone()
    }

    /// Whether some font has a glyph for the character.
    pub(crate) fn cover(&self, character: char) -> bool {
        self.coverage.iter().any(|(index, data)| {
            let glyph = index.charmap(data.as_ref()).and_then(|map| map.map(character));
            glyph.is_some_and(|glyph| glyph != 0)
        })
    }

    /// The font as the writer of the file sees it; nothing if it cannot be embedded.
    pub(crate) fn written(&self, data: &Blob<u8>, index: u32) -> Option<Font> {
        let key = (data.as_ref().as_ptr().addr(), index);
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(font) = written.get(&key) {
            return Some(font.clone());
        }
        let bytes: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(data.clone());
        let font = Font::new(bytes.into(), index)?;
        written.insert(key, font.clone());
        Some(font)
    }
}

/// The families that text in the language is set in, the first one first.
pub(crate) fn families(language: &str) -> impl Iterator<Item = &'static str> {
    let language = language.to_ascii_lowercase();
    let traditional = ["zh-hant", "zh-tw", "zh-hk", "zh-mo"].iter().any(|tag| language.starts_with(tag));
    let tag = if traditional { "zh-hant" } else { language.split('-').next().unwrap_or_default() };
    let han = HAN_FAMILIES.iter().find(|(of, _)| *of == tag).map_or(HAN_FAMILIES[0].1, |(_, family)| *family);
    FAMILIES.iter().map(move |(family, _)| if *family == HAN_FAMILIES[0].1 { han } else { family })
}

/// Whether text in the language runs from right to left.
pub(crate) fn runs_leftwards(language: &str) -> bool {
    let tag = language.split('-').next().unwrap_or_default().to_ascii_lowercase();
    ["ar", "fa", "he", "ur", "yi"].contains(&tag.as_str())
}
