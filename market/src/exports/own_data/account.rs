//! The account: who somebody is here, and what was sent to them.

use super::{column, part};

part! {
    PROFILE, "profile", "The account.",
    covers: [],
    columns: [
        column("id", "The person."),
        column("email", "The address."),
        column("email_verified_at", "When it was confirmed."),
        column("name", "The name."),
        column("status", "Whether the account is open."),
        column("platform_role", "The role on the platform."),
        column("locale", "The language."),
        column("time_zone", "The time zone."),
        column("quiet_from", "When your quiet hours begin, in minutes of the day."),
        column("quiet_to", "When they end."),
        column("created_at", "When the account was made."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.email, t.email_verified_at, t.name, t.status, t.platform_role, t.locale, t.time_zone,
                       t.quiet_from, t.quiet_to, t.created_at
        FROM users AS t
        WHERE t.id = $1
    "#
}

part! {
    SESSIONS, "sessions", "Logins on devices. Their tokens are not kept as they are, and not here.",
    covers: [("sessions", "user_id")],
    columns: [
        column("id", "The login."),
        column("user_agent", "The program, as it names itself."),
        column("created_at", "When somebody logged in."),
        column("refreshed_at", "When it was last used."),
        column("expires_at", "When it ends or ended."),
        column("revoked_at", "When it was ended before."),
        column("revoked_why", "Why."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.user_agent, t.created_at, t.refreshed_at, t.expires_at, t.revoked_at, t.revoked_why
        FROM sessions AS t
        WHERE t.user_id = $1
    "#
}

part! {
    SECOND_FACTOR, "second_factor", "Whether logins ask for a code of your app. What it is made of is kept sealed, and not here.",
    covers: [("two_factors", "user_id")],
    columns: [
        column("id", "The enrolment."),
        column("enrolled_at", "When you began with it."),
        column("confirmed_at", "Since when logins ask for it."),
        column("recovery_codes_left", "How many recovery codes you have not used."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.enrolled_at, t.confirmed_at,
                       (SELECT count(*) FROM recovery_codes AS c WHERE c.two_factors_id = t.id AND c.used_at IS NULL)
                           AS recovery_codes_left
        FROM two_factors AS t
        WHERE t.user_id = $1
    "#
}

part! {
    API_KEYS, "api_keys", "Keys with which systems call the API in your name. What they are is kept nowhere.",
    covers: [("api_keys", "created_by")],
    columns: [
        column("id", "The key."),
        column("org", "Of which organisation."),
        column("name", "How you call it."),
        column("prefix", "How it begins."),
        column("scopes", "What it may do."),
        column("created_at", "When you made it."),
        column("expires_at", "When it ends or ended."),
        column("last_used_at", "When it was last used, to within five minutes."),
        column("revoked_at", "When it was revoked."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.org_id AS org, t.name, t.prefix, t.scopes, t.created_at, t.expires_at, t.last_used_at,
                       t.revoked_at
        FROM api_keys AS t
        WHERE t.created_by = $1
    "#
}

part! {
    MEMBERSHIPS, "memberships", "Organisations that you belong to.",
    covers: [("memberships", "user_id")],
    columns: [
        column("org", "The organisation."),
        column("name", "Its name."),
        column("role", "Your role."),
        column("created_at", "Since when."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.org_id AS key, t.org_id AS org, o.legal_name AS name, t.role, t.created_at
        FROM memberships AS t
        JOIN orgs AS o ON o.id = t.org_id
        WHERE t.user_id = $1
    "#
}

part! {
    ORGANISATIONS, "organisations", "Organisations that you have founded.",
    covers: [("orgs", "created_by")],
    columns: [
        column("id", "The organisation."),
        column("name", "Its name."),
        column("country", "Its country."),
        column("kinds", "Whether it buys or sells."),
        column("status", "Whether it is approved."),
        column("created_at", "When you founded it."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.legal_name AS name, t.country, t.kinds, t.status, t.created_at
        FROM orgs AS t
        WHERE t.created_by = $1
    "#
}

part! {
    INVITATIONS, "invitations", "Invitations that you sent.",
    covers: [("invitations", "invited_by")],
    columns: [
        column("id", "The invitation."),
        column("org", "To which organisation."),
        column("email", "To which address."),
        column("role", "For which role."),
        column("created_at", "When."),
        column("ended_at", "When it was answered or taken back."),
        column("ended_how", "How."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.org_id AS org, t.email, t.role, t.created_at, t.ended_at, t.ended_how
        FROM invitations AS t
        WHERE t.invited_by = $1
    "#
}

part! {
    ACTS, "acts", "What you did that was written down.",
    covers: [("audit_entries", "actor")],
    columns: [
        column("seq", "The entry."),
        column("at", "When."),
        column("action", "What."),
        column("subject_kind", "To what kind of thing."),
        column("subject_id", "To which one."),
    ],
    key: "bigint",
    sql: r#"
        SELECT t.seq AS key, t.seq, t.at, t.action, t.subject_kind, t.subject_id
        FROM audit_entries AS t
        WHERE t.actor = $1
    "#
}

part! {
    NOTICES, "notices", "Emails to you.",
    covers: [("emails", "user_id")],
    columns: [
        column("id", "The email."),
        column("template", "What kind it is."),
        column("reference", "What it is about."),
        column("data", "What it shows, as JSON."),
        column("status", "Whether it was sent."),
        column("created_at", "When it was written."),
        column("finished_at", "When it was sent or given up."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.template, t.reference, t.data, t.status, t.created_at, t.finished_at
        FROM emails AS t
        WHERE t.user_id = $1
    "#
}

part! {
    READ_NOTICES, "read_notices", "Which news you have read inside the product.",
    covers: [("notices", "user_id")],
    columns: [
        column("id", "The email that says the same."),
        column("read_at", "When you read it."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.read_at
        FROM notices AS t
        WHERE t.user_id = $1
    "#
}

part! {
    REFUSED_MAIL, "refused_mail", "Whether your address refuses mail.",
    covers: [],
    columns: [
        column("address", "Your address."),
        column("reason", "Why nothing is sent there."),
        column("detail", "What its server said."),
        column("created_at", "Since when."),
    ],
    key: "text",
    sql: r#"
        SELECT t.address AS key, t.address, t.reason, t.detail, t.created_at
        FROM email_suppressions AS t
        WHERE t.address = (SELECT email FROM users WHERE id = $1)
    "#
}

part! {
    UNWANTED_MAIL, "unwanted_mail", "Mails that you do not want.",
    covers: [("email_opt_outs", "user_id")],
    columns: [
        column("category", "Of which kind."),
        column("since", "Since when."),
    ],
    key: "text",
    sql: r#"
        SELECT t.category AS key, t.category, t.since
        FROM email_opt_outs AS t
        WHERE t.user_id = $1
    "#
}

part! {
    UNWANTED_NOTICES, "unwanted_notices", "Notices inside the product that you do not want.",
    covers: [("notice_opt_outs", "user_id")],
    columns: [
        column("category", "Of which kind."),
        column("since", "Since when."),
    ],
    key: "text",
    sql: r#"
        SELECT t.category AS key, t.category, t.since
        FROM notice_opt_outs AS t
        WHERE t.user_id = $1
    "#
}

part! {
    SAVED_SEARCHES, "saved_searches", "Searches that you keep.",
    covers: [("saved_searches", "user_id")],
    columns: [
        column("id", "The search."),
        column("name", "How you call it."),
        column("query", "What it looks for, as JSON."),
        column("alerts", "Whether you are told of what is new."),
        column("created_at", "Since when."),
        column("mailed_on", "When you were last told."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.name, t.query, t.alerts, t.created_at, t.mailed_on
        FROM saved_searches AS t
        WHERE t.user_id = $1
    "#
}

part! {
    WATCHES, "watches", "Listings that you watch.",
    covers: [("watches", "user_id")],
    columns: [
        column("listing", "The listing."),
        column("title", "Its title."),
        column("created_at", "Since when."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.listing_id AS key, t.listing_id AS listing, l.title, t.created_at
        FROM watches AS t
        JOIN listings AS l ON l.id = t.listing_id
        WHERE t.user_id = $1
    "#
}

part! {
    BASKET, "basket", "What is in your baskets.",
    covers: [("basket_lines", "user_id")],
    columns: [
        column("org", "For which organisation."),
        column("listing", "Which listing."),
        column("quantity", "How many units."),
        column("added_at", "Since when."),
    ],
    key: "text",
    sql: r#"
        SELECT t.org_id::text || ' ' || t.listing_id::text AS key, t.org_id AS org, t.listing_id AS listing, t.quantity,
                       t.added_at
        FROM basket_lines AS t
        WHERE t.user_id = $1
    "#
}

part! {
    REPORTS, "reports", "Reports that you asked for.",
    covers: [("reports", "requested_by")],
    columns: [
        column("id", "The report."),
        column("org", "Of which organisation."),
        column("kind", "What is reported."),
        column("format", "As which file."),
        column("first_day", "From this day."),
        column("last_day", "To this day."),
        column("parameters", "How it is grouped and filtered, as JSON."),
        column("status", "What became of it."),
        column("created_at", "When you asked."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.org_id AS org, t.kind, t.format, t.first_day, t.last_day, t.parameters, t.status,
                       t.created_at
        FROM reports AS t
        WHERE t.requested_by = $1
    "#
}

part! {
    REPORT_SUBSCRIPTIONS, "report_subscriptions", "Reports that you get regularly.",
    covers: [("report_subscriptions", "user_id")],
    columns: [
        column("id", "The subscription."),
        column("org", "Of which organisation."),
        column("kind", "What is reported."),
        column("format", "As which file."),
        column("cadence", "How often."),
        column("parameters", "How it is grouped and filtered, as JSON."),
        column("falls_by", "By how many percent it must have fallen."),
        column("created_at", "Since when."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.org_id AS org, t.kind, t.format, t.cadence, t.parameters, t.falls_by, t.created_at
        FROM report_subscriptions AS t
        WHERE t.user_id = $1
    "#
}

part! {
    EXPORTS, "exports", "Exports that you asked for.",
    covers: [("exports", "requested_by")],
    columns: [
        column("id", "The export."),
        column("org", "Of which organisation."),
        column("kind", "What is exported."),
        column("format", "As which file."),
        column("filters", "Which rows, as JSON."),
        column("status", "What became of it."),
        column("created_at", "When you asked."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.org_id AS org, t.kind, t.format, t.filters, t.status, t.created_at
        FROM exports AS t
        WHERE t.requested_by = $1
    "#
}
