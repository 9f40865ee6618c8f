//! What mails say, in every language.
//!
//! A domain's words are declared by their English file, which makes a trait of them; every other language implements it. A language
//! that lacks a word, has one too many, or forgets an argument does not compile. Arguments are texts that are ready to be shown:
//! amounts, times and numbers come from [`super::formats`].
//!
//! Whoever adds a language adds a folder of these files, a [`Language`], and a line in [`Language::words`].

use market::identity::Locale;

/// A language that mails are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    German,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// The language of a locale.
    pub fn of(locale: &Locale) -> Self {
        if locale.as_str().starts_with("de") { Self::German } else { Self::English }
    }

    /// Its code of BCP 47, for programs that read a mail aloud, hyphenate or translate it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    pub(super) fn words(self) -> &'static dyn Words {
        match self {
            Self::English => &en::English,
            Self::German => &de::German,
        }
    }
}

/// All the words of a language.
pub(super) trait Words:
    en::Common
    + en::Account
    + en::Appointments
    + en::Auctions
    + en::Chat
    + en::Documents
    + en::Files
    + en::Invoices
    + en::Listings
    + en::Offers
    + en::Orders
    + en::Plans
    + en::Returns
    + en::Reviews
    + en::Shipments
    + en::Webhooks
{
}

impl Words for en::English {}
impl Words for de::German {}

/// One word: as it is, or with arguments in it.
macro_rules! word {
    ($name:ident = $text:literal) => {
        fn $name(&self) -> &'static str {
            $text
        }
    };
    ($name:ident($($arg:ident),+) = $text:literal) => {
        fn $name(&self, $($arg: &str),+) -> String {
            format!($text)
        }
    };
}

/// The signature of a word.
macro_rules! declared {
    ($name:ident) => {
        fn $name(&self) -> &'static str;
    };
    ($name:ident($($arg:ident),+)) => {
        fn $name(&self, $($arg: &str),+) -> String;
    };
}

/// Declares a domain's words with their English text.
macro_rules! english {
    ($domain:ident { $($name:ident $(($($arg:ident),+))? = $text:literal;)+ }) => {
        pub(in crate::emails) trait $domain {
            $(declared! { $name $(($($arg),+))? })+
        }

        impl $domain for super::English {
            $(word! { $name $(($($arg),+))? = $text })+
        }
    };
}

/// Says a domain's words in another language.
macro_rules! translated {
    ($language:ident says $domain:ident { $($name:ident $(($($arg:ident),+))? = $text:literal;)+ }) => {
        impl super::super::en::$domain for super::$language {
            $(word! { $name $(($($arg),+))? = $text })+
        }
    };
}

mod de;
mod en;
