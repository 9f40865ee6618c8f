-- Reviews: what the two sides of a completed order say about each other, once each. Neither is read by others before both have written
-- or seven days have passed, so that nobody writes by what the other side has written.

CREATE TABLE reviews (
    id             uuid PRIMARY KEY,
    order_id       uuid NOT NULL,
    buyer_org_id   uuid NOT NULL,
    seller_org_id  uuid NOT NULL,
    -- Which of the two has written it.
    side           text NOT NULL CONSTRAINT reviews_side_known CHECK (side IN ('buyer', 'seller')),
    author_org_id  uuid GENERATED ALWAYS AS (CASE side WHEN 'buyer' THEN buyer_org_id ELSE seller_org_id END) STORED,
    subject_org_id uuid GENERATED ALWAYS AS (CASE side WHEN 'buyer' THEN seller_org_id ELSE buyer_org_id END) STORED,
    written_by     uuid NOT NULL REFERENCES users (id),
    stars          smallint NOT NULL CONSTRAINT reviews_stars_range CHECK (stars BETWEEN 1 AND 5),
    text           text NOT NULL CONSTRAINT reviews_text_length CHECK (length(text) BETWEEN 1 AND 2000),
    written_at     timestamptz NOT NULL,
    changed_at     timestamptz,
    -- When it is shown, whether or not the other side has written.
    due_at         timestamptz NOT NULL,
    shown_at       timestamptz,
    -- What the organisation says to it that it is about.
    answer         text CONSTRAINT reviews_answer_length CHECK (length(answer) BETWEEN 1 AND 2000),
    answered_by    uuid REFERENCES users (id),
    answered_at    timestamptz,
    -- Why a moderator has hidden it.
    hidden_reason  text CONSTRAINT reviews_hidden_reason_length CHECK (length(hidden_reason) BETWEEN 1 AND 1000),
    hidden_by      uuid REFERENCES users (id),
    hidden_at      timestamptz,
    CONSTRAINT reviews_of_order FOREIGN KEY (order_id, buyer_org_id, seller_org_id)
        REFERENCES orders (id, buyer_org_id, seller_org_id),
    CONSTRAINT reviews_once UNIQUE (order_id, side),
    CONSTRAINT reviews_answered CHECK (
        num_nonnulls(answer, answered_by, answered_at) = CASE WHEN answered_at IS NULL THEN 0 ELSE 3 END
        AND (answered_at IS NULL OR shown_at IS NOT NULL)),
    CONSTRAINT reviews_due_later CHECK (due_at > written_at),
    CONSTRAINT reviews_hidden CHECK (
        num_nonnulls(hidden_reason, hidden_by, hidden_at) = CASE WHEN hidden_at IS NULL THEN 0 ELSE 3 END
        AND (hidden_at IS NULL OR shown_at IS NOT NULL)),
    CONSTRAINT reviews_shown_later CHECK (shown_at >= written_at)
) WITH (fillfactor = 80);
CREATE INDEX reviews_shown ON reviews (subject_org_id, id) WHERE shown_at IS NOT NULL AND hidden_at IS NULL;
CREATE INDEX reviews_due ON reviews (due_at, order_id) WHERE shown_at IS NULL;
CREATE INDEX reviews_by_person ON reviews (written_by, id);
CREATE INDEX reviews_answered_by_person ON reviews (answered_by, id) WHERE answered_by IS NOT NULL;

CREATE TRIGGER reviews_begin_blind BEFORE INSERT ON reviews FOR EACH ROW
    WHEN (new.shown_at IS NOT NULL OR new.answered_at IS NOT NULL OR new.hidden_at IS NOT NULL OR new.changed_at IS NOT NULL)
EXECUTE FUNCTION refuse_change('reviews_begin_blind');
-- What others have read stays as it was; an answer and a moderator's decision come once.
CREATE TRIGGER reviews_fixed BEFORE UPDATE ON reviews FOR EACH ROW
    WHEN (ROW (old.id, old.order_id, old.buyer_org_id, old.seller_org_id, old.side, old.written_at, old.due_at)
          IS DISTINCT FROM ROW (new.id, new.order_id, new.buyer_org_id, new.seller_org_id, new.side, new.written_at, new.due_at)
          OR (old.shown_at IS NOT NULL
              AND ROW (old.written_by, old.stars, old.text, old.changed_at, old.shown_at)
                  IS DISTINCT FROM ROW (new.written_by, new.stars, new.text, new.changed_at, new.shown_at))
          OR (old.answered_at IS NOT NULL
              AND ROW (old.answer, old.answered_by, old.answered_at)
                  IS DISTINCT FROM ROW (new.answer, new.answered_by, new.answered_at))
          OR (old.hidden_at IS NOT NULL
              AND ROW (old.hidden_reason, old.hidden_by, old.hidden_at)
                  IS DISTINCT FROM ROW (new.hidden_reason, new.hidden_by, new.hidden_at)))
EXECUTE FUNCTION refuse_change('reviews_fixed');
CREATE TRIGGER reviews_kept BEFORE DELETE OR TRUNCATE ON reviews FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('reviews_kept');

-- Nobody writes about a sale that has not come to its end. That it has is never taken back, even if the goods go back later.
CREATE FUNCTION refuse_early_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM order_events WHERE order_id = new.order_id AND status = 'completed') THEN
        RAISE EXCEPTION 'order % was not completed', new.order_id
            USING ERRCODE = 'check_violation', TABLE = 'reviews', CONSTRAINT = 'reviews_of_completed';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER reviews_of_completed BEFORE INSERT ON reviews FOR EACH ROW EXECUTE FUNCTION refuse_early_review();

-- Shown with the other one, or when its time has come.
CREATE FUNCTION refuse_early_showing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.due_at > clock_timestamp() AND (SELECT count(*) FROM reviews WHERE order_id = new.order_id) < 2 THEN
        RAISE EXCEPTION 'review % is not shown before %', new.id, new.due_at
            USING ERRCODE = 'check_violation', TABLE = 'reviews', CONSTRAINT = 'reviews_blind';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER reviews_blind BEFORE UPDATE OF shown_at ON reviews FOR EACH ROW
    WHEN (old.shown_at IS NULL AND new.shown_at IS NOT NULL)
EXECUTE FUNCTION refuse_early_showing();

-- How often an organisation was reviewed, and with how many stars together: of what is shown and not hidden. Nobody but the trigger
-- below writes it.
CREATE TABLE org_ratings (
    org_id  uuid PRIMARY KEY REFERENCES orgs (id),
    reviews bigint NOT NULL CONSTRAINT org_ratings_reviews_not_negative CHECK (reviews >= 0),
    stars   bigint NOT NULL,
    CONSTRAINT org_ratings_stars_possible CHECK (stars BETWEEN reviews AND 5 * reviews)
) WITH (fillfactor = 80);

-- By statement and in the order of organisations: two orders between the same two, one each way, may be shown at the same moment.
CREATE FUNCTION count_reviews() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT
        FROM was
        JOIN become USING (id)
        WHERE (was.shown_at IS NOT NULL AND was.hidden_at IS NULL) <> (become.shown_at IS NOT NULL AND become.hidden_at IS NULL)
    )
    THEN
        RETURN NULL;
    END IF;
    INSERT INTO org_ratings (org_id, reviews, stars)
    SELECT DISTINCT subject_org_id, 0, 0
    FROM become
    ORDER BY subject_org_id
    ON CONFLICT (org_id) DO NOTHING;
    PERFORM
    FROM org_ratings
    WHERE org_id IN (SELECT subject_org_id FROM become)
    ORDER BY org_id
    FOR NO KEY UPDATE;
    UPDATE org_ratings AS r
    SET reviews = r.reviews + changed.reviews,
        stars = r.stars + changed.stars
    FROM (
        SELECT subject_org_id, sum(sign) AS reviews, sum(sign * stars) AS stars
        FROM (
            SELECT subject_org_id, 1 AS sign, stars FROM become WHERE shown_at IS NOT NULL AND hidden_at IS NULL
            UNION ALL
            SELECT subject_org_id, -1, stars FROM was WHERE shown_at IS NOT NULL AND hidden_at IS NULL
        ) AS counted
        GROUP BY subject_org_id
    ) AS changed
    WHERE r.org_id = changed.subject_org_id;
    RETURN NULL;
END $$;
CREATE TRIGGER reviews_counted AFTER UPDATE ON reviews REFERENCING OLD TABLE AS was NEW TABLE AS become
FOR EACH STATEMENT EXECUTE FUNCTION count_reviews();

-- Reports of reviews, for moderators to look at.
CREATE TABLE review_reports (
    id          uuid PRIMARY KEY,
    review_id   uuid NOT NULL CONSTRAINT review_reports_of_review REFERENCES reviews (id),
    -- Who reports.
    org_id      uuid NOT NULL REFERENCES orgs (id),
    reported_by uuid NOT NULL REFERENCES users (id),
    reason      text NOT NULL
                CONSTRAINT review_reports_reason_known CHECK (reason IN ('insulting', 'untrue', 'private_data', 'spam', 'other')),
    note        text CONSTRAINT review_reports_note_length CHECK (length(note) BETWEEN 1 AND 1000),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    status      text NOT NULL DEFAULT 'open'
                CONSTRAINT review_reports_status_known CHECK (status IN ('open', 'upheld', 'dismissed')),
    decided_by  uuid REFERENCES users (id),
    decided_at  timestamptz,
    -- As the moderator wrote it.
    decision    text CONSTRAINT review_reports_decision_length CHECK (length(decision) BETWEEN 1 AND 1000),
    CONSTRAINT review_reports_decided CHECK (num_nonnulls(decided_by, decided_at, decision) = CASE status WHEN 'open' THEN 0 ELSE 3 END),
    CONSTRAINT review_reports_once UNIQUE (review_id, org_id)
);
CREATE INDEX review_reports_open ON review_reports (id) WHERE status = 'open';
CREATE INDEX review_reports_by_person ON review_reports (reported_by, id);
CREATE INDEX review_reports_made ON review_reports (org_id, created_at);
CREATE TRIGGER review_reports_per_day BEFORE INSERT ON review_reports FOR EACH ROW
EXECUTE FUNCTION refuse_past_daily_bound('org_id', 'true', 100);
CREATE TRIGGER review_reports_status_moves BEFORE UPDATE OF status ON review_reports FOR EACH ROW
    WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('review_reports_status_moves', 'open>upheld', 'open>dismissed');
CREATE TRIGGER review_reports_fixed BEFORE UPDATE ON review_reports FOR EACH ROW
    WHEN (ROW (old.review_id, old.org_id, old.reported_by, old.reason, old.note, old.created_at)
          IS DISTINCT FROM ROW (new.review_id, new.org_id, new.reported_by, new.reason, new.note, new.created_at))
EXECUTE FUNCTION refuse_change('review_reports_fixed');

-- Completed orders whose sides are asked for reviews, once.
CREATE TABLE review_requests (
    order_id uuid PRIMARY KEY CONSTRAINT review_requests_of_order REFERENCES orders (id),
    due_at   timestamptz NOT NULL,
    asked_at timestamptz
) WITH (fillfactor = 80);
CREATE INDEX review_requests_due ON review_requests (due_at, order_id) WHERE asked_at IS NULL;

CREATE FUNCTION request_reviews() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO review_requests (order_id, due_at) VALUES (new.order_id, new.at + interval '3 days') ON CONFLICT (order_id) DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER order_events_reviewable AFTER INSERT ON order_events FOR EACH ROW WHEN (new.status = 'completed')
EXECUTE FUNCTION request_reviews();

-- Mails that ask for reviews can be ended.
ALTER TABLE email_opt_outs
    DROP CONSTRAINT email_opt_outs_category_known,
    ADD CONSTRAINT email_opt_outs_category_known
        CHECK (category IN ('auction_reminders', 'watches', 'saved_searches', 'stock', 'reports', 'reviews')) NOT VALID;
ALTER TABLE email_opt_outs VALIDATE CONSTRAINT email_opt_outs_category_known;
