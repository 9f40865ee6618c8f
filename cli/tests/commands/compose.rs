//! Checks that `docker-compose.yml` and the `Dockerfile` agree with the programs, without Docker.

use std::collections::{BTreeMap, BTreeSet};

use serde_yaml_ng::Value;
use shared::config::{Config, Source, keys};

const COMPOSE: &str = include_str!("../../../docker-compose.yml");
const DOCKERFILE: &str = include_str!("../../../Dockerfile");
const EXAMPLE: &str = include_str!("../../../tradeyard.example.toml");

/// The services, with every `<<` resolved.
fn services() -> BTreeMap<String, Value> {
    let mut file: Value = serde_yaml_ng::from_str(COMPOSE).unwrap();
    // One round resolves the references of one level.
    for _ in 0..4 {
        file.apply_merge().unwrap();
    }
    serde_yaml_ng::from_value(file["services"].clone()).unwrap()
}

/// The services that run our image.
fn programs() -> BTreeMap<String, Value> {
    services().into_iter().filter(|(_, service)| service["image"] == "tradeyard").collect()
}

/// The programs that are in the image.
fn built() -> BTreeSet<&'static str> {
    DOCKERFILE.split_whitespace().filter_map(|word| word.strip_prefix("target/release/")).collect()
}

/// A service's settings as the file has them.
fn written(service: &Value) -> BTreeMap<String, String> {
    serde_yaml_ng::from_value(service["environment"].clone()).unwrap()
}

/// The settings of a service when nothing is set but the secrets.
fn settings(service: &Value) -> BTreeMap<String, String> {
    written(service).into_iter().map(|(name, value)| (name, substituted(&value))).collect()
}

fn substituted(value: &str) -> String {
    let Some((before, rest)) = value.split_once("${") else { return value.to_owned() };
    let (reference, after) = rest.split_at(end_of_reference(rest));
    let inserted = match (reference.split_once(":-"), reference.split_once(":?")) {
        (Some((name, default)), _) if !name.contains(":?") => substituted(default),
        // 32 bytes in base64.
        (_, Some(("MASTER_KEY" | "CHAT_KEY", _))) => "5ec7e7".repeat(7) + "U=",
        (_, Some(_)) => "5ec7e7".repeat(8),
        _ => panic!("{value}: neither a default nor a demand"),
    };
    format!("{before}{inserted}{}", substituted(&after[1..]))
}

/// Where the brace is that ends a reference; a default may hold others.
fn end_of_reference(rest: &str) -> usize {
    let mut open = 1;
    let ends = |(_, c): &(usize, char)| {
        open += i32::from(*c == '{') - i32::from(*c == '}');
        open == 0
    };
    rest.char_indices().find(ends).unwrap().0
}

#[test]
fn every_pool_is_a_service_and_every_command_is_in_the_image() {
    let programs = programs();
    let pools: BTreeSet<_> = programs.keys().filter_map(|name| name.strip_prefix("worker-")).collect();
    assert_eq!(pools, workers::pools::NAMES.iter().copied().collect());
    for (name, service) in &programs {
        let command = service["command"][0].as_str().unwrap();
        assert!(built().contains(command), "{name}: {command}");
    }
    let pools = workers::pools::NAMES.iter().map(|pool| format!("worker-{pool}"));
    let wanted: BTreeSet<_> = pools.chain(["api", "scheduler", "tradeyard"].map(str::to_owned)).collect();
    assert_eq!(built().into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), wanted);
}

#[test]
fn every_setting_is_known_and_loads() {
    let known: BTreeSet<_> = keys::ALL.iter().map(|key| key.env).collect();
    for (name, service) in programs() {
        let settings = settings(&service);
        for setting in settings.keys() {
            assert!(known.contains(setting.as_str()), "{name}: {setting}");
        }
        let loaded = Config::from_source(Source::new("", settings.clone()));
        assert!(loaded.is_ok(), "{name}: {loaded:?}");
        let events = settings.contains_key("EVENTS_DATABASE_URL");
        assert!(events, "{name} would store or look for cargo events elsewhere");
    }
    let image = DOCKERFILE.split_once("\nENV HTTP_ADDR").unwrap().1;
    let image = format!("HTTP_ADDR{}", image.split_once("\nEXPOSE").unwrap().0);
    for setting in image.split_whitespace().filter(|word| *word != "\\") {
        let name = setting.split('=').next().unwrap();
        assert!(known.contains(name), "the image sets {name}");
    }
}

/// Where the programs listen inside their containers is the image's business.
const FIXED: [&str; 2] = ["HTTP_ADDR", "HEALTH_ADDR"];

/// Whether the program of a service reads this setting.
fn needs(service: &str, setting: &str) -> bool {
    match setting {
        "MASTER_KEY" | "WEBHOOK_PRIVATE_TARGETS" => ["api", "worker-emails"].contains(&service),
        "CHAT_KEY" => ["api", "worker-chat"].contains(&service),
        "JWT_SECRET"
        | "CACHE_URL"
        | "PASSWORD_COST"
        | "STAFF_SECOND_FACTOR"
        | "ERASURE_DAYS"
        | "CORS_ORIGINS"
        | "TRUSTED_PROXIES"
        | "RATE_LIMIT_ANONYMOUS"
        | "RATE_LIMIT_USER"
        | "RATE_LIMIT_STANDARD"
        | "RATE_LIMIT_PRO"
        | "RATE_LIMIT_PARTNER"
        | "CONNECTIONS"
        | "CONNECTIONS_PER_NETWORK"
        | "WRITE_SECONDS"
        | "SOCKET_SEND_SECONDS"
        | "SOCKETS_PER_SECOND"
        | "BODY_SECONDS"
        | "PAYMENTS_WEBHOOK_KEY"
        | "SMTP_WEBHOOK_KEY" => service == "api",
        "SMTP_URL" | "SMTP_FROM" | "SMTP_STREAM" | "SMTP_BROADCAST_STREAM" => service == "worker-emails",
        "MIGRATE_DATABASE_URL" | "MIGRATE_EVENTS_DATABASE_URL" => service == "migrate",
        "S3_ACCESS_KEY_ID" | "S3_SECRET_ACCESS_KEY" => {
            ["api", "worker-emails", "worker-reports", "worker-images", "worker-cargo"].contains(&service)
        }
        "REDIS_URL" | "AMQP_URL" | "CLOUDAMQP_URL" => service != "migrate",
        // The API takes webhooks, the workers ask the provider: neither has the other's key.
        "PAYMENTS_KEY" | "PAYMENTS_URL" => service == "worker-auctions",
        "PAYMENTS_PROVIDER" => service == "api" || service == "worker-auctions",
        "FX_URL" | "READ_DATABASE_URL" => service == "worker-reports",
        "CONCURRENCY" | "GRACE_SECONDS" => service.starts_with("worker-"),
        _ => true,
    }
}

#[test]
fn every_setting_reaches_each_program_that_reads_it() {
    for key in keys::ALL {
        if FIXED.contains(&key.env) {
            assert!(DOCKERFILE.contains(&format!("{}=", key.env)), "{} is not fixed in the Dockerfile", key.env);
            continue;
        }
        for (name, service) in programs().iter().filter(|(name, _)| needs(name, key.env)) {
            let value = written(service).remove(key.env).unwrap_or_default();
            let passed = value.starts_with(&format!("${{{}:", key.env));
            assert!(passed, "{name} does not get {} from whoever starts it: {value:?}", key.env);
        }
    }
}

/// The settings that the example calls secret.
fn secrets() -> Vec<&'static str> {
    let named = EXAMPLE.lines().filter_map(|line| line.split_once("] secret"));
    let secrets: Vec<_> = named.filter_map(|(before, _)| Some(before.rsplit_once('[')?.1)).collect();
    assert!(secrets.contains(&"JWT_SECRET") && secrets.contains(&"CLOUDAMQP_URL"), "{secrets:?}");
    secrets
}

#[test]
fn a_secret_reaches_no_program_that_does_not_use_it() {
    for (name, service) in programs() {
        let given = written(&service);
        for secret in secrets() {
            assert_eq!(given.contains_key(secret), needs(&name, secret), "{name}: {secret}");
        }
    }
}

#[test]
fn what_stays_up_has_a_health_check_and_waits_for_what_it_needs() {
    let services = services();
    for (name, service) in &services {
        // `migrate` runs to its end, and others wait for that.
        assert_eq!(service.get("healthcheck").is_some(), name != "migrate", "{name}");
        let needed: BTreeMap<String, Value> = match service.get("depends_on") {
            Some(needed) => serde_yaml_ng::from_value(needed.clone()).unwrap(),
            None => BTreeMap::new(),
        };
        for (other, how) in &needed {
            let wanted = if other == "migrate" { "service_completed_successfully" } else { "service_healthy" };
            assert_eq!(how["condition"], wanted, "{name} waits for {other}");
            assert!(services.contains_key(other), "{name} waits for {other}");
        }
        assert_eq!(needed.contains_key("mail"), name == "worker-emails", "{name}");
        let ours = service["image"] == "tradeyard" && name != "migrate";
        assert_eq!(needed.contains_key("migrate"), ours, "{name}");
    }
}
