-- Listings that people keep an eye on.

CREATE TABLE watches (
    user_id    uuid NOT NULL REFERENCES users (id),
    listing_id uuid NOT NULL CONSTRAINT watches_of_known_listing REFERENCES listings (id),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (user_id, listing_id)
);
CREATE INDEX watches_newest ON watches (user_id, created_at DESC, listing_id DESC);
CREATE INDEX watches_of_listing ON watches (listing_id, user_id);
CREATE TRIGGER watches_per_person BEFORE INSERT ON watches FOR EACH ROW EXECUTE FUNCTION refuse_past_bound(
    'user_id', 'users', 'true', 1000, 'watches_per_person', 'a person watches at most 1000 listings');
