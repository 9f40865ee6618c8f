-- What the price of an operator for hire is for, and the fewest hours that they come for. Both may be left out, as they are by the
-- listings that are there.
UPDATE categories
SET attribute_schema = jsonb_set(attribute_schema, '{properties}', coalesce(attribute_schema -> 'properties', '{}') ||
    '{"rate_per": {"type": "string", "enum": ["hour", "day", "hectare"], "description": "What the price is for", "filter": "facet"},
      "minimum_hours": {"type": "number", "minimum": 0, "maximum": 1000, "unit": "h", "filter": "range"}}')
WHERE path = 'services/operators';
