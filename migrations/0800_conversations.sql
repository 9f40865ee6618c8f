-- What two organisations write to each other about a listing, an offer or an order. The texts are sealed; see `shared::crypto::seal`.

ALTER TABLE listings ADD CONSTRAINT listings_lister UNIQUE (id, seller_org_id);
ALTER TABLE offers ADD CONSTRAINT offers_parties UNIQUE (id, buyer_org_id, seller_org_id);
ALTER TABLE orders ADD CONSTRAINT orders_parties UNIQUE (id, buyer_org_id, seller_org_id);

CREATE TABLE conversations (
    id            uuid PRIMARY KEY,
    -- What it is about: one of the three.
    listing_id    uuid,
    offer_id      uuid,
    order_id      uuid,
    -- Of a listing: who has listed.
    lister_org_id uuid,
    buyer_org_id  uuid NOT NULL REFERENCES orgs (id),
    seller_org_id uuid NOT NULL REFERENCES orgs (id),
    -- Who has written first.
    begun_by_org  uuid NOT NULL REFERENCES orgs (id),
    -- The number of the last message. Whoever writes one locks the row; fewer than a key seals safely.
    last_seq      bigint NOT NULL DEFAULT 0
                  CONSTRAINT conversations_seq_range CHECK (last_seq BETWEEN 0 AND 1000000000),
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT conversations_one_subject CHECK (num_nonnulls(listing_id, offer_id, order_id) = 1),
    CONSTRAINT conversations_lister_of_listing CHECK ((listing_id IS NULL) = (lister_org_id IS NULL)),
    CONSTRAINT conversations_lister_is_party CHECK (lister_org_id IN (buyer_org_id, seller_org_id)),
    CONSTRAINT conversations_parties_differ CHECK (buyer_org_id <> seller_org_id),
    CONSTRAINT conversations_begun_by_party CHECK (begun_by_org IN (buyer_org_id, seller_org_id)),
    CONSTRAINT conversations_on_listing FOREIGN KEY (listing_id, lister_org_id) REFERENCES listings (id, seller_org_id),
    CONSTRAINT conversations_on_offer FOREIGN KEY (offer_id, buyer_org_id, seller_org_id)
        REFERENCES offers (id, buyer_org_id, seller_org_id),
    CONSTRAINT conversations_on_order FOREIGN KEY (order_id, buyer_org_id, seller_org_id)
        REFERENCES orders (id, buyer_org_id, seller_org_id),
    CONSTRAINT conversations_once_on_listing UNIQUE (listing_id, buyer_org_id, seller_org_id),
    CONSTRAINT conversations_once_on_offer UNIQUE (offer_id),
    CONSTRAINT conversations_once_on_order UNIQUE (order_id)
) WITH (fillfactor = 80);
CREATE INDEX conversations_made ON conversations (begun_by_org, created_at);
CREATE TRIGGER conversations_per_day BEFORE INSERT ON conversations FOR EACH ROW
EXECUTE FUNCTION refuse_past_daily_bound('begun_by_org', 'true', 300);
CREATE TRIGGER conversations_fixed BEFORE UPDATE ON conversations FOR EACH ROW
    WHEN (ROW (old.listing_id, old.offer_id, old.order_id, old.lister_org_id, old.buyer_org_id, old.seller_org_id, old.begun_by_org,
               old.created_at)
          IS DISTINCT FROM
          ROW (new.listing_id, new.offer_id, new.order_id, new.lister_org_id, new.buyer_org_id, new.seller_org_id, new.begun_by_org,
               new.created_at))
EXECUTE FUNCTION refuse_change('conversations_fixed');
CREATE TRIGGER conversations_count_by_one BEFORE UPDATE OF last_seq ON conversations FOR EACH ROW
    WHEN (new.last_seq <> old.last_seq + 1)
EXECUTE FUNCTION refuse_change('conversations_count_by_one');

-- The key of each conversation, sealed with a master key that the database does not have. What is written is sealed with it. A
-- conversation whose row is missing here cannot be read any more.
CREATE TABLE conversation_keys (
    conversation_id uuid PRIMARY KEY CONSTRAINT conversation_keys_of_conversation REFERENCES conversations (id),
    -- Of the key itself. Sealing it with another master key does not change it.
    version         integer NOT NULL DEFAULT 1 CONSTRAINT conversation_keys_version_range CHECK (version >= 1),
    sealed          bytea NOT NULL CONSTRAINT conversation_keys_sealed_length CHECK (octet_length(sealed) = 65),
    -- Which master key has sealed it.
    master_key_id   bytea NOT NULL GENERATED ALWAYS AS (substring(sealed FROM 2 FOR 4)) STORED,
    sealed_at       timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX conversation_keys_by_master_key ON conversation_keys (master_key_id);

-- How each of the two organisations has it. What one of its people has read, the organisation has read.
CREATE TABLE conversation_parties (
    conversation_id uuid NOT NULL CONSTRAINT conversation_parties_known REFERENCES conversations (id),
    org_id          uuid NOT NULL REFERENCES orgs (id),
    -- When the last message came or went.
    last_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The last message that was read, or written.
    read_seq        bigint,
    -- When the oldest message came that nobody has read.
    unread_since    timestamptz,
    -- The last message that there was when a mail told of unread ones.
    mailed_seq      bigint,
    -- Set: put away until there is another message.
    archived_at     timestamptz,
    CONSTRAINT conversation_parties_once PRIMARY KEY (conversation_id, org_id)
) WITH (fillfactor = 80);
CREATE INDEX conversation_parties_recent ON conversation_parties (org_id, last_at DESC, conversation_id DESC) WHERE archived_at IS NULL;
CREATE INDEX conversation_parties_archived ON conversation_parties (org_id, last_at DESC, conversation_id DESC)
    WHERE archived_at IS NOT NULL;
CREATE INDEX conversation_parties_unread ON conversation_parties (org_id) WHERE unread_since IS NOT NULL AND archived_at IS NULL;
-- Those that a mail is due for: none was sent since something was read.
CREATE INDEX conversation_parties_to_mail ON conversation_parties (unread_since)
    WHERE unread_since IS NOT NULL AND (mailed_seq IS NULL OR mailed_seq <= read_seq);
CREATE TRIGGER conversation_parties_forward BEFORE UPDATE ON conversation_parties FOR EACH ROW
    WHEN (new.read_seq < old.read_seq OR (new.read_seq IS NULL AND old.read_seq IS NOT NULL)
          OR new.mailed_seq < old.mailed_seq OR (new.mailed_seq IS NULL AND old.mailed_seq IS NOT NULL))
EXECUTE FUNCTION refuse_change('conversation_parties_forward');

CREATE FUNCTION refuse_stranger_in_conversation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT
        FROM conversations
        WHERE id = new.conversation_id
          AND new.org_id IN (buyer_org_id, seller_org_id)
    ) THEN
        RAISE EXCEPTION 'organisation % is not a party of conversation %', new.org_id, new.conversation_id
            USING ERRCODE = 'check_violation', TABLE = 'conversation_parties', CONSTRAINT = tg_name;
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER conversation_parties_are_its_own BEFORE INSERT OR UPDATE OF conversation_id, org_id ON conversation_parties FOR EACH ROW
EXECUTE FUNCTION refuse_stranger_in_conversation();

CREATE TABLE chat_messages (
    conversation_id uuid NOT NULL,
    -- Counts the messages of the conversation, without gaps.
    seq             bigint NOT NULL CONSTRAINT chat_messages_seq_positive CHECK (seq >= 1),
    org_id          uuid NOT NULL,
    sender_id       uuid NOT NULL REFERENCES users (id),
    -- Given by the sender's program: what it sends twice is one message.
    client_id       uuid NOT NULL,
    -- Of the conversation's key.
    key_version     integer NOT NULL CONSTRAINT chat_messages_key_version_range CHECK (key_version >= 1),
    -- For this conversation, number, sender and version: moved to another row, it does not open.
    sealed          bytea NOT NULL CONSTRAINT chat_messages_sealed_length CHECK (octet_length(sealed) BETWEEN 30 AND 65536),
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT chat_messages_numbered PRIMARY KEY (conversation_id, seq),
    CONSTRAINT chat_messages_once UNIQUE (sender_id, conversation_id, client_id),
    CONSTRAINT chat_messages_of_party FOREIGN KEY (conversation_id, org_id)
        REFERENCES conversation_parties (conversation_id, org_id)
);
CREATE INDEX chat_messages_made ON chat_messages (org_id, created_at);
CREATE TRIGGER chat_messages_per_day BEFORE INSERT ON chat_messages FOR EACH ROW
EXECUTE FUNCTION refuse_past_daily_bound('org_id', 'true', 5000);
CREATE TRIGGER chat_messages_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON chat_messages FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();

-- A message has the number that the conversation has just counted to.
CREATE FUNCTION refuse_message_out_of_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM conversations WHERE id = new.conversation_id AND last_seq = new.seq) THEN
        RAISE EXCEPTION 'message % is not the next one of conversation %', new.seq, new.conversation_id
            USING ERRCODE = 'check_violation', TABLE = 'chat_messages', CONSTRAINT = tg_name;
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER chat_messages_in_order BEFORE INSERT ON chat_messages FOR EACH ROW
EXECUTE FUNCTION refuse_message_out_of_order();

-- At commit, a conversation has a message, and one of each number that it has counted to.
CREATE FUNCTION refuse_missing_message() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM chat_messages WHERE conversation_id = new.id AND seq = greatest(new.last_seq, 1)) THEN
        RAISE EXCEPTION 'conversation % has no message %', new.id, greatest(new.last_seq, 1)
            USING ERRCODE = 'check_violation', TABLE = 'conversations', CONSTRAINT = tg_name;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER conversations_have_messages AFTER INSERT OR UPDATE OF last_seq ON conversations
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
EXECUTE FUNCTION refuse_missing_message();

ALTER TABLE conversation_parties
    ADD CONSTRAINT conversation_parties_read_known FOREIGN KEY (conversation_id, read_seq)
        REFERENCES chat_messages (conversation_id, seq),
    ADD CONSTRAINT conversation_parties_mailed_known FOREIGN KEY (conversation_id, mailed_seq)
        REFERENCES chat_messages (conversation_id, seq);

-- Pictures and files of messages. What they are called is in the sealed text; the bytes are in the file store.
CREATE TABLE chat_attachments (
    conversation_id uuid NOT NULL,
    seq             bigint NOT NULL,
    place           smallint NOT NULL CONSTRAINT chat_attachments_place_range CHECK (place BETWEEN 1 AND 10),
    -- One of the two. A picture that its owner has deleted is gone here as well.
    image_id        uuid CONSTRAINT chat_attachments_of_image REFERENCES images (id) ON DELETE SET NULL,
    upload_id       uuid CONSTRAINT chat_attachments_of_upload REFERENCES uploads (id),
    CONSTRAINT chat_attachments_once PRIMARY KEY (conversation_id, seq, place),
    CONSTRAINT chat_attachments_one_thing CHECK (num_nonnulls(image_id, upload_id) <= 1),
    CONSTRAINT chat_attachments_of_message FOREIGN KEY (conversation_id, seq) REFERENCES chat_messages (conversation_id, seq)
);
CREATE INDEX chat_attachments_by_image ON chat_attachments (image_id) WHERE image_id IS NOT NULL;
CREATE INDEX chat_attachments_by_upload ON chat_attachments (upload_id) WHERE upload_id IS NOT NULL;

-- Organisations that take no messages from another one.
CREATE TABLE chat_blocks (
    org_id         uuid NOT NULL REFERENCES orgs (id),
    blocked_org_id uuid NOT NULL REFERENCES orgs (id),
    blocked_by     uuid NOT NULL REFERENCES users (id),
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT chat_blocks_once PRIMARY KEY (org_id, blocked_org_id),
    CONSTRAINT chat_blocks_another CHECK (org_id <> blocked_org_id)
);
