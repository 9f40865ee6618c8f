use super::*;

fn load(file: &str, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let env = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Config::from_source(Source::new(file, env))
}

#[test]
fn every_fault_is_listed_at_once_by_name() {
    let error = load(
        "nonsense = 1\n[database]\nconnections = \"many\"\nurll = \"x\"",
        &[("MODE", "prod"), ("REDIS_URL", "http://secret-host"), ("PASSWORD_COST", "2")],
    )
    .unwrap_err();
    let text = error.to_string();
    for name in
        ["DATABASE_URL", "DATABASE_CONNECTIONS", "database.urll", "nonsense", "MODE", "REDIS_URL", "PASSWORD_COST"]
    {
        assert!(text.contains(name), "{name} is missing in: {text}");
    }
    assert!(!text.contains("secret-host"), "a URL may hold a password: {text}");
}

#[test]
fn the_environment_wins_over_the_file() {
    let config = load("namespace = \"a\"\n[database]\nurl = \"postgres://file/db\"", &[("NAMESPACE", "b")]).unwrap();
    assert_eq!(config.namespace, "b");
    assert_eq!(config.database.url.expose_secret(), "postgres://file/db");
    assert_eq!(config.events_database_url.expose_secret(), "postgres://file/db");
}

#[test]
fn production_refuses_plaintext() {
    let error = load(
        "",
        &[
            ("MODE", "production"),
            ("DATABASE_URL", "postgres://h/db"),
            ("REDIS_URL", "redis://h"),
            ("AMQP_URL", "amqp://h"),
            ("PASSWORD_COST", "4"),
        ],
    )
    .unwrap_err();
    let names: Vec<_> = error.0.iter().map(|fault| fault.key.as_str()).collect();
    assert_eq!(
        names,
        ["DATABASE_URL", "PASSWORD_COST", "REDIS_URL", "AMQP_URL", "SMTP_URL", "PUBLIC_URL", "S3_ENDPOINT"]
    );
}

#[test]
fn the_example_file_is_complete_and_loads() {
    let example = include_str!("../../../tradeyard.example.toml");
    let config = load(example, &[]).unwrap();
    assert_eq!(config.mode, Mode::Development);
    let source = include_str!("mod.rs");
    for line in source.lines().filter(|line| line.contains(": Key = key(")) {
        let env = line.split('"').nth(1).unwrap();
        assert!(example.contains(env), "{env} is not explained in tradeyard.example.toml");
    }
}
