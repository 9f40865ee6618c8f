//! Secrets that `tradeyard dev` generates if none are set. They are kept in a file that only its
//! owner can read, so that sessions and files outlive a restart and `tradeyard demo` can use the
//! same ones.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use shared::config::{Config, PaymentProvider, keys};
use shared::crypto::seal::KEY_BYTES;

/// Where `tradeyard dev` keeps its files unless another folder is given.
pub(crate) const DIR: &str = ".dev/sinks";

/// Fills in secrets that are not set, from the file in `dir` or with a new value that is then kept
/// there.
pub(crate) fn make(config: &mut Config, dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("make the folder {}", dir.display()))?;
    let mut kept = read(dir)?;
    let before = kept.len();
    for (name, slot) in slots(config) {
        if slot.expose_secret().is_empty() {
            *slot = kept.entry(name.to_owned()).or_insert_with(|| made_up(name)).clone();
        }
    }
    if kept.len() == before { Ok(()) } else { write(dir, &kept) }
}

/// Fills in secrets that are not set but have been generated for `dir` before.
pub(crate) fn recall(config: &mut Config, dir: &Path) -> anyhow::Result<()> {
    let kept = read(dir)?;
    for (name, slot) in slots(config) {
        if let (true, Some(secret)) = (slot.expose_secret().is_empty(), kept.get(name)) {
            *slot = secret.clone();
        }
    }
    Ok(())
}

fn slots(config: &mut Config) -> Vec<(&'static str, &mut SecretString)> {
    let mut slots = vec![
        (keys::JWT_SECRET.env, &mut config.auth.jwt_secret),
        (keys::MASTER_KEY.env, &mut config.encryption.master_key),
        (keys::CHAT_KEY.env, &mut config.encryption.chat_key),
        (keys::S3_ACCESS_KEY_ID.env, &mut config.s3.access_key_id),
        (keys::S3_SECRET_ACCESS_KEY.env, &mut config.s3.secret_access_key),
    ];
    // Those of a real provider cannot be made up.
    if config.payments.provider == Some(PaymentProvider::Simulator) {
        slots.push((keys::PAYMENTS_KEY.env, &mut config.payments.key));
        slots.push((keys::PAYMENTS_WEBHOOK_KEY.env, &mut config.payments.webhook_key));
    }
    slots
}

fn made_up(name: &str) -> SecretString {
    use rand::distr::{Alphanumeric, SampleString};
    if [keys::MASTER_KEY.env, keys::CHAT_KEY.env].contains(&name) {
        return STANDARD.encode(rand::random::<[u8; KEY_BYTES]>()).into();
    }
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

/// Writes a new file and then renames it, so that nobody reads half a file.
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
mod tests;
