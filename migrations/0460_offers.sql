-- Offers: a price that one side proposes and the other answers, until one of them accepts what the other has proposed last.

ALTER TABLE listings
    -- Whether what is sold at a fixed price may also be haggled over.
    ADD COLUMN takes_offers boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT listings_takes_offers_if_fixed CHECK (NOT takes_offers OR sale_mode = 'fixed');

CREATE TABLE offers (
    id             uuid PRIMARY KEY,
    listing_id     uuid NOT NULL,
    -- Who has listed: the seller, or, of what is wanted, the buyer. The other one has begun.
    lister_org_id  uuid NOT NULL,
    offerer_org_id uuid NOT NULL REFERENCES orgs (id),
    buyer_org_id   uuid NOT NULL REFERENCES orgs (id),
    seller_org_id  uuid NOT NULL REFERENCES orgs (id),
    -- The seller's: of what is wanted, the one that answers it.
    item_id        uuid NOT NULL,
    currency       text NOT NULL,
    status         text NOT NULL DEFAULT 'open'
                   CONSTRAINT offers_status_known
                   CHECK (status IN ('open', 'countered', 'accepted', 'declined', 'expired', 'withdrawn')),
    -- Who may accept what was proposed last.
    turn           text NOT NULL CONSTRAINT offers_turn_known CHECK (turn IN ('buyer', 'seller')),
    -- Counts the proposals.
    version        integer NOT NULL DEFAULT 1 CONSTRAINT offers_version_range CHECK (version BETWEEN 1 AND 50),
    expires_at     timestamptz NOT NULL,
    created_at     timestamptz NOT NULL,
    ended_at       timestamptz,
    CONSTRAINT offers_parties_differ CHECK (buyer_org_id <> seller_org_id),
    CONSTRAINT offers_between_lister_and_offerer
        CHECK ((lister_org_id, offerer_org_id) IN ((buyer_org_id, seller_org_id), (seller_org_id, buyer_org_id))),
    CONSTRAINT offers_on_listing FOREIGN KEY (listing_id, lister_org_id, currency)
        REFERENCES listings (id, seller_org_id, currency),
    CONSTRAINT offers_of_sellers_item FOREIGN KEY (item_id, seller_org_id) REFERENCES items (id, org_id),
    CONSTRAINT offers_expire_later CHECK (expires_at > created_at),
    CONSTRAINT offers_ended CHECK ((status IN ('open', 'countered')) = (ended_at IS NULL)),
    -- What orders refer to.
    CONSTRAINT offers_terms UNIQUE (id, buyer_org_id, seller_org_id, currency)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX offers_one_open ON offers (listing_id, buyer_org_id, seller_org_id) WHERE status IN ('open', 'countered');
CREATE INDEX offers_of_buyer ON offers (buyer_org_id, id);
CREATE INDEX offers_of_seller ON offers (seller_org_id, id);
CREATE INDEX offers_due ON offers (expires_at) WHERE status IN ('open', 'countered');
CREATE INDEX offers_made ON offers (offerer_org_id, created_at);
CREATE TRIGGER offers_per_day BEFORE INSERT ON offers FOR EACH ROW
EXECUTE FUNCTION refuse_past_daily_bound('offerer_org_id', 'true', 500);
CREATE TRIGGER offers_status_moves BEFORE UPDATE OF status ON offers FOR EACH ROW
    WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('offers_status_moves', 'open>countered', 'open>accepted', 'open>declined', 'open>expired', 'open>withdrawn',
                             'countered>accepted', 'countered>declined', 'countered>expired', 'countered>withdrawn');
CREATE TRIGGER offers_fixed BEFORE UPDATE ON offers FOR EACH ROW
    WHEN (ROW (old.listing_id, old.lister_org_id, old.offerer_org_id, old.buyer_org_id, old.seller_org_id, old.item_id, old.currency,
               old.created_at)
          IS DISTINCT FROM
          ROW (new.listing_id, new.lister_org_id, new.offerer_org_id, new.buyer_org_id, new.seller_org_id, new.item_id, new.currency,
               new.created_at))
EXECUTE FUNCTION refuse_change('offers_fixed');

-- What was proposed, each time; the highest version stands.
CREATE TABLE offer_terms (
    offer_id         uuid NOT NULL CONSTRAINT offer_terms_of_offer REFERENCES offers (id),
    version          integer NOT NULL,
    side             text NOT NULL CONSTRAINT offer_terms_side_known CHECK (side IN ('buyer', 'seller')),
    placed_by        uuid NOT NULL REFERENCES users (id),
    unit_price_minor bigint NOT NULL
                     CONSTRAINT offer_terms_price_range CHECK (unit_price_minor BETWEEN 1 AND 1000000000000000),
    quantity         bigint NOT NULL CONSTRAINT offer_terms_quantity_range CHECK (quantity BETWEEN 1 AND 1000000000),
    note             text CONSTRAINT offer_terms_note_length CHECK (length(note) BETWEEN 1 AND 1000),
    at               timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT offer_terms_once PRIMARY KEY (offer_id, version)
);
CREATE TRIGGER offer_terms_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON offer_terms FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();

-- At commit, an offer waits for the answer to its latest terms.
CREATE FUNCTION refuse_offer_without_terms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT
        FROM offers AS o
        JOIN offer_terms AS t ON t.offer_id = o.id AND t.version = o.version AND t.side <> o.turn
        WHERE o.id = new.id
          AND NOT EXISTS (SELECT FROM offer_terms WHERE offer_id = o.id AND version > o.version)
    ) THEN
        RAISE EXCEPTION 'offer % does not wait for the answer to its latest terms', new.id
            USING ERRCODE = 'check_violation', TABLE = 'offers', CONSTRAINT = tg_name;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER offers_have_terms AFTER INSERT OR UPDATE OF version, turn ON offers DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW
EXECUTE FUNCTION refuse_offer_without_terms();
