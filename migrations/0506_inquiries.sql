-- Questions that organisations ask about what others offer.

CREATE TABLE inquiries (
    id         uuid PRIMARY KEY,
    listing_id uuid NOT NULL CONSTRAINT inquiries_of_known_listing REFERENCES listings (id),
    org_id     uuid NOT NULL REFERENCES orgs (id),
    asked_by   uuid NOT NULL REFERENCES users (id),
    text       text NOT NULL CONSTRAINT inquiries_text_length CHECK (length(text) BETWEEN 1 AND 2000),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX inquiries_of_listing ON inquiries (listing_id, created_at);
CREATE INDEX inquiries_made ON inquiries (org_id, created_at);
CREATE TRIGGER inquiries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON inquiries FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER inquiries_per_day BEFORE INSERT ON inquiries FOR EACH ROW
EXECUTE FUNCTION refuse_past_daily_bound('org_id', 'true', 200);
