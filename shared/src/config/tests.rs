use super::*;

fn load(file: &str, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let env = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Config::from_source(Source::new(file, env))
}

/// Loads settings for development, with a database and the given ones.
fn load_env(env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    load("", &[&[("DATABASE_URL", "postgres://h/db")], env].concat())
}

#[track_caller]
fn faulty(result: Result<Config, ConfigError>) -> Vec<String> {
    result.unwrap_err().0.into_iter().map(|fault| fault.key).collect()
}

#[test]
fn every_fault_is_listed_at_once_by_name() {
    let wrong = [
        ("MODE", "prod"),
        ("LOG", "info,sqlx=loud"),
        ("LOG_FORMAT", "xml"),
        ("HEALTH_ADDR", "here"),
        ("CONCURRENCY", "0"),
        ("GRACE_SECONDS", "soon"),
        ("DATABASE_URL", "postgres://secret-host:port/db"),
        ("MIGRATE_DATABASE_URL", "postgres://secret-host:port/db"),
        ("READ_DATABASE_URL", "secret-host"),
        ("EVENTS_DATABASE_URL", "mysql://secret-host/db"),
        ("MIGRATE_EVENTS_DATABASE_URL", "secret-host"),
        ("REDIS_URL", "redis://secret-host/words"),
        ("CACHE_URL", "redis://secret-host/words"),
        ("AMQP_URL", "amqp://secret-host/%2f?heartbeat=often"),
        ("CLOUDAMQP_URL", "http://secret-host"),
        ("NAMESPACE", "a b"),
        ("DATABASE_LOCK_SECONDS", "0"),
        ("PUBLIC_URL", "here"),
        ("CORS_ORIGINS", "https://fine.example,https://shop.example/path"),
        ("CONNECTIONS", "0"),
        ("CONNECTIONS_PER_NETWORK", "some"),
        ("WRITE_SECONDS", "0"),
        ("SOCKETS_PER_SECOND", "0"),
        ("BODY_SECONDS", "26"),
        ("JWT_SECRET", "secret-host"),
        ("PASSWORD_COST", "2"),
        ("MASTER_KEY", "secret-host"),
        ("CHAT_KEY", "secret-host"),
        ("S3_ENDPOINT", "files"),
        ("S3_PUBLIC_ENDPOINT", "ftp://files"),
        ("S3_BUCKET", "A"),
        ("SMTP_URL", "smtp://secret-host?tls=perhaps"),
        ("SMTP_FROM", "nobody"),
        ("PAYMENTS_PROVIDER", "bank"),
        ("PAYMENTS_URL", "secret-host"),
        ("FX_URL", "the bank"),
        ("WEBHOOK_PRIVATE_TARGETS", "perhaps"),
    ];
    let error = load("nonsense = 1\n[database]\nconnections = \"many\"\nurll = \"x\"", &wrong).unwrap_err();
    let named: Vec<_> = error.0.iter().map(|fault| fault.key.as_str()).collect();
    let wanted = wrong.iter().map(|(name, _)| *name).chain(["DATABASE_CONNECTIONS", "database.urll", "nonsense"]);
    for name in wanted.clone() {
        assert!(named.contains(&name), "{name} is missing in: {error}");
    }
    assert_eq!(named.len(), wanted.count(), "each once: {error}");
    assert!(!error.to_string().contains("secret-host"), "an address or a key: {error}");
}

#[test]
fn what_is_missing_is_listed_with_the_rest() {
    let env = [("REDIS_URL", "x")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let error = Config::read(Source::new("", env.into()), &[keys::JWT_SECRET]).unwrap_err();
    let named: Vec<_> = error.0.iter().map(|fault| fault.key.as_str()).collect();
    assert_eq!(named, ["DATABASE_URL", "JWT_SECRET", "REDIS_URL"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    assert_eq!(faulty(load("", &[("DATABASE_URL_FILE", path)])), ["DATABASE_URL"], "an empty file holds no secret");
}

#[test]
fn every_kind_of_address_is_taken() {
    for (name, value) in [
        ("DATABASE_URL", "postgresql://me:%2F@[::1]:5432/db?sslmode=verify-full&sslrootcert=/ca.pem"),
        ("REDIS_URL", "redis://:word@h:6379/3"),
        ("REDIS_URL", "rediss://user:word@h:6380/"),
        ("CACHE_URL", "redis://:word@h:6379/1"),
        ("AMQP_URL", "amqp://h"),
        ("CLOUDAMQP_URL", "amqps://name:word@bear.rmq.cloudamqp.com/name?heartbeat=30"),
        ("SMTP_URL", "smtp://h:25?tls=opportunistic"),
        ("SMTP_URL", "smtps://user:p%40ss@h"),
        ("SMTP_FROM", "no-reply@localhost"),
        ("PUBLIC_URL", "https://shop.example/market/"),
        ("CORS_ORIGINS", "https://a.example, http://localhost:3000"),
        ("S3_PUBLIC_ENDPOINT", "https://files.example"),
    ] {
        assert!(load_env(&[(name, value)]).is_ok(), "{name} {value}");
    }
}

#[test]
fn cloudamqp_is_used_when_there_is_no_other() {
    let config = load_env(&[("CLOUDAMQP_URL", "amqps://bear.example/name")]).unwrap();
    assert_eq!(config.amqp_url.unwrap().expose_secret(), "amqps://bear.example/name");
    assert_eq!(faulty(load_env(&[("CLOUDAMQP_URL", "bear")])), ["CLOUDAMQP_URL"]);
}

#[test]
fn the_cache_has_a_database_of_its_own() {
    let both = |queues, cache| load_env(&[("REDIS_URL", queues), ("CACHE_URL", cache)]);
    for (queues, cache) in [
        ("redis://h", "redis://h:6379/0"),
        ("redis://:word@h:6379/", "redis://user:secret-host@H/"),
        ("redis://h/2", "redis://h/2"),
        ("redis://localhost", "redis://127.0.0.1"),
        // Whichever way it is reached.
        ("redis://h:6380", "rediss://h:6380"),
    ] {
        let error = both(queues, cache).unwrap_err();
        assert!(!error.to_string().contains("secret-host"), "{error}");
        assert_eq!(faulty(Err(error)), ["CACHE_URL"], "{queues} {cache}");
    }
    for (queues, cache) in [("redis://h", "redis://h/1"), ("redis://h", "redis://i"), ("redis://h:1", "redis://h:2")] {
        assert_eq!(both(queues, cache).unwrap().cache_url.unwrap().expose_secret(), cache);
    }
    assert!(load_env(&[("CACHE_URL", "redis://h")]).unwrap().cache_url.is_some(), "there are no queues in Redis");
    assert!(load_env(&[("REDIS_URL", "redis://h")]).unwrap().cache_url.is_none(), "off unless it is named");
}

#[test]
fn the_environment_wins_over_the_file() {
    let config = load("namespace = \"a\"\n[database]\nurl = \"postgres://file/db\"", &[("NAMESPACE", "b")]).unwrap();
    assert_eq!(config.namespace, "b");
    assert_eq!(config.database.url.expose_secret(), "postgres://file/db");
    assert_eq!(config.events_database_url.expose_secret(), "postgres://file/db");
}

#[test]
fn who_migrates_is_who_runs_unless_an_owner_is_named() {
    let owners = |env: &[(&str, &str)]| {
        let config = load_env(env).unwrap();
        [config.database.migrate_url, config.migrate_events_url].map(|url| url.expose_secret().to_owned())
    };
    let (owner, events) = (("MIGRATE_DATABASE_URL", "postgres://o@h/db"), ("EVENTS_DATABASE_URL", "postgres://h/log"));
    assert_eq!(owners(&[]), ["postgres://h/db", "postgres://h/db"]);
    assert_eq!(owners(&[owner]), ["postgres://o@h/db", "postgres://o@h/db"]);
    assert_eq!(owners(&[owner, events]), ["postgres://o@h/db", "postgres://h/log"]);
    let of_events = ("MIGRATE_EVENTS_DATABASE_URL", "postgres://o@h/log");
    assert_eq!(owners(&[owner, events, of_events]), ["postgres://o@h/db", "postgres://o@h/log"]);
    assert_eq!(faulty(load_env(&[of_events])), ["MIGRATE_EVENTS_DATABASE_URL"], "there is no such database");
}

/// Loads settings that production accepts, with some of them replaced.
fn production(replaced: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut env = std::collections::BTreeMap::from([
        ("MODE", "production"),
        ("DATABASE_URL", "postgres://h/db?sslmode=verify-full"),
        ("REDIS_URL", "rediss://h"),
        ("AMQP_URL", "amqps://h"),
        ("PUBLIC_URL", "https://shop.example"),
        ("S3_ENDPOINT", "https://files.example"),
        ("SMTP_URL", "smtps://h"),
    ]);
    env.extend(replaced.iter().copied());
    load("", &env.into_iter().collect::<Vec<_>>())
}

#[test]
fn production_refuses_plaintext() {
    assert!(production(&[]).is_ok());
    for (name, value) in [
        ("DATABASE_URL", "postgres://h/db"),
        ("DATABASE_URL", "postgres://h/db?sslmode=require"),
        ("DATABASE_URL", "postgres://me:sslmode=verify-full@h/db"),
        ("DATABASE_URL", "postgres://h/db?application_name=sslmode=verify-full"),
        ("DATABASE_URL", "postgres://h/db?host=other.example"),
        ("MIGRATE_DATABASE_URL", "postgres://h/db"),
        ("READ_DATABASE_URL", "postgres://h/replica"),
        ("EVENTS_DATABASE_URL", "postgres://h/events"),
        ("REDIS_URL", "redis://h"),
        ("REDIS_URL", "redis://:tls=required@h"),
        ("REDIS_URL", "redis://h?tls=required"),
        ("REDIS_URL", "rediss://h/#insecure"),
        ("CACHE_URL", "redis://h/1"),
        ("AMQP_URL", "amqp://h?tls=required"),
        ("CLOUDAMQP_URL", "amqp://h"),
        ("PUBLIC_URL", "http://shop.example"),
        ("PUBLIC_URL", ""),
        ("S3_ENDPOINT", "http://files.example"),
        ("S3_ENDPOINT", ""),
        ("S3_PUBLIC_ENDPOINT", "http://files.example"),
        ("SMTP_URL", "smtp://h"),
        ("SMTP_URL", "smtp://user:tls=required@h"),
        ("SMTP_URL", "smtp://h?tls=opportunistic"),
        ("FX_URL", "http://rates.example/today.xml"),
        ("PASSWORD_COST", "4"),
        ("WEBHOOK_PRIVATE_TARGETS", "true"),
        ("JWT_SECRET", "short"),
        ("PAYMENTS_PROVIDER", "simulator"),
        ("PAYMENTS_URL", "http://payments.example"),
        ("PAYMENTS_KEY", "of nobody"),
        ("PAYMENTS_WEBHOOK_KEY", "of nobody"),
    ] {
        assert_eq!(faulty(production(&[(name, value)])), [name], "{value}");
    }
    assert!(production(&[("SMTP_URL", "smtp://h?tls=required")]).is_ok());
    // On a Unix socket, nobody else can listen in.
    assert!(production(&[("DATABASE_URL", "postgres://me@localhost/db?host=/run/postgresql")]).is_ok());
}

#[test]
fn production_allows_what_the_operations_manual_says() {
    let limits = production(&[]).unwrap().http.rate_limits;
    assert_eq!(limits, RateLimits { anonymous: 100, user: 1_000, standard: 2_000, pro: 3_000, partner: 5_000 });
    let set = production(&[("RATE_LIMIT_USER", "2000")]).unwrap().http.rate_limits;
    assert_eq!(set, RateLimits { user: 2_000, ..limits });
}

#[test]
fn a_better_plan_has_no_fewer_requests_where_only_a_lesser_ones_are_set() {
    let limits = production(&[]).unwrap().http.rate_limits;
    let set = |settings: &[(&str, &str)]| production(settings).unwrap().http.rate_limits;
    let more = set(&[("RATE_LIMIT_USER", "4000")]);
    assert_eq!(more, RateLimits { user: 4_000, standard: 4_000, pro: 4_000, ..limits });
    let most = set(&[("RATE_LIMIT_STANDARD", "8000")]);
    assert_eq!(most, RateLimits { standard: 8_000, pro: 8_000, partner: 8_000, ..limits });
    // What is set is what holds.
    let fewer = set(&[("RATE_LIMIT_USER", "4000"), ("RATE_LIMIT_STANDARD", "3000"), ("RATE_LIMIT_PARTNER", "10")]);
    assert_eq!(fewer, RateLimits { user: 4_000, standard: 3_000, partner: 10, ..limits });
}

#[test]
fn development_pays_at_the_simulator_and_production_nowhere_unless_it_says_where() {
    let payments = load_env(&[]).unwrap().payments;
    assert_eq!((payments.provider, &*payments.url), (Some(PaymentProvider::Simulator), "http://127.0.0.1:7327"));
    assert_eq!(production(&[]).unwrap().payments.provider, None);
    let keys = [("PAYMENTS_KEY", "sk_live_secret"), ("PAYMENTS_WEBHOOK_KEY", "whsec_secret")];
    let payments = production(&[&[("PAYMENTS_PROVIDER", "stripe")], &keys[..]].concat()).unwrap().payments;
    assert_eq!((payments.provider, &*payments.url), (Some(PaymentProvider::Stripe), "https://api.stripe.com"));
    assert!(payments.key().is_ok() && payments.webhook_keys().is_ok());
}

#[test]
fn a_program_without_the_key_that_it_needs_says_which() {
    let payments = load_env(&[]).unwrap().payments;
    assert_eq!(payments.key().unwrap_err().0[0].key, "PAYMENTS_KEY");
    assert_eq!(payments.webhook_keys().unwrap_err().0[0].key, "PAYMENTS_WEBHOOK_KEY");
}

#[test]
fn keys_of_stripe_are_told_from_others_and_real_money_from_tests() {
    for (name, value) in [
        ("PAYMENTS_KEY", "pk_test_secret-host"),
        ("PAYMENTS_KEY", "sk_live_secret-host"),
        ("PAYMENTS_KEY", "rk_live_secret-host"),
        ("PAYMENTS_WEBHOOK_KEY", "sk_test_secret-host"),
        ("PAYMENTS_WEBHOOK_KEY", "whsec_a,secret-host"),
    ] {
        let error = load_env(&[("PAYMENTS_PROVIDER", "stripe"), (name, value)]).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        assert!(!error.to_string().contains("secret-host"), "{error}");
    }
    let fine = [("PAYMENTS_KEY", "sk_test_a"), ("PAYMENTS_WEBHOOK_KEY", "whsec_a, whsec_b")];
    let payments = load_env(&[&[("PAYMENTS_PROVIDER", "stripe")], &fine[..]].concat()).unwrap().payments;
    let keys = payments.webhook_keys().unwrap();
    assert_eq!(keys.iter().map(ExposeSecret::expose_secret).collect::<Vec<_>>(), ["whsec_a", "whsec_b"]);
}

#[test]
fn keys_of_mollie_are_told_from_others_and_real_money_from_tests() {
    let mollie = ("PAYMENTS_PROVIDER", "mollie");
    for value in ["sk_test_secret-host", "live_secret-host", "access_secret-host", "test_a,test_secret-host"] {
        let error = load_env(&[mollie, ("PAYMENTS_KEY", value)]).unwrap_err();
        assert!(error.to_string().contains("PAYMENTS_KEY"), "{error}");
        assert!(!error.to_string().contains("secret-host"), "{error}");
    }
    for value in ["test_a", "test_a, access_b"] {
        let payments = load_env(&[mollie, ("PAYMENTS_KEY", value)]).unwrap().payments;
        assert_eq!((payments.provider, &*payments.url), (Some(PaymentProvider::Mollie), "https://api.mollie.com"));
    }
    assert!(production(&[mollie, ("PAYMENTS_KEY", "live_a,access_b")]).is_ok());
}

#[test]
fn the_example_file_is_complete_and_loads() {
    let example = include_str!("../../../tradeyard.example.toml");
    let config = load(example, &[]).unwrap();
    assert_eq!(config.mode, Mode::Development);
    assert_eq!(config.http.connections, ConnectionLimits::DEFAULT);
    for key in keys::ALL {
        assert!(example.contains(&format!("[{}]", key.env)), "{} is not explained in tradeyard.example.toml", key.env);
    }
}
