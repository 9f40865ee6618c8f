-- Who a VAT number was given to, however it is written: Norway's and Switzerland's may end in the word for VAT, and a business in Northern
-- Ireland has the same number with XI as with GB. Two organisations cannot both be approved with it.
CREATE FUNCTION vat_number_key(number text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN
    CASE left(number, 2)
        WHEN 'NO' THEN regexp_replace(number, 'MVA$', '')
        WHEN 'CH' THEN regexp_replace(number, '(TVA|IVA|VAT|MWST)$', '')
        WHEN 'XI' THEN 'GB' || substr(number, 3)
        ELSE number
    END;

-- Those that were approved twice stay as they are, for people to look at.
ALTER TABLE orgs ADD COLUMN vat_number_twice boolean NOT NULL DEFAULT false;
UPDATE orgs AS later
SET vat_number_twice = true
FROM orgs AS earlier
WHERE later.status IN ('approved', 'suspended')
  AND earlier.status IN ('approved', 'suspended')
  AND vat_number_key(later.vat_number) = vat_number_key(earlier.vat_number)
  AND earlier.id < later.id;
-- What waits for the end of the transaction would hold up the index.
SET CONSTRAINTS ALL IMMEDIATE;
DROP INDEX orgs_vat_number_of_approved;
CREATE UNIQUE INDEX orgs_vat_number_of_approved ON orgs (vat_number_key(vat_number))
    WHERE status IN ('approved', 'suspended') AND NOT vat_number_twice;

-- documents.sweep looks for what organisations have handed in that nobody owns any more.
CREATE INDEX orgs_abandoned ON orgs (id) WHERE abandoned_at IS NOT NULL;
