//! Renders a letter into the two bodies of a mail.

use askama::Template;
use chrono_tz::Tz;
use market::emails::model::Content;

use super::letter::{self, Letter, Link, Place};
use super::wording::one_line;

/// Who reads the mail.
#[derive(Clone, Debug)]
pub struct Reader {
    /// Empty when not known.
    pub name: String,
    pub zone: Tz,
}

/// A mail ready to be packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// Why a mail cannot be rendered. Trying again does not help.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("the template needs a link that was not made")]
    MissingLink,
    #[error("the template failed")]
    Template(#[from] askama::Error),
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
}

#[derive(Template)]
#[template(path = "emails/mail.txt")]
struct Text<'a> {
    letter: &'a Letter,
    greeting: &'a str,
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

    pub fn render(&self, content: &Content, link: &Link, reader: &Reader) -> Result<Rendered, RenderError> {
        let letter = letter::write(content, link, &Place { public_url: &self.public_url, zone: reader.zone })?;
        let name = one_line(&reader.name);
        let greeting = if name.is_empty() { "Hello,".to_owned() } else { format!("Hello {name},") };
        Ok(Rendered {
            text: Text { letter: &letter, greeting: &greeting }.render()?,
            html: Html { letter: &letter, greeting: &greeting }.render()?,
            subject: letter.subject,
        })
    }
}
