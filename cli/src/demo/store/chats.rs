//! What was written, and read.

use shared::ids::OrgId;

use super::{Stored, unsigned};

impl Stored {
    /// The messages about a seller's orders that both sides have read, or written.
    pub(crate) async fn chat_messages(&mut self, seller: OrgId) -> sqlx::Result<u64> {
        let count = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!"
               FROM chat_messages AS m
               JOIN conversations AS c ON c.id = m.conversation_id
               WHERE c.seller_org_id = $1
                 AND c.order_id IS NOT NULL
                 AND NOT EXISTS (
                     SELECT
                     FROM conversation_parties AS p
                     WHERE p.conversation_id = c.id
                       AND coalesce(p.read_seq, 0) < m.seq
                 )"#,
            seller.0,
        )
        .fetch_one(&mut self.market)
        .await?;
        Ok(unsigned(count))
    }
}
