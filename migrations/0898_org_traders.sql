-- Who trades for an organisation, and so gets news of its trade: neither suspended people nor anybody of an organisation that may not
-- trade. Statements that look for them must agree on it.
CREATE VIEW org_traders AS
SELECT m.org_id, m.user_id, m.created_at AS since
FROM memberships AS m
JOIN orgs AS o ON o.id = m.org_id
JOIN users AS u ON u.id = m.user_id
WHERE m.role IN ('trader', 'owner')
  AND o.status = 'approved'
  AND u.status = 'active';
