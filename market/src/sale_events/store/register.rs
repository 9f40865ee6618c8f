//! Who may bid in an event, and up to how much.

use chrono::{DateTime, Utc};
use serde_json::json;
use shared::audit::{self, Actor};
use shared::ids::{OrgId, UserId};
use shared::invalid::Invalid;
use shared::money::{Currency, Money};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{SaleEventError, lock, lock_own};
use crate::auctions::model::Participant;
use crate::ids::{RegistrationId, SaleEventId};
use crate::sale_events::model::{OwnRegistration, Registration, RegistrationStatus};
use crate::sale_events::rules::{Stored, decide_bidder, decide_registration};

struct Row {
    id: RegistrationId,
    event_id: SaleEventId,
    org_id: OrgId,
    org_name: String,
    currency: Currency,
    status: RegistrationStatus,
    limit_minor: Option<i64>,
    reserved_minor: i64,
    requested_at: DateTime<Utc>,
    decided_at: Option<DateTime<Utc>>,
}

impl Row {
    /// As the seller sees it, too.
    fn shown(self) -> Registration {
        Registration {
            id: self.id,
            event_id: self.event_id,
            org_id: self.org_id,
            org_name: self.org_name,
            status: self.status,
            limit: self.limit_minor.map(|minor| Money::from_minor(minor, self.currency)),
            requested_at: self.requested_at,
            decided_at: self.decided_at,
        }
    }

    fn own(self) -> OwnRegistration {
        let reserved = Money::from_minor(self.reserved_minor, self.currency);
        let left = Money::from_minor(self.limit_minor.unwrap_or(0) - self.reserved_minor, self.currency);
        OwnRegistration { registration: self.shown(), reserved, left }
    }
}

async fn rows(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT b.id AS "id: RegistrationId", b.event_id AS "event_id: SaleEventId", b.org_id AS "org_id: OrgId",
                  o.legal_name AS org_name, b.currency AS "currency: Currency", b.status AS "status: RegistrationStatus",
                  b.limit_minor, b.reserved_minor, b.requested_at, b.decided_at
           FROM sale_event_bidders AS b
           JOIN orgs AS o ON o.id = b.org_id
           WHERE b.id = ANY ($1)
           ORDER BY b.id"#,
        ids,
    )
    .fetch_all(conn)
    .await
}

/// Asks for `org` to bid in an event: approved at once if it has a limit for everybody, otherwise the seller decides. Who has asked
/// before stays as they are. Needs a transaction.
pub async fn register(
    conn: &mut PgConnection,
    org: OrgId,
    by: UserId,
    event: SaleEventId,
) -> Result<OwnRegistration, SaleEventError> {
    let locked = lock(conn, event).await?;
    let open = sqlx::query_scalar!(
        r#"SELECT count(*) AS "open!"
           FROM sale_event_lots AS l
           JOIN auctions AS a ON a.id = l.auction_id
           WHERE l.event_id = $1
             AND a.status IN ('scheduled', 'live')"#,
        event.0,
    )
    .fetch_one(&mut *conn)
    .await?;
    decide_registration(locked.status, open, locked.seller, org)?;
    let status = match locked.default_limit_minor {
        Some(_) => RegistrationStatus::Approved,
        None => RegistrationStatus::Requested,
    };
    sqlx::query!(
        "INSERT INTO sale_event_bidders
             (id, event_id, seller_org_id, currency, org_id, status, limit_minor, requested_by, decided_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, CASE WHEN $7::bigint IS NOT NULL THEN clock_timestamp() END)
         ON CONFLICT (event_id, org_id) DO NOTHING",
        RegistrationId::generate().0,
        event.0,
        locked.seller.0,
        locked.currency as Currency,
        org.0,
        status as RegistrationStatus,
        locked.default_limit_minor,
        by.0,
    )
    .execute(&mut *conn)
    .await?;
    own(conn, org, event).await?.ok_or(SaleEventError::NotFound("registration"))
}

/// The registration of an organisation in an event, if it has asked.
pub async fn own(
    conn: &mut PgConnection,
    org: OrgId,
    event: SaleEventId,
) -> Result<Option<OwnRegistration>, SaleEventError> {
    let ids =
        sqlx::query_scalar!("SELECT id FROM sale_event_bidders WHERE event_id = $1 AND org_id = $2", event.0, org.0,)
            .fetch_all(&mut *conn)
            .await?;
    Ok(rows(conn, &ids).await?.pop().map(Row::own))
}

/// The registrations in an event, oldest first, after `after`. What is reserved is not in them: secret maxima follow from it.
pub async fn registrations(
    conn: &mut PgConnection,
    event: SaleEventId,
    after: Option<RegistrationId>,
    limit: i64,
) -> Result<Vec<Registration>, SaleEventError> {
    let ids = sqlx::query_scalar!(
        "SELECT id
         FROM sale_event_bidders
         WHERE event_id = $1
           AND id > $2
         ORDER BY id
         LIMIT $3",
        event.0,
        after.map_or(Uuid::nil(), |id| id.0),
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    Ok(rows(conn, &ids).await?.into_iter().map(Row::shown).collect())
}

/// Who has asked to bid in an event, but those who were refused.
pub async fn bidders(conn: &mut PgConnection, event: SaleEventId) -> Result<Vec<OrgId>, SaleEventError> {
    let orgs = sqlx::query_scalar!(
        r#"SELECT org_id AS "org: OrgId" FROM sale_event_bidders WHERE event_id = $1 AND status <> 'refused'"#,
        event.0,
    );
    Ok(orgs.fetch_all(conn).await?)
}

/// A registration that its seller has decided about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    pub registration: Registration,
    /// Of the event.
    pub title: String,
    /// Who has asked.
    pub bidder: Participant,
    /// False if it was decided so before: then nobody is to hear of it again.
    pub news: bool,
}

/// Decides about a registration in an event of `seller`: a limit approves, or raises that of an approved bidder; `None` refuses. Writes
/// that to the audit log. The limit that a bidder has changes nothing. Needs a transaction.
///
/// The event is locked first: whoever has heard that it is cancelled does not hear of a decision afterwards.
pub async fn decide(
    conn: &mut PgConnection,
    seller: OrgId,
    by: UserId,
    event: SaleEventId,
    registration: RegistrationId,
    limit: Option<Money>,
) -> Result<Decided, SaleEventError> {
    lock_own(conn, seller, event).await?;
    let found = sqlx::query!(
        r#"SELECT b.status AS "status: RegistrationStatus", b.currency AS "currency: Currency", b.limit_minor,
                  b.requested_by AS "user: UserId", e.title, e.status AS "event: Stored"
           FROM sale_event_bidders AS b
           JOIN sale_events AS e ON e.id = b.event_id
           WHERE b.id = $1
             AND b.event_id = $2
             AND b.seller_org_id = $3
           FOR NO KEY UPDATE OF b"#,
        registration.0,
        event.0,
        seller.0,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(SaleEventError::NotFound("registration"))?;
    if limit.is_some_and(|limit| limit.currency() != found.currency) {
        return Err(Invalid::new("/limit/currency", "must be the sale event's currency").into());
    }
    let limit = limit.map(Money::minor);
    let status = decide_bidder(found.event, found.status, found.limit_minor, limit)?;
    let news = (status, limit) != (found.status, found.limit_minor);
    if news {
        sqlx::query!(
            "UPDATE sale_event_bidders
             SET status = $2,
                 limit_minor = $3,
                 decided_by = $4,
                 decided_at = clock_timestamp(),
                 version = version + 1
             WHERE id = $1",
            registration.0,
            status as RegistrationStatus,
            limit,
            by.0,
        )
        .execute(&mut *conn)
        .await?;
        let data = json!({"event": event, "status": status, "limit_minor": limit});
        let subject = ("sale_event_bidder", registration.to_string());
        audit::append(conn, audit::Entry { actor: Actor::User(by), action: "sale_event.decide", subject, data })
            .await?;
    }
    let row = rows(conn, &[registration.0]).await?.pop().ok_or(SaleEventError::NotFound("registration"))?;
    let registration = row.shown();
    let bidder = Participant { org: registration.org_id, user: found.user };
    Ok(Decided { registration, title: found.title, bidder, news })
}
