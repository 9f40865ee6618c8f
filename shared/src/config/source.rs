//! Reads settings from one TOML file and the environment, and collects every fault instead of stopping at the first.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt::{self, Display};
use std::io::ErrorKind;
use std::path::Path;
use std::str::FromStr;

use secrecy::SecretString;

/// One setting: its name in the environment and its place in the file.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// `DATABASE_URL`; a secret may also come as `DATABASE_URL_FILE`, naming a file that holds it.
    pub env: &'static str,
    /// `database.url`
    pub file: &'static str,
}

/// One thing that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The setting's name, as the person wrote it.
    pub key: String,
    /// What is wrong with it, without the value of a secret.
    pub problem: String,
}

/// Everything that is wrong with the configuration, at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub Vec<Fault>);

impl ConfigError {
    /// One fault that could only be found where the setting is used.
    #[must_use]
    pub fn of(key: Key, problem: impl Into<String>) -> Self {
        Self(vec![Fault { key: key.env.to_owned(), problem: problem.into() }])
    }
}

impl Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} fault(s):", self.0.len())?;
        for Fault { key, problem } in &self.0 {
            write!(f, "\n  {key}: {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// The file and the environment, read once. The environment wins.
#[derive(Debug, Default)]
pub struct Source {
    file: BTreeMap<String, String>,
    env: BTreeMap<String, String>,
    known: BTreeSet<&'static str>,
    faults: Vec<Fault>,
}

impl Source {
    /// Takes the process environment and the file named by `TRADEYARD_CONFIG`, or `tradeyard.toml` if it is there.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one reader of the environment")]
    pub fn from_process() -> Self {
        // Other programs' variables may contain any bytes; a setting of ours with such bytes does
        // not parse, and that is reported.
        let text = |part: OsString| part.to_string_lossy().into_owned();
        let env: BTreeMap<_, _> = std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect();
        let named = env.get("TRADEYARD_CONFIG").cloned();
        let path = named.clone().unwrap_or_else(|| "tradeyard.toml".to_owned());
        let text = match std::fs::read_to_string(Path::new(&path)) {
            Ok(text) => Ok(text),
            Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(format!("cannot read {path}: {error}")),
        };
        let mut source = Self::new(text.as_deref().unwrap_or(""), env);
        if let Err(problem) = text {
            source.fault("TRADEYARD_CONFIG", problem);
        }
        source
    }

    /// Takes a file's text and an environment, for tests.
    #[must_use]
    pub fn new(file: &str, env: BTreeMap<String, String>) -> Self {
        let mut source = Self { env, ..Self::default() };
        match file.parse::<toml::Table>() {
            Ok(table) => flatten("", &table, &mut source.file),
            Err(error) => source.fault("tradeyard.toml", error.to_string()),
        }
        source
    }

    /// Notes that something is wrong; loading goes on, so that every fault is listed, once.
    pub fn fault(&mut self, key: impl Into<String>, problem: impl Into<String>) {
        let fault = Fault { key: key.into(), problem: problem.into() };
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// The setting's text, if it is set anywhere and not empty.
    pub fn text(&mut self, key: Key) -> Option<String> {
        self.known.insert(key.file);
        let value = self.env.get(key.env).or_else(|| self.file.get(key.file));
        value.filter(|text| !text.is_empty()).cloned()
    }

    /// The parsed setting, or `default` if it is not set. A value that does not parse is a fault.
    pub fn value<T>(&mut self, key: Key, default: T) -> T
    where
        T: FromStr,
        T::Err: Display,
    {
        match self.text(key).map(|text| (text.parse(), text)) {
            None => default,
            Some((Ok(value), _)) => value,
            Some((Err(error), text)) => {
                self.fault(key.env, format!("{text:?}: {error}"));
                default
            }
        }
    }

    /// A secret, from `NAME`, from the file named by `NAME_FILE`, or from the configuration file.
    pub fn secret(&mut self, key: Key) -> Option<SecretString> {
        let named = format!("{}_FILE", key.env);
        if let (Some(path), None) = (self.env.get(&named).cloned(), self.env.get(key.env)) {
            self.known.insert(key.file);
            return match std::fs::read_to_string(&path) {
                Ok(text) => Some(text.trim_end()).filter(|text| !text.is_empty()).map(SecretString::from),
                Err(error) => {
                    self.fault(named, format!("cannot read {path}: {error}"));
                    None
                }
            };
        }
        self.text(key).map(SecretString::from)
    }

    /// Finishes reading. Returns `Ok(value)` only if nothing was wrong and the file had no unknown
    /// key.
    pub fn finish<T>(mut self, value: T) -> Result<T, ConfigError> {
        let unknown: Vec<_> = self.file.keys().filter(|key| !self.known.contains(key.as_str())).cloned().collect();
        for key in unknown {
            self.fault(key, "unknown setting; see tradeyard.example.toml");
        }
        if self.faults.is_empty() { Ok(value) } else { Err(ConfigError(self.faults)) }
    }
}

fn flatten(prefix: &str, table: &toml::Table, out: &mut BTreeMap<String, String>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            toml::Value::Table(inner) => flatten(&key, inner, out),
            toml::Value::String(text) => {
                out.insert(key, text.clone());
            }
            other => {
                out.insert(key, other.to_string());
            }
        }
    }
}
