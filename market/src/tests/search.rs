//! The search's tables.

use super::{Breach, copy, many};

pub(super) fn breaches() -> Vec<Breach> {
    let sql = str::to_owned;
    let row = |changes: &str| {
        let draft = "'listing_id', (SELECT id FROM listings WHERE status = 'draft' LIMIT 1)";
        copy("listing_search", "true", &format!("{draft}, {changes}"))
    };
    let saved = |values: &str| {
        format!(
            "INSERT INTO saved_searches (id, user_id, name, asked, query)
             SELECT gen_random_uuid(), id, {values} FROM users LIMIT 1"
        )
    };
    let hit = |values: &str| {
        format!(
            "{}; INSERT INTO saved_search_hits (search_id, listing_id, found_at, mailed_at) SELECT {values} FROM saved_searches AS s",
            saved("'Mine', '{}', '{}'")
        )
    };
    let listing = "(SELECT id FROM listings LIMIT 1)";
    vec![
        ("saved_searches_name_length", saved("'', '{}', '{}'")),
        ("saved_searches_asked_size", saved("'Mine', '[]', '{}'")),
        ("saved_searches_asked_size", saved("'Mine', jsonb_build_object('q', repeat('x', 8192)), '{}'")),
        ("saved_searches_query_size", saved("'Mine', '{}', '1'")),
        ("saved_searches_query_size", saved("'Mine', '{}', jsonb_build_object('q', repeat('x', 16384))")),
        (
            "saved_searches_per_person",
            format!("{}; {}", saved("'Mine', '{}', '{}'"),
                many("saved_searches", "user_id, name, asked, query", "user_id, 'Mine', '{}', '{}'", 50)),
        ),
        ("saved_search_hits_of_search", hit(&format!("gen_random_uuid(), {listing}, now(), NULL::timestamptz"))),
        ("saved_search_hits_of_listing", hit("s.id, gen_random_uuid(), now(), NULL::timestamptz")),
        ("saved_search_hits_found_first", hit(&format!("s.id, {listing}, now(), now() - interval '1 second'"))),
        ("watches_of_known_listing", sql("INSERT INTO watches (user_id, listing_id) SELECT id, gen_random_uuid() FROM users LIMIT 1")),
        (
            "watches_per_person",
            sql("SET LOCAL session_replication_role = replica;
                 INSERT INTO watches (user_id, listing_id)
                 SELECT u.id, gen_random_uuid() FROM (SELECT id FROM users ORDER BY id LIMIT 1) AS u, generate_series(1, 1000);
                 SET LOCAL session_replication_role = origin;
                 INSERT INTO watches (user_id, listing_id)
                 SELECT u.id, l.id FROM (SELECT id FROM users ORDER BY id LIMIT 1) AS u, (SELECT id FROM listings LIMIT 1) AS l"),
        ),
        ("listing_search_of_listing", copy("listing_search", "true", "'listing_id', gen_random_uuid()")),
        ("listing_search_place_on_body", row("'body', 'earth'")),
        ("listing_search_place_on_body", row("'place', '(1,2)'")),
        (
            "listing_numbers_of_listing",
            sql("INSERT INTO listing_numbers (listing_id, name, value)
                 SELECT id, 'year', 2000 FROM listings WHERE status = 'draft' LIMIT 1"),
        ),
    ]
}
