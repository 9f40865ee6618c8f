//! Secrets that `tradeyard dev` makes up where nobody set any. They are kept in a file that only its owner reads, so that
//! sessions and files outlive a restart and `tradeyard demo` can work with the same ones.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use shared::config::{Config, keys};

/// Where `tradeyard dev` keeps its files unless told otherwise.
pub(crate) const DIR: &str = ".dev/sinks";

/// Fills in what is not set: from the file in `dir`, or anew, which is then kept there.
pub(crate) fn make(config: &mut Config, dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("make the folder {}", dir.display()))?;
    let mut kept = read(dir)?;
    let before = kept.len();
    for (name, slot) in slots(config) {
        if slot.expose_secret().is_empty() {
            *slot = kept.entry(name.to_owned()).or_insert_with(made_up).clone();
        }
    }
    if kept.len() == before { Ok(()) } else { write(dir, &kept) }
}

/// Fills in what is not set and was made up for `dir` before.
pub(crate) fn recall(config: &mut Config, dir: &Path) -> anyhow::Result<()> {
    let kept = read(dir)?;
    for (name, slot) in slots(config) {
        if let (true, Some(secret)) = (slot.expose_secret().is_empty(), kept.get(name)) {
            *slot = secret.clone();
        }
    }
    Ok(())
}

fn slots(config: &mut Config) -> [(&'static str, &mut SecretString); 3] {
    [
        (keys::JWT_SECRET.env, &mut config.auth.jwt_secret),
        (keys::S3_ACCESS_KEY_ID.env, &mut config.s3.access_key_id),
        (keys::S3_SECRET_ACCESS_KEY.env, &mut config.s3.secret_access_key),
    ]
}

fn made_up() -> SecretString {
    use rand::distr::{Alphanumeric, SampleString};
    Alphanumeric.sample_string(&mut rand::rng(), 43).into()
}

fn read(dir: &Path) -> anyhow::Result<BTreeMap<String, SecretString>> {
    let path = dir.join("secrets");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
    };
    let lines = text.lines().filter_map(|line| line.split_once('='));
    Ok(lines.map(|(name, secret)| (name.to_owned(), secret.to_owned().into())).collect())
}

/// Beside the file and then renamed, so that nobody finds half of one.
fn write(dir: &Path, secrets: &BTreeMap<String, SecretString>) -> anyhow::Result<()> {
    let (path, new) = (dir.join("secrets"), dir.join(format!("secrets.{}", std::process::id())));
    let lines: Vec<_> = secrets.iter().map(|(name, secret)| format!("{name}={}", secret.expose_secret())).collect();
    let text = lines.join("\n") + "\n";
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new);
    written
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| std::fs::rename(&new, &path))
        .with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use shared::config::Source;

    use super::*;

    fn config(jwt: &str) -> Config {
        let env = [("DATABASE_URL", "postgres://h/db"), ("JWT_SECRET", jwt)];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Config::from_source(Source::new("", env.into())).unwrap()
    }

    #[test]
    fn what_is_made_up_is_kept_for_its_owner_alone_and_found_again() {
        let dir = std::env::temp_dir().join(format!("tradeyard-secrets-{}", uuid::Uuid::now_v7()));
        let (mut first, mut second) = (config(""), config(""));
        recall(&mut first, &dir).unwrap();
        assert_eq!(first.auth.jwt_secret.expose_secret(), "", "nothing was kept yet");
        make(&mut first, &dir).unwrap();
        let mode = std::fs::metadata(dir.join("secrets")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        recall(&mut second, &dir).unwrap();
        assert_eq!(second.auth.jwt_secret.expose_secret(), first.auth.jwt_secret.expose_secret());
        assert_eq!(second.s3.secret_access_key.expose_secret(), first.s3.secret_access_key.expose_secret());
        assert!(second.jwt_secret().is_ok());

        let given = "g".repeat(40);
        let mut third = config(&given);
        make(&mut third, &dir).unwrap();
        assert_eq!(third.auth.jwt_secret.expose_secret(), given, "what is set wins");
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
