-- The mail `winning` is a reminder, which can be ended, before the end; about a lead that came back it cannot.
CREATE OR REPLACE FUNCTION notice_category(template text, data jsonb) RETURNS text LANGUAGE sql IMMUTABLE RETURN
    CASE template
        WHEN 'ending_soon' THEN 'auction_reminders'
        WHEN 'winning' THEN CASE WHEN (data ->> 'again')::boolean IS NOT TRUE THEN 'auction_reminders' END
        WHEN 'price_fell' THEN 'watches'
        WHEN 'relisted' THEN 'watches'
        WHEN 'saved_search_digest' THEN 'saved_searches'
        WHEN 'stock_low' THEN 'stock'
        WHEN 'stock_recovered' THEN 'stock'
        WHEN 'report_ready' THEN CASE WHEN (data ->> 'regular')::boolean THEN 'reports' END
        WHEN 'review_asked' THEN 'reviews'
        WHEN 'review_shown' THEN 'reviews'
    END;
