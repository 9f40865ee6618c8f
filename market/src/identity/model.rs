//! The vocabulary of identity as types. Text from outside becomes one of these, or an error saying
//! what is wrong with it.

mod countries;

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};
use shared::text::{self, Unshowable};
use utoipa::ToSchema;
use utoipa::openapi::{KnownFormat, SchemaFormat};

/// The text does not fit its type; says why, without the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub &'static str);

/// Declares a text newtype that can only be made by `parse`, by serde as well, with its OpenAPI
/// schema.
macro_rules! text {
    ($(#[$meta:meta])* $name:ident, $max:literal, $shape:expr, $parse:expr) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Unfit;
            fn try_from(text: String) -> Result<Self, Unfit> {
                let parse: fn(&str) -> Result<String, Unfit> = $parse;
                // Counted before anything is dropped, as the OpenAPI document does.
                if text.chars().count() > $max {
                    return Err(Unfit(concat!("has at most ", $max, " characters")));
                }
                parse(&text).map(Self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = Unfit;
            fn from_str(text: &str) -> Result<Self, Unfit> {
                text.to_owned().try_into()
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                let shape: fn(utoipa::openapi::ObjectBuilder) -> utoipa::openapi::ObjectBuilder = $shape;
                let text = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::schema::Type::String);
                shape(text.min_length(Some(1)).max_length(Some($max))).into()
            }
        }

        impl ToSchema for $name {}

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        // Names and addresses must not reach logs through a derived Debug.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

text! {
    /// An email address, trimmed and in lower case, so that one mailbox is one account.
    Email, 254, |text| text.format(Some(SchemaFormat::KnownFormat(KnownFormat::Email))), parse_email
}

text! {
    /// A person's name: 1 to 100 characters on one line, some of them visible, without web or mail addresses (it ends up in mails).
    PersonName, 100, |text| text.pattern(Some(LINE)), parse_name
}

text! {
    /// An organisation's registered name: 1 to 200 characters, like a person's name.
    LegalName, 200, |text| text.pattern(Some(LINE)), parse_name
}

text! {
    /// A VAT number: country letters and 2 to 13 letters or digits; spaces, dots and hyphens are dropped.
    VatNumber, 40, |text| text.pattern(Some(VAT_NUMBER)), parse_vat_number
}

text! {
    /// A country of ISO 3166-1: two capital letters.
    Country, 2, |text| text.enum_values(Some(countries::all())), |text| {
        let known = countries::all().any(|code| code == text);
        if known { Ok(text.to_owned()) } else { Err(Unfit("not a country of ISO 3166-1, such as DE")) }
    }
}

text! {
    /// An IANA time zone, such as `Europe/Berlin`.
    TimeZone, 64, |text| text.enum_values(Some(chrono_tz::TZ_VARIANTS.map(chrono_tz::Tz::name))), |text| {
        text.parse::<chrono_tz::Tz>().map(|zone| zone.name().to_owned()).map_err(|_| Unfit("not an IANA time zone"))
    }
}

/// The locales that people can read mails in.
pub const LOCALES: [&str; 7] = ["en", "en-GB", "en-IE", "en-US", "de", "de-AT", "de-CH"];

text! {
    /// A language, and where it is spoken when that makes a difference to how numbers and dates are written.
    Locale, 5, |text| text.enum_values(Some(LOCALES)), |text| {
        if LOCALES.contains(&text) { Ok(text.to_owned()) } else { Err(Unfit("not a locale that there are words in")) }
    }
}

impl Default for Locale {
    fn default() -> Self {
        Self("en".to_owned())
    }
}

/// What [`parse_name`] accepts, apart from web addresses: something visible, no control characters, and no mail address.
const LINE: &str = r"^[^@\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]*[^@\s\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069][^@\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]*$";

/// What [`parse_vat_number`] accepts.
const VAT_NUMBER: &str = "^[ .-]*[A-Za-z][ .-]*[A-Za-z]([ .-]*[A-Za-z0-9]){2,13}[ .-]*$";

impl TimeZone {
    #[must_use]
    pub fn tz(&self) -> chrono_tz::Tz {
        // Only names that chrono-tz knows get in here.
        self.0.parse().unwrap_or(chrono_tz::UTC)
    }
}

fn parse_email(text: &str) -> Result<String, Unfit> {
    let email = text.trim().to_lowercase();
    let (local, domain) = email.rsplit_once('@').ok_or(Unfit("an email address has an @"))?;
    if email.len() > 254 || local.len() > 64 {
        return Err(Unfit("too long for an email address"));
    }
    // RFC 5321's dot-string: what every mail server accepts unquoted.
    let atom = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&b))
    };
    let label = |part: &str| {
        (1..=63).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    if !local.split('.').all(atom) || !domain.contains('.') || !domain.split('.').all(label) {
        return Err(Unfit("not an email address; international domains go in their xn-- form"));
    }
    Ok(email)
}

fn parse_name(text: &str) -> Result<String, Unfit> {
    let name = text::line(text).map_err(|unshowable| match unshowable {
        Unshowable::Control => Unfit("control characters are not allowed"),
        Unshowable::Invisible => Unfit("must not be empty"),
    })?;
    // Names appear in mails that we send: they must not lead elsewhere.
    if text::has_address(&name) {
        return Err(Unfit("web and mail addresses are not allowed"));
    }
    Ok(name)
}

fn parse_vat_number(text: &str) -> Result<String, Unfit> {
    let number: String =
        text.chars().filter(|c| !matches!(c, ' ' | '.' | '-')).collect::<String>().to_ascii_uppercase();
    let country = number.bytes().take(2).all(|b| b.is_ascii_uppercase());
    if country && (4..=15).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_alphanumeric()) {
        Ok(number)
    } else {
        Err(Unfit("expected two country letters and 2 to 13 letters or digits"))
    }
}

/// Declares an enum with the same snake-case text in JSON, SQL and OpenAPI.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
        #[sqlx(type_name = "text")]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $text)] #[sqlx(rename = $text)] $variant,)*
        }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        // By hand: utoipa's derive does not see a `serde(rename)` that comes out of a macro.
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .enum_values(Some([$($text),*]))
                    .into()
            }
        }

        impl ToSchema for $name {}

        impl Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $name {
            type Err = Unfit;
            fn from_str(text: &str) -> Result<Self, Unfit> {
                Self::ALL.iter().copied().find(|word| word.name() == text)
                    .ok_or(Unfit(concat!("expected one of:" $(, " ", $text)*)))
            }
        }
    };
}

words! {
    /// Whether a person may use the platform.
    UserStatus { Active = "active", Suspended = "suspended", }
}

words! {
    /// What a person may do on the platform itself, beyond their organisations.
    PlatformRole {
        User = "user",
        /// Approves organisations, moderates listings.
        Moderator = "moderator",
        /// Money: payouts, refunds, statements.
        Finance = "finance",
        /// Reads jobs, queues, workers and schedules.
        Observer = "observer",
        /// Changes them as well.
        Operator = "operator",
        /// Everything.
        Admin = "admin",
    }
}

impl PlatformRole {
    /// Whether this role may do what `needed` may do.
    #[must_use]
    pub fn includes(self, needed: Self) -> bool {
        self == needed
            || self == Self::Admin
            || needed == Self::User
            || (self == Self::Operator && needed == Self::Observer)
    }
}

words! {
    /// What a member may do for the organisation; each includes the ones below it.
    MemberRole {
        /// Reads.
        Viewer = "viewer",
        /// Lists, bids, orders.
        Trader = "trader",
        /// Members and settings.
        Owner = "owner",
    }
}

impl MemberRole {
    /// Whether this role may do what `needed` may do.
    #[must_use]
    pub fn includes(self, needed: Self) -> bool {
        self as u8 >= needed as u8
    }
}

words! {
    /// Where an organisation stands: pending → approved or rejected; approved ⇄ suspended.
    OrgStatus { Pending = "pending", Approved = "approved", Rejected = "rejected", Suspended = "suspended", }
}

words! {
    /// What an organisation has agreed with the platform.
    Plan {
        Free = "free",
        Standard = "standard",
        Pro = "pro",
        Partner = "partner",
    }
}

words! {
    /// What an organisation has open, so that it cannot lose its only owner.
    OpenMatter {
        Order = "order",
        /// Or one that waits for its seller's approval.
        Auction = "auction",
        /// In an auction that is open.
        Bid = "bid",
        Return = "return",
        Payout = "payout",
    }
}

words! {
    /// What an organisation does on the platform.
    OrgKind { Seller = "seller", Buyer = "buyer", Broker = "broker", Carrier = "carrier", }
}

#[cfg(test)]
mod tests;
