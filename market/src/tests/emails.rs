//! What people do not want to be mailed about.

use sqlx::PgConnection;

use super::{Breach, copy};
use crate::emails::model::{Content, EmailCategory, OrgApproved};
use crate::emails::store::insert_for;
use crate::emails::store::preferences::{Channel, want};
use crate::testing::Trader;

pub(super) async fn fill(conn: &mut PgConnection, of: Trader) {
    want(conn, of.user, Channel::Mails, EmailCategory::Watches, false).await.expect("noted");
    want(conn, of.user, Channel::Notices, EmailCategory::Watches, false).await.expect("noted");
    let news = Content::OrgApproved(OrgApproved { org: of.org, org_name: "Hof".to_owned() });
    insert_for(conn, &[of.user], "1", &news).await.expect("posted");
}

pub(super) fn breaches() -> Vec<Breach> {
    let opt_out = |changes: &str| copy("email_opt_outs", "true", changes);
    let no_notice = |changes: &str| copy("notice_opt_outs", "true", changes);
    vec![
        ("email_opt_outs_category_known", opt_out("'category', 'invoices'")),
        ("email_opt_outs_once", opt_out("'since', now()")),
        ("notice_opt_outs_category_known", no_notice("'category', 'invoices'")),
        ("notice_opt_outs_once", no_notice("'since', now()")),
        ("notices_of_email", copy("notices", "true", "")),
        ("notices_read_later", "UPDATE notices SET read_at = created_at - interval '1 second'".to_owned()),
        ("notices_fixed", "UPDATE notices SET created_at = now() - interval '1 day'".to_owned()),
        (
            "notices_fixed",
            "UPDATE notices SET read_at = now() + interval '1 day'; UPDATE notices SET read_at = NULL".to_owned(),
        ),
        ("users_quiet_hours", "UPDATE users SET quiet_from = 1320".to_owned()),
        ("users_quiet_hours", "UPDATE users SET quiet_from = 1320, quiet_to = 1440".to_owned()),
        ("users_quiet_hours", "UPDATE users SET quiet_from = 1320, quiet_to = 1320".to_owned()),
        ("users_unsubscribe_key_length", "UPDATE users SET unsubscribe_key = 'short'".to_owned()),
    ]
}
