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
    assert!(second.jwt_secret().is_ok() && second.keyring().is_ok() && second.chat_keyring().is_ok());
    assert!(second.payments.key().is_ok() && second.payments.webhook_keys().is_ok(), "the simulator's");

    let given = "g".repeat(40);
    let mut third = config(&given);
    make(&mut third, &dir).unwrap();
    assert_eq!(third.auth.jwt_secret.expose_secret(), given, "what is set wins");
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn keys_of_a_real_payment_provider_are_not_made_up() {
    let dir = std::env::temp_dir().join(format!("tradeyard-secrets-{}", uuid::Uuid::now_v7()));
    let mut config = config("");
    config.payments.provider = Some(PaymentProvider::Stripe);
    make(&mut config, &dir).unwrap();
    assert!(config.payments.key().is_err() && config.payments.webhook_keys().is_err());
    std::fs::remove_dir_all(&dir).unwrap();
}
