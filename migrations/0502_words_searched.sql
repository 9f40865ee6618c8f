-- What people type, in every language that listings are written in.

CREATE FUNCTION words_in(language text, typed text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE language
               WHEN 'da' THEN websearch_to_tsquery('danish', typed)
               WHEN 'de' THEN websearch_to_tsquery('german', typed)
               WHEN 'en' THEN websearch_to_tsquery('english', typed)
               WHEN 'es' THEN websearch_to_tsquery('spanish', typed)
               WHEN 'fi' THEN websearch_to_tsquery('finnish', typed)
               WHEN 'fr' THEN websearch_to_tsquery('french', typed)
               WHEN 'it' THEN websearch_to_tsquery('italian', typed)
               WHEN 'nl' THEN websearch_to_tsquery('dutch', typed)
               WHEN 'no' THEN websearch_to_tsquery('norwegian', typed)
               WHEN 'pt' THEN websearch_to_tsquery('portuguese', typed)
               WHEN 'sv' THEN websearch_to_tsquery('swedish', typed)
               ELSE websearch_to_tsquery('simple', typed)
           END
$$;

-- Found by the index in one go; a row in another language than the one that matches is left out by words_in().
CREATE FUNCTION words_in_any(typed text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(string_agg(DISTINCT '(' || words::text || ')', ' | '), '')::tsquery
    FROM unnest('{da,de,en,es,fi,fr,it,nl,no,pt,sv,xx}'::text[]) AS language
    CROSS JOIN words_in(language, typed) AS words
    WHERE words::text <> ''
$$;

CREATE INDEX listing_search_of_mode ON listing_search (sale_mode, published_at DESC, listing_id DESC);
CREATE INDEX listing_search_of_language ON listing_search (language, published_at DESC, listing_id DESC);
