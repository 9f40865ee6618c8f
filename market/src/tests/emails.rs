//! What people do not want to be mailed about.

use sqlx::PgConnection;

use super::{Breach, copy};
use crate::emails::model::EmailCategory;
use crate::emails::store::preferences::want;
use crate::testing::Trader;

pub(super) async fn fill(conn: &mut PgConnection, of: Trader) {
    want(conn, of.user, EmailCategory::Watches, false).await.expect("noted");
}

pub(super) fn breaches() -> Vec<Breach> {
    let opt_out = |changes: &str| copy("email_opt_outs", "true", changes);
    vec![
        ("email_opt_outs_category_known", opt_out("'category', 'invoices'")),
        ("email_opt_outs_once", opt_out("'since', now()")),
        ("users_quiet_hours", "UPDATE users SET quiet_from = 1320".to_owned()),
        ("users_quiet_hours", "UPDATE users SET quiet_from = 1320, quiet_to = 1440".to_owned()),
        ("users_quiet_hours", "UPDATE users SET quiet_from = 1320, quiet_to = 1320".to_owned()),
        ("users_unsubscribe_key_length", "UPDATE users SET unsubscribe_key = 'short'".to_owned()),
    ]
}
