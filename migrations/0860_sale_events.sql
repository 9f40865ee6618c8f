-- Sale events: catalogues of lots that end one after the other, and whose bidders have a limit across all of them. A lot is an auction
-- from the publication on.

CREATE TABLE sale_events (
    id                  uuid PRIMARY KEY,
    seller_org_id       uuid NOT NULL REFERENCES orgs (id),
    title               text NOT NULL CONSTRAINT sale_events_title_length CHECK (length(title) BETWEEN 1 AND 200),
    description         text NOT NULL CONSTRAINT sale_events_description_length CHECK (length(description) <= 5000),
    currency            text NOT NULL REFERENCES currencies (code),
    -- Whether it runs, or is over, follows from the clock and its auctions.
    status              text NOT NULL DEFAULT 'draft'
                        CONSTRAINT sale_events_status_known CHECK (status IN ('draft', 'published', 'cancelled')),
    starts_at           timestamptz NOT NULL,
    -- When lot 1 ends; each lot after it ends a step later.
    first_ends_at       timestamptz NOT NULL,
    step_ms        integer NOT NULL CONSTRAINT sale_events_step_range CHECK (step_ms BETWEEN 0 AND 86400000),
    soft_close_seconds  integer NOT NULL
                        CONSTRAINT sale_events_soft_close_range CHECK (soft_close_seconds BETWEEN 0 AND 86400),
    -- How far late bids move the end of a lot, or of the last lot of a group, at most.
    hard_close_seconds  integer NOT NULL
                        CONSTRAINT sale_events_hard_close_range CHECK (hard_close_seconds BETWEEN 0 AND 86400),
    -- Set: whoever registers is approved with it.
    default_limit_minor bigint
                        CONSTRAINT sale_events_default_limit_range CHECK (default_limit_minor BETWEEN 1 AND 1000000000000000),
    created_by          uuid NOT NULL REFERENCES users (id),
    created_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    published_at        timestamptz,
    cancelled_at        timestamptz,
    CONSTRAINT sale_events_in_order CHECK (starts_at < first_ends_at),
    CONSTRAINT sale_events_published CHECK (status <> 'published' OR published_at IS NOT NULL),
    CONSTRAINT sale_events_cancelled CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL)),
    -- What lots and bidders refer to.
    CONSTRAINT sale_events_terms UNIQUE (id, seller_org_id, currency)
) WITH (fillfactor = 80);
CREATE INDEX sale_events_public ON sale_events (id) WHERE published_at IS NOT NULL;
CREATE INDEX sale_events_of_seller ON sale_events (seller_org_id, id);
CREATE INDEX sale_events_made ON sale_events (seller_org_id, created_at);
CREATE INDEX sale_events_by_person ON sale_events (created_by, id);
CREATE TRIGGER sale_events_per_day BEFORE INSERT ON sale_events FOR EACH ROW
EXECUTE FUNCTION refuse_past_daily_bound('seller_org_id', 'true', 100);
CREATE TRIGGER sale_events_status_moves BEFORE UPDATE OF status ON sale_events FOR EACH ROW
    WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('sale_events_status_moves', 'draft>published', 'draft>cancelled', 'published>cancelled');
-- What bidders have read stays so.
CREATE TRIGGER sale_events_fixed BEFORE UPDATE ON sale_events FOR EACH ROW
    WHEN (ROW (old.seller_org_id, old.currency, old.created_by, old.created_at)
          IS DISTINCT FROM ROW (new.seller_org_id, new.currency, new.created_by, new.created_at)
          OR (old.status <> 'draft'
              AND ROW (old.title, old.description, old.starts_at, old.first_ends_at, old.step_ms, old.soft_close_seconds,
                       old.hard_close_seconds, old.published_at)
                  IS DISTINCT FROM
                  ROW (new.title, new.description, new.starts_at, new.first_ends_at, new.step_ms, new.soft_close_seconds,
                       new.hard_close_seconds, new.published_at)))
EXECUTE FUNCTION refuse_change('sale_events_fixed');

-- Lots whose ends move together. Whoever extends one holds its row; an auction's own row follows, at once or when it is next locked.
CREATE TABLE sale_event_groups (
    event_id       uuid NOT NULL CONSTRAINT sale_event_groups_of_event REFERENCES sale_events (id),
    group_no       integer NOT NULL CONSTRAINT sale_event_groups_no_range CHECK (group_no BETWEEN 1 AND 500),
    hard_ends_at   timestamptz NOT NULL,
    -- The first of the late bids that follow each other without a gap, and until when the last one keeps open what was open then.
    extended_at    timestamptz,
    extended_until timestamptz,
    CONSTRAINT sale_event_groups_once PRIMARY KEY (event_id, group_no),
    CONSTRAINT sale_event_groups_extended CHECK (
        num_nulls(extended_at, extended_until) IN (0, 2) AND extended_at < extended_until AND extended_until <= hard_ends_at)
) WITH (fillfactor = 70);
CREATE TRIGGER sale_event_groups_forward BEFORE UPDATE ON sale_event_groups FOR EACH ROW
    WHEN (new.hard_ends_at <> old.hard_ends_at OR new.extended_until < old.extended_until)
EXECUTE FUNCTION refuse_change('sale_event_groups_forward');

-- Who may bid in an event, and up to how much in all of its lots together.
CREATE TABLE sale_event_bidders (
    id             uuid PRIMARY KEY,
    event_id       uuid NOT NULL,
    seller_org_id  uuid NOT NULL,
    currency       text NOT NULL,
    org_id         uuid NOT NULL REFERENCES orgs (id),
    status         text NOT NULL CONSTRAINT sale_event_bidders_status_known CHECK (status IN ('requested', 'approved', 'refused')),
    limit_minor    bigint CONSTRAINT sale_event_bidders_limit_range CHECK (limit_minor BETWEEN 1 AND 1000000000000000),
    -- The sum of what is held of it in the lots, which the lots' trigger keeps.
    reserved_minor bigint NOT NULL DEFAULT 0
                   CONSTRAINT sale_event_bidders_within_limit CHECK (reserved_minor BETWEEN 0 AND coalesce(limit_minor, 0)),
    -- Counts what was decided and what was reserved.
    version        bigint NOT NULL DEFAULT 1,
    requested_by   uuid NOT NULL REFERENCES users (id),
    requested_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Absent: by the event's limit for everybody, or not yet.
    decided_by     uuid REFERENCES users (id),
    decided_at     timestamptz,
    CONSTRAINT sale_event_bidders_of_event FOREIGN KEY (event_id, seller_org_id, currency)
        REFERENCES sale_events (id, seller_org_id, currency),
    CONSTRAINT sale_event_bidders_once UNIQUE (event_id, org_id),
    CONSTRAINT sale_event_bidders_not_seller CHECK (org_id <> seller_org_id),
    CONSTRAINT sale_event_bidders_decided CHECK ((status = 'requested') = (decided_at IS NULL)),
    CONSTRAINT sale_event_bidders_approved_with_limit CHECK ((status = 'approved') = (limit_minor IS NOT NULL))
) WITH (fillfactor = 60);
CREATE INDEX sale_event_bidders_of_event_by_id ON sale_event_bidders (event_id, id);
CREATE INDEX sale_event_bidders_by_person ON sale_event_bidders (requested_by, id);
CREATE TRIGGER sale_event_bidders_begin_free BEFORE INSERT ON sale_event_bidders FOR EACH ROW
    WHEN (new.reserved_minor <> 0)
EXECUTE FUNCTION refuse_change('sale_event_bidders_begin_free');
CREATE TRIGGER sale_event_bidders_fixed BEFORE UPDATE ON sale_event_bidders FOR EACH ROW
    WHEN (ROW (old.event_id, old.seller_org_id, old.currency, old.org_id, old.requested_by, old.requested_at)
          IS DISTINCT FROM ROW (new.event_id, new.seller_org_id, new.currency, new.org_id, new.requested_by, new.requested_at))
EXECUTE FUNCTION refuse_change('sale_event_bidders_fixed');
CREATE TRIGGER sale_event_bidders_reserved_by_lots BEFORE UPDATE OF reserved_minor ON sale_event_bidders FOR EACH ROW
    WHEN (pg_trigger_depth() = 0)
EXECUTE FUNCTION refuse_change('sale_event_bidders_reserved_by_lots');

CREATE TABLE sale_event_lots (
    event_id          uuid NOT NULL,
    lot_no            integer NOT NULL CONSTRAINT sale_event_lots_no_range CHECK (lot_no BETWEEN 1 AND 500),
    seller_org_id     uuid NOT NULL,
    currency          text NOT NULL,
    listing_id        uuid NOT NULL,
    -- Ends by itself when absent.
    group_no          integer CONSTRAINT sale_event_lots_group_range CHECK (group_no BETWEEN 1 AND 500),
    opening_minor     bigint NOT NULL
                      CONSTRAINT sale_event_lots_opening_range CHECK (opening_minor BETWEEN 1 AND 1000000000000000),
    -- Secret, as in auctions.
    reserve_minor     bigint
                      CONSTRAINT sale_event_lots_reserve_above_opening
                      CHECK (reserve_minor > opening_minor AND reserve_minor <= 1000000000000000),
    buy_now_minor     bigint
                      CONSTRAINT sale_event_lots_buy_now_above
                      CHECK (buy_now_minor > opening_minor AND buy_now_minor >= reserve_minor AND buy_now_minor <= 1000000000000000),
    -- From the publication on.
    auction_id        uuid CONSTRAINT sale_event_lots_of_auction REFERENCES auctions (id),
    -- What is reserved beside a maximum, as it was when the event was published.
    premium_tariff_id bigint CONSTRAINT sale_event_lots_with_premium REFERENCES premium_tariffs (id),
    -- For whom how much of the limit is held: the leader's maximum, what was awarded, each with the premium. Secret, as it is while
    -- the auction is open.
    held_org_id       uuid,
    held_minor        bigint CONSTRAINT sale_event_lots_held_positive CHECK (held_minor > 0),
    CONSTRAINT sale_event_lots_numbered PRIMARY KEY (event_id, lot_no),
    CONSTRAINT sale_event_lots_once UNIQUE (event_id, listing_id),
    CONSTRAINT sale_event_lots_one_auction UNIQUE (auction_id),
    CONSTRAINT sale_event_lots_of_event FOREIGN KEY (event_id, seller_org_id, currency)
        REFERENCES sale_events (id, seller_org_id, currency),
    CONSTRAINT sale_event_lots_of_listing FOREIGN KEY (listing_id, seller_org_id, currency)
        REFERENCES listings (id, seller_org_id, currency),
    CONSTRAINT sale_event_lots_held_complete CHECK (num_nulls(held_org_id, held_minor) IN (0, 2)),
    CONSTRAINT sale_event_lots_held_in_auction CHECK (held_org_id IS NULL OR auction_id IS NOT NULL),
    CONSTRAINT sale_event_lots_held_for_bidder FOREIGN KEY (event_id, held_org_id) REFERENCES sale_event_bidders (event_id, org_id)
) WITH (fillfactor = 70);
CREATE INDEX sale_event_lots_held ON sale_event_lots (event_id, held_org_id) WHERE held_org_id IS NOT NULL;
-- For the foreign key, when a draft of a listing changes its currency.
CREATE INDEX sale_event_lots_by_listing ON sale_event_lots (listing_id);
CREATE INDEX sale_event_lots_in_group ON sale_event_lots (event_id, group_no) WHERE group_no IS NOT NULL;
CREATE TRIGGER sale_event_lots_begin_free BEFORE INSERT ON sale_event_lots FOR EACH ROW
    WHEN (new.held_org_id IS NOT NULL OR new.auction_id IS NOT NULL)
EXECUTE FUNCTION refuse_change('sale_event_lots_begin_free');
CREATE TRIGGER sale_event_lots_fixed BEFORE UPDATE ON sale_event_lots FOR EACH ROW
    WHEN (ROW (old.event_id, old.lot_no, old.listing_id) IS DISTINCT FROM ROW (new.event_id, new.lot_no, new.listing_id)
          OR (old.auction_id IS NOT NULL
              AND ROW (old.group_no, old.opening_minor, old.reserve_minor, old.buy_now_minor, old.auction_id, old.premium_tariff_id)
                  IS DISTINCT FROM
                  ROW (new.group_no, new.opening_minor, new.reserve_minor, new.buy_now_minor, new.auction_id, new.premium_tariff_id)))
EXECUTE FUNCTION refuse_change('sale_event_lots_fixed');
CREATE TRIGGER sale_event_lots_kept BEFORE DELETE ON sale_event_lots FOR EACH ROW WHEN (old.auction_id IS NOT NULL)
EXECUTE FUNCTION refuse_change('sale_event_lots_kept');

-- What is reserved of a limit is the sum of what its lots hold. All lots of a statement count together, so that nothing passes the limit
-- on the way to a sum below it.
CREATE FUNCTION reserve_of_limits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sale_event_bidders AS b
    SET reserved_minor = b.reserved_minor + change.minor,
        version = b.version + 1
    FROM (
        SELECT event_id, org_id, sum(minor)::bigint AS minor
        FROM (SELECT event_id, held_org_id AS org_id, held_minor AS minor FROM now_held WHERE held_org_id IS NOT NULL
              UNION ALL
              SELECT event_id, held_org_id, -held_minor FROM was_held WHERE held_org_id IS NOT NULL) AS moved
        GROUP BY event_id, org_id
    ) AS change
    WHERE b.event_id = change.event_id
      AND b.org_id = change.org_id
      AND change.minor <> 0;
    RETURN NULL;
END $$;
CREATE TRIGGER sale_event_lots_reserve AFTER UPDATE ON sale_event_lots
    REFERENCING OLD TABLE AS was_held NEW TABLE AS now_held FOR EACH STATEMENT
EXECUTE FUNCTION reserve_of_limits();

-- Of which event an auction is a lot.
ALTER TABLE auctions ADD COLUMN sale_event_id uuid CONSTRAINT auctions_in_event REFERENCES sale_events (id);
CREATE TRIGGER auctions_event_fixed BEFORE UPDATE OF sale_event_id ON auctions FOR EACH ROW
    WHEN (old.sale_event_id IS NOT NULL OR new.lot_mode <> 'whole')
EXECUTE FUNCTION refuse_change('auctions_event_fixed');

-- Absent: a bid that lapsed, since its bidder had spent the limit elsewhere when a better one was taken back. It is nobody's act.
ALTER TABLE bid_retractions ALTER COLUMN retracted_by DROP NOT NULL;
