//! Every setting: its name in the environment and its place in the file.

use super::Key;

macro_rules! keys {
    ($($name:ident: $file:literal)*) => {
        $(pub const $name: Key = Key { env: stringify!($name), file: $file };)*
        /// All of them.
        pub const ALL: &[Key] = &[$($name),*];
    };
}

keys! {
    MODE: "mode"
    LOG: "log.filter"
    LOG_FORMAT: "log.format"
    HEALTH_ADDR: "health.addr"
    CONCURRENCY: "workers.concurrency"
    GRACE_SECONDS: "workers.grace_seconds"
    DATABASE_URL: "database.url"
    MIGRATE_DATABASE_URL: "database.migrate_url"
    READ_DATABASE_URL: "database.read_url"
    DATABASE_CONNECTIONS: "database.connections"
    DATABASE_STATEMENT_SECONDS: "database.statement_seconds"
    DATABASE_LOCK_SECONDS: "database.lock_seconds"
    DATABASE_IDLE_SECONDS: "database.idle_seconds"
    EVENTS_DATABASE_URL: "events.database_url"
    MIGRATE_EVENTS_DATABASE_URL: "events.migrate_url"
    REDIS_URL: "redis.url"
    CACHE_URL: "cache.url"
    AMQP_URL: "amqp.url"
    CLOUDAMQP_URL: "amqp.cloudamqp_url"
    NAMESPACE: "namespace"
    HTTP_ADDR: "http.addr"
    PUBLIC_URL: "http.public_url"
    CORS_ORIGINS: "http.cors_origins"
    TRUSTED_PROXIES: "http.trusted_proxies"
    RATE_LIMIT_ANONYMOUS: "http.rate_limit_anonymous"
    RATE_LIMIT_USER: "http.rate_limit_user"
    RATE_LIMIT_STANDARD: "http.rate_limit_standard"
    RATE_LIMIT_PRO: "http.rate_limit_pro"
    RATE_LIMIT_PARTNER: "http.rate_limit_partner"
    CONNECTIONS: "http.connections"
    CONNECTIONS_PER_NETWORK: "http.connections_per_network"
    WRITE_SECONDS: "http.write_seconds"
    SOCKET_SEND_SECONDS: "http.socket_send_seconds"
    SOCKETS_PER_SECOND: "http.sockets_per_second"
    BODY_SECONDS: "http.body_seconds"
    JWT_SECRET: "auth.jwt_secret"
    PASSWORD_COST: "auth.password_cost"
    STAFF_SECOND_FACTOR: "auth.staff_second_factor"
    ERASURE_DAYS: "auth.erasure_days"
    MASTER_KEY: "encryption.master_key"
    CHAT_KEY: "encryption.chat_key"
    S3_ENDPOINT: "s3.endpoint"
    S3_PUBLIC_ENDPOINT: "s3.public_endpoint"
    S3_REGION: "s3.region"
    S3_BUCKET: "s3.bucket"
    S3_ACCESS_KEY_ID: "s3.access_key_id"
    S3_SECRET_ACCESS_KEY: "s3.secret_access_key"
    SMTP_URL: "smtp.url"
    SMTP_FROM: "smtp.from"
    SMTP_STREAM: "smtp.stream"
    SMTP_BROADCAST_STREAM: "smtp.broadcast_stream"
    SMTP_WEBHOOK_KEY: "smtp.webhook_key"
    PAYMENTS_PROVIDER: "payments.provider"
    PAYMENTS_URL: "payments.url"
    PAYMENTS_KEY: "payments.key"
    PAYMENTS_WEBHOOK_KEY: "payments.webhook_key"
    FX_URL: "fx.url"
    WEBHOOK_PRIVATE_TARGETS: "webhooks.private_targets"
}
