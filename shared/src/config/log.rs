use std::str::FromStr;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

impl FromStr for LogFormat {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("expected text or json".to_owned()),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Log {
    /// A `tracing` filter, such as `info,sqlx=warn`.
    pub filter: String,
    pub format: LogFormat,
}
