//! Carriers and their secrets.

use shared::audit::Actor;
use shared::crypto::seal::Keyring;
use shared::testing::MASTER_KEY;
use sqlx::{Connection, PgConnection};

use super::{Breach, copy, many};
use crate::carriers::model::NewCarrier;
use crate::carriers::store::{create, rotate};
use crate::testing::Trader;

/// A carrier with a present secret and the one before it.
pub(super) async fn fill(conn: &mut PgConnection, of: Trader) {
    let keyring = Keyring::read(&MASTER_KEY.to_owned().into()).expect("a key");
    let new = NewCarrier { slug: "hansa".to_owned(), name: "Hansa".to_owned() };
    let by = Actor::User(of.user);
    let mut tx = conn.begin().await.expect("a transaction");
    let (carrier, _) = create(&mut tx, of.org, by, &new, &keyring).await.expect("a carrier");
    rotate(&mut tx, of.org, by, carrier.id, true, &keyring).await.expect("another secret");
    tx.commit().await.expect("committed");
}

pub(super) fn breaches() -> Vec<Breach> {
    let carrier = |changes: &str| copy("carriers", "true", &format!("'slug', 'other', {changes}"));
    let secret = |which: &str, changes: &str| copy("carrier_secrets", which, &format!("'version', 7, {changes}"));
    let present = |changes: &str| secret("good_until IS NULL", changes);
    vec![
        ("carriers_name_length", carrier("'name', ''")),
        ("carriers_slug_form", carrier("'slug', 'Hansa Freight'")),
        ("carriers_slug_form", carrier("'slug', 'a-'")),
        ("carriers_slug_form", carrier("'slug', repeat('a', 41)")),
        ("carriers_slug_once", carrier("'slug', t.slug")),
        ("carriers_per_org", many("carriers", "org_id, slug, name", "t.org_id, 'c-' || n, 'n'", 100)),
        ("carrier_secrets_of_carrier", present("'carrier_id', gen_random_uuid()")),
        ("carrier_secrets_in_order", present("'good_until', t.made_at - interval '1 second'")),
        ("carrier_secrets_sealed_length", present("'sealed', 'short'")),
        ("carrier_secrets_version_range", present("'version', 0")),
        ("carrier_secrets_one_present", present("'made_at', now()")),
        ("carrier_secrets_one_before", secret("good_until IS NOT NULL", "'made_at', t.made_at")),
    ]
}
