-- Notices that people do not want, by the kinds in which they can end mails.

CREATE TABLE notice_opt_outs (
    user_id  uuid NOT NULL REFERENCES users (id),
    category text NOT NULL CONSTRAINT notice_opt_outs_category_known
             CHECK (category IN ('auction_reminders', 'watches', 'saved_searches', 'stock', 'reports', 'reviews')),
    since    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT notice_opt_outs_once PRIMARY KEY (user_id, category)
);

-- The kind of a mail, as the program knows it; NULL: it cannot be ended.
CREATE FUNCTION notice_category(template text, data jsonb) RETURNS text LANGUAGE sql IMMUTABLE RETURN
    CASE template
        WHEN 'ending_soon' THEN 'auction_reminders'
        WHEN 'price_fell' THEN 'watches'
        WHEN 'relisted' THEN 'watches'
        WHEN 'saved_search_digest' THEN 'saved_searches'
        WHEN 'stock_low' THEN 'stock'
        WHEN 'stock_recovered' THEN 'stock'
        WHEN 'report_ready' THEN CASE WHEN (data ->> 'regular')::boolean THEN 'reports' END
        WHEN 'review_asked' THEN 'reviews'
        WHEN 'review_shown' THEN 'reviews'
    END;

CREATE OR REPLACE FUNCTION notice_emails() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO notices (id, user_id)
    SELECT p.id, p.user_id
    FROM posted AS p
    WHERE p.user_id IS NOT NULL
      AND p.template NOT IN ('verify_address', 'reset_password', 'already_registered', 'invitation', 'account_suspended')
      AND NOT EXISTS (SELECT FROM notice_opt_outs AS o
                      WHERE o.user_id = p.user_id AND o.category = notice_category(p.template, p.data));
    RETURN NULL;
END $$;
