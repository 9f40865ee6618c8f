//! Renders a letter into the two bodies of a mail.

use askama::Template;
use chrono_tz::Tz;
use market::emails::model::{Content, EmailCategory};
use market::identity::Locale;
use secrecy::{ExposeSecret as _, SecretString};

use super::formats::{Formats, UnknownLocale, one_line};
use super::letter::{self, Letter, Link, Place};
use super::words::{Language, Words};

/// Who reads the mail.
#[derive(Clone, Debug)]
pub struct Reader {
    /// Empty when not known.
    pub name: String,
    pub zone: Tz,
    pub locale: Locale,
}

/// A mail ready to be packed.
#[derive(Clone, Debug)]
pub struct Rendered {
    pub subject: String,
    pub text: String,
    pub html: String,
    pub language: Language,
    /// Where a mail that its reader can do without is ended with one click (RFC 8058).
    pub unsubscribe: Option<SecretString>,
}

/// Why a mail cannot be rendered. Trying again does not help.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("the template needs a link that was not made")]
    MissingLink,
    #[error("the template failed")]
    Template(#[from] askama::Error),
    #[error(transparent)]
    Locale(#[from] UnknownLocale),
}

/// Renders mails for one installation.
#[derive(Clone, Debug)]
pub struct Renderer {
    public_url: String,
}

#[derive(Template)]
#[template(path = "emails/mail.html")]
struct Html<'a> {
    letter: &'a Letter,
    greeting: &'a str,
    language: &'a str,
    ending: Option<&'a Ending>,
}

#[derive(Template)]
#[template(path = "emails/mail.txt")]
struct Text<'a> {
    letter: &'a Letter,
    greeting: &'a str,
    ending: Option<&'a Ending>,
}

/// How the reader ends mails of this kind.
struct Ending {
    explanation: String,
    label: &'static str,
    url: String,
}

impl Ending {
    fn of(category: EmailCategory, url: &SecretString, words: &dyn Words) -> Self {
        let about = match category {
            EmailCategory::AuctionReminders => words.category_auction_reminders(),
            EmailCategory::Watches => words.category_watches(),
            EmailCategory::SavedSearches => words.category_saved_searches(),
            EmailCategory::Stock => words.category_stock(),
            EmailCategory::Reports => words.category_reports(),
            EmailCategory::Reviews => words.category_reviews(),
        };
        Self {
            explanation: words.unsubscribe_from(about),
            label: words.unsubscribe(),
            url: url.expose_secret().to_owned(),
        }
    }
}

impl Renderer {
    /// Makes links that begin with `public_url`, which has no trailing slash.
    pub fn new(public_url: impl Into<String>) -> Self {
        Self { public_url: public_url.into() }
    }

    /// The address of something that everybody may see.
    pub fn address(&self, path: std::fmt::Arguments<'_>) -> String {
        format!("{}{path}", self.public_url)
    }

    /// Renders a mail. `ending` is the token that ends mails of its kind, if its reader can do without them.
    pub fn render(
        &self,
        content: &Content,
        link: &Link,
        reader: &Reader,
        ending: Option<(EmailCategory, &SecretString)>,
    ) -> Result<Rendered, RenderError> {
        let (language, formats) = (Language::of(&reader.locale), Formats::of(&reader.locale)?);
        let words = language.words();
        let place = Place { public_url: &self.public_url, zone: reader.zone, words, formats: &formats };
        let letter = letter::write(content, link, &place)?;
        let name = one_line(&reader.name);
        let greeting = if name.is_empty() { words.hello().to_owned() } else { words.hello_to(&name) };
        let unsubscribe = ending.map(|(_, token)| {
            SecretString::from(format!("{}/unsubscribe?token={}", self.public_url, token.expose_secret()))
        });
        let ending = ending.zip(unsubscribe.as_ref());
        let ending = ending.map(|((category, _), url)| Ending::of(category, url, words));
        let ending = ending.as_ref();
        Ok(Rendered {
            text: Text { letter: &letter, greeting: &greeting, ending }.render()?,
            html: Html { letter: &letter, greeting: &greeting, language: language.code(), ending }.render()?,
            subject: letter.subject,
            language,
            unsubscribe,
        })
    }
}
