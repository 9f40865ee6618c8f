//! On a real database.

use shared::audit::Actor;
use shared::money::{Currency, Money};
use shared::testing::TestDb;
use sqlx::{Connection, PgConnection};

use super::*;
use crate::escrow::model::PaymentStatus;
use crate::identity::Plan;
use crate::identity::store::{OrgError, change_plan};
use crate::ids::{PaymentId, PlanChargeId};
use crate::payments::{Payment, PaymentState, Provider};
use crate::plans::model::{OrgPlan, PlanCharge, PlanChargeKind, SubscriptionStatus};
use crate::testing::{Trader, captured, eur, trader};

mod dunning;
mod races;
mod terms;

/// Runs an act in a transaction of its own.
async fn act<T, E: std::fmt::Debug>(
    conn: &mut PgConnection,
    act: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E> {
    let mut tx = conn.begin().await.expect("a transaction");
    let done = act(&mut tx).await;
    if done.is_ok() {
        tx.commit().await.expect("committed");
    } else {
        tx.rollback().await.expect("rolled back");
    }
    done
}

async fn chosen(conn: &mut PgConnection, owner: Trader, plan: Plan) -> Option<PlanChargeId> {
    act(conn, async |tx| choose(tx, owner.org, owner.user, plan, None).await).await.expect("chosen").charge
}

async fn standing(conn: &mut PgConnection, owner: Trader) -> OrgPlan {
    of_org(conn, owner.org).await.expect("read")
}

async fn owed(conn: &mut PgConnection, owner: Trader) -> Vec<PlanCharge> {
    charges(conn, owner.org, None, 100).await.expect("read")
}

/// Pays a charge as a provider that answers at once would.
async fn paid(conn: &mut PgConnection, owner: Trader, charge: PlanChargeId) -> PlanSettled {
    let (payment, owed) = begun(conn, owner, charge).await.expect("begun");
    act(conn, async |tx| settle(tx, payment, &captured(payment, owed.amount)).await).await.expect("settled")
}

/// Begins to pay a charge, and asks.
async fn begun(
    conn: &mut PgConnection,
    owner: Trader,
    charge: PlanChargeId,
) -> Result<(PaymentId, PlanCharge), PlanError> {
    act(conn, async |tx| {
        let begun = begin(tx, owner.org, owner.user, charge, Provider::Simulator, "card").await?;
        start_charge(tx, begun.0).await?.expect("undecided");
        Ok::<_, PlanError>(begun)
    })
    .await
}

/// Lets so many days pass for an organisation: everything about its subscriptions was so much earlier.
async fn pass(conn: &mut PgConnection, owner: Trader, days: i32) {
    let mut tx = conn.begin().await.expect("a transaction");
    for sql in [
        // The tables refuse this: what was promised does not move.
        "SET LOCAL session_replication_role = replica",
        "UPDATE plan_terms SET starts_on = starts_on - $2::integer, ends_on = ends_on - $2::integer,
                               starts_at = starts_at - make_interval(days => $2), ends_at = ends_at - make_interval(days => $2)
         WHERE subscription_id IN (SELECT id FROM plan_subscriptions WHERE org_id = $1)",
        "UPDATE plan_charges SET due_at = due_at - make_interval(days => $2), act_at = act_at - make_interval(days => $2)
         WHERE subscription_id IN (SELECT id FROM plan_subscriptions WHERE org_id = $1)",
        "UPDATE plan_subscriptions SET renews_at = renews_at - make_interval(days => $2) WHERE org_id = $1",
    ] {
        let query = sqlx::query(sql);
        let query = if sql.starts_with("SET") { query } else { query.bind(owner.org).bind(days) };
        query.execute(&mut *tx).await.expect("moved");
    }
    tx.commit().await.expect("committed");
}

/// Moves the end of the current term a second into the past.
async fn end_term(conn: &mut PgConnection, owner: Trader) {
    let mut tx = conn.begin().await.expect("a transaction");
    for sql in [
        "SET LOCAL session_replication_role = replica",
        "UPDATE plan_terms AS t SET starts_at = least(starts_at, now() - interval '1 hour'), ends_at = now() - interval '1 second'
         FROM plan_subscriptions AS s
         WHERE s.org_id = $1 AND s.status <> 'cancelled' AND t.subscription_id = s.id AND t.number = s.term",
        "UPDATE plan_subscriptions SET renews_at = now() - interval '1 second' WHERE org_id = $1 AND status <> 'cancelled'",
    ] {
        let query = sqlx::query(sql);
        let query = if sql.starts_with("SET") { query } else { query.bind(owner.org) };
        query.execute(&mut *tx).await.expect("moved");
    }
    tx.commit().await.expect("committed");
}

async fn renewed(conn: &mut PgConnection, owner: Trader) -> Renewed {
    let open = standing(conn, owner).await.subscription.expect("a subscription");
    act(conn, async |tx| renew(tx, open.id, open.term).await).await.expect("renewed")
}

/// What the platform has earned with plans, and what lies at the provider for it.
async fn books(conn: &mut PgConnection) -> (i64, i64) {
    let sum = "SELECT coalesce(sum(e.amount_minor), 0)::bigint
               FROM money_entries AS e
               JOIN money_accounts AS a ON a.id = e.account_id
               WHERE a.org_id IS NULL AND a.kind = $1";
    let earned = sqlx::query_scalar(sum).bind("plans").fetch_one(&mut *conn).await.expect("a sum");
    let cash = sqlx::query_scalar(sum).bind("cash").fetch_one(conn).await.expect("a sum");
    (earned, cash)
}
