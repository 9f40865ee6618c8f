//! Attempts to pay a checkout.

use shared::ids::{OrgId, UserId};
use shared::invalid::violated;
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::{EscrowError, read, seconds};
use crate::checkout::model::CheckoutStatus;
use crate::checkout::store as checkouts;
use crate::escrow::model::{CheckoutPayment, PaymentStatus};
use crate::escrow::rules::CONFIRM_WITHIN;
use crate::ids::{CheckoutId, PaymentId};
use crate::payments::{CaptureMode, Charge, Provider, ProviderRef};

/// Begins to pay a checkout of `buyer`; nobody is asked for money yet. Needs a transaction.
pub async fn begin(
    conn: &mut PgConnection,
    buyer: OrgId,
    by: UserId,
    checkout: CheckoutId,
    provider: Provider,
    method: &str,
) -> Result<CheckoutPayment, EscrowError> {
    let locked = checkouts::lock(conn, checkout).await?.filter(|locked| locked.buyer == buyer);
    let locked = locked.ok_or(EscrowError::NotFound)?;
    if locked.status != CheckoutStatus::Open {
        return Err(EscrowError::CheckoutEnded(locked.status));
    }
    if locked.paying {
        return Err(EscrowError::Paying);
    }
    if locked.now > locked.pay_by && !locked.owed {
        return Err(EscrowError::TooLate);
    }
    let id = PaymentId::generate();
    sqlx::query!(
        "INSERT INTO payments (id, checkout_id, attempt, provider, method, amount_minor, currency, created_by)
         SELECT $1, c.id, (SELECT coalesce(max(attempt), 0) + 1 FROM payments WHERE checkout_id = c.id), $3, $4,
                c.payable_minor, c.currency, $5
         FROM checkouts AS c
         WHERE c.id = $2",
        id.0,
        checkout.0,
        provider as Provider,
        method,
        by.0,
    )
    .execute(&mut *conn)
    .await
    .map_err(|error| match violated(&error) {
        Some("payments_attempt_range") => EscrowError::TooManyAttempts,
        _ => error.into(),
    })?;
    read::payment_row(conn, id).await?.ok_or(EscrowError::NotFound)
}

/// What to ask a provider for.
#[derive(Clone, Debug)]
pub struct Charging {
    pub provider: Provider,
    pub charge: Charge,
    /// Whether the provider may have been asked before: then it is asked what became of that.
    pub again: bool,
    /// The provider's name for the payment, once it has answered. By that name it is asked from then on: providers forget keys, and
    /// Stripe finds none of a payment that waits for its payer.
    pub known: Option<ProviderRef>,
    /// Whether the payer has let the time pass in which they were to confirm it with their bank, or what it is to pay is over. The
    /// provider may not have named a page for that, so that it makes no difference here whether one is known.
    pub given_up: bool,
}

/// Makes a payment ready to be asked for: from now on the provider may have the money. `None`: it is decided, or its
/// checkout is over and nobody is to be asked. Needs a transaction, which must be committed before the provider is asked.
pub async fn start_charge(conn: &mut PgConnection, id: PaymentId) -> Result<Option<Charging>, EscrowError> {
    let Some(checkout) = checkout_of(conn, id).await? else { return Ok(None) };
    let locked = checkouts::lock(conn, checkout).await?.ok_or(EscrowError::NotFound)?;
    let row = sqlx::query!(
        r#"SELECT provider AS "provider: Provider", method, amount_minor, currency AS "currency: Currency",
                  status AS "status: PaymentStatus", provider_ref AS "known: ProviderRef",
                  coalesce(waits_since, created_at) < clock_timestamp() - make_interval(secs => $2) AS "given_up!"
           FROM payments
           WHERE id = $1"#,
        id.0,
        seconds(CONFIRM_WITHIN),
    )
    .fetch_one(&mut *conn)
    .await?;
    let again = match row.status {
        PaymentStatus::Created if locked.status == CheckoutStatus::Open => false,
        PaymentStatus::Funding => true,
        PaymentStatus::Created => {
            sqlx::query!("UPDATE payments SET status = 'cancelled', ended_at = clock_timestamp() WHERE id = $1", id.0)
                .execute(conn)
                .await?;
            return Ok(None);
        }
        PaymentStatus::Held | PaymentStatus::Failed | PaymentStatus::Cancelled => return Ok(None),
    };
    if !again {
        sqlx::query!("UPDATE payments SET status = 'funding' WHERE id = $1", id.0).execute(conn).await?;
    }
    let charge = Charge {
        amount: Money::from_minor(row.amount_minor, row.currency),
        capture: CaptureMode::Automatic,
        method: row.method,
        reference: id.to_string(),
    };
    // What was asked once is asked to the end, also when the checkout is over: a provider that is slow may do it yet, and money that
    // comes then goes back.
    let given_up = row.given_up || locked.status != CheckoutStatus::Open;
    Ok(Some(Charging { provider: row.provider, charge, again, known: row.known, given_up }))
}

/// Which checkout a payment is of; that never changes, so that it needs no lock.
pub(super) async fn checkout_of(conn: &mut PgConnection, id: PaymentId) -> Result<Option<CheckoutId>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT checkout_id AS "id: CheckoutId" FROM payments WHERE id = $1"#, id.0)
        .fetch_optional(conn)
        .await
}
