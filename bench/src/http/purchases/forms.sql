-- The forms that the purchases whose orders have ids above $1 were given, without their ids and times, and how many have each.
SELECT jsonb_build_object(
           'checkout', to_jsonb(c) - ARRAY ['id', 'buyer_org_id', 'placed_by', 'pay_by', 'created_at'],
           'order', to_jsonb(o) - ARRAY ['id', 'checkout_id', 'buyer_org_id', 'seller_org_id', 'placed_by', 'pay_by', 'created_at'],
           'term', ARRAY [c.pay_by - c.created_at, o.pay_by - o.created_at, c.pay_by - o.pay_by],
           'parties', ARRAY [o.buyer_org_id = c.buyer_org_id, o.placed_by = c.placed_by, o.seller_org_id = l.seller_org_id],
           'lines', (SELECT jsonb_agg(to_jsonb(n) - ARRAY ['order_id', 'listing_id', 'item_id'] ORDER BY n.line_no)
                     FROM order_lines AS n
                     WHERE n.order_id = o.id),
           'taxes', (SELECT jsonb_agg(to_jsonb(t) - 'order_id' ORDER BY t.rate_bps) FROM order_taxes AS t WHERE t.order_id = o.id),
           'events', (SELECT jsonb_agg(to_jsonb(e) - ARRAY ['order_id', 'actor', 'at'] || jsonb_build_object('by', e.actor = o.placed_by))
                      FROM order_events AS e
                      WHERE e.order_id = o.id),
           'reserved', to_jsonb(r) - ARRAY ['id', 'listing_id', 'item_id', 'order_id', 'created_at'],
           'jobs', (SELECT jsonb_agg(
                               jsonb_build_object(
                                   'kind', j.kind, 'version', j.version, 'queue', j.queue, 'priority', j.priority, 'tenant', j.tenant,
                                   'payload', j.payload - 'checkout', 'key', replace(j.unique_key, c.id::text, ''),
                                   'at_the_end', j.run_at = c.pay_by, 'delay', j.delay, 'unique_for', j.unique_for, 'parent', j.parent
                               )
                               ORDER BY j.kind
                           )
                    FROM jobs AS j
                    WHERE j.unique_key IN ('checkout.expire:' || c.id, 'checkout.notify:' || c.id || ':placed')),
           'answer', a.body - ARRAY ['id', 'buyer_org_id', 'pay_by', 'created_at', 'orders'],
           'answered_order', (a.body #> '{orders,0}')
                             - ARRAY ['id', 'checkout', 'buyer_org_id', 'seller_org_id', 'pay_by', 'created_at', 'lines'],
           'answered_line', (a.body #> '{orders,0,lines,0}') - ARRAY ['listing_id', 'item_id'],
           'answered', ARRAY [jsonb_array_length(a.body -> 'orders'), jsonb_array_length(a.body #> '{orders,0,lines}')],
           'answered_ids', ARRAY [
               a.body ->> 'id' = c.id::text, a.body ->> 'buyer_org_id' = c.buyer_org_id::text,
               a.body #>> '{orders,0,id}' = o.id::text, a.body #>> '{orders,0,checkout}' = c.id::text,
               a.body #>> '{orders,0,buyer_org_id}' = o.buyer_org_id::text,
               a.body #>> '{orders,0,seller_org_id}' = o.seller_org_id::text,
               a.body #>> '{orders,0,lines,0,listing_id}' = l.id::text, a.body #>> '{orders,0,lines,0,item_id}' = l.item_id::text,
               (a.body ->> 'pay_by')::timestamptz = c.pay_by, (a.body #>> '{orders,0,created_at}')::timestamptz = o.created_at
           ]
       ) AS form,
       count(*) AS purchases
FROM orders AS o
JOIN checkouts AS c ON c.id = o.checkout_id
LEFT JOIN reservations AS r ON r.order_id = o.id
LEFT JOIN listings AS l ON l.id = r.listing_id
LEFT JOIN idempotency_keys AS k ON k.owner = o.buyer_org_id AND k.headers ->> 'location' = '/v1/checkouts/' || c.id
-- Read once, not for each of its members.
LEFT JOIN LATERAL (SELECT convert_from(k.response, 'UTF8')::jsonb AS body OFFSET 0) AS a ON true
WHERE o.id > $1
GROUP BY form
ORDER BY form
