-- One open trade of an item at a site with a buyer, as there is one open offer on a listing: whoever wants other terms answers it. Of
-- several that are open the latest stays; the others end as if nobody had answered in time, without mail.
-- Nobody proposes another one between the two statements.
LOCK TABLE offers IN SHARE ROW EXCLUSIVE MODE;
UPDATE offers AS o
SET status = 'expired',
    ended_at = clock_timestamp()
WHERE o.site_id IS NOT NULL
  AND o.status IN ('open', 'countered')
  AND EXISTS (
      SELECT
      FROM offers AS later
      WHERE later.site_id = o.site_id
        AND later.item_id = o.item_id
        AND later.buyer_org_id = o.buyer_org_id
        AND later.status IN ('open', 'countered')
        AND later.id > o.id
  );
-- The site is the seller's, so that this needs no seller.
CREATE UNIQUE INDEX offers_one_open_trade ON offers (site_id, item_id, buyer_org_id)
    WHERE site_id IS NOT NULL AND status IN ('open', 'countered');
