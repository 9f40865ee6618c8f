-- How many listings a plan publishes at once; pro and partner as many as anybody. What is published stays.
UPDATE plans
SET most_listings = CASE code WHEN 'free' THEN 500 WHEN 'standard' THEN 5000 END
WHERE code IN ('free', 'standard') AND most_listings IS NULL;
