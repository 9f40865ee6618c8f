-- What the categories ask of their items, and by what people filter: "filter": "facet" offers the values to choose from,
-- "range" a least and a most. New categories for implements, operators for hire, kinds of waste, shop goods and space
-- resources. Items that are there stay as they are; they must fit when they are next changed or listed.
UPDATE categories AS c
SET attribute_schema = given.schema::jsonb
FROM (
    VALUES
        ('machinery',
         '{"type": "object", "properties": {
             "make": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "model": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "year": {"type": "integer", "minimum": 1900, "maximum": 2100, "filter": "range"},
             "condition": {"type": "string", "enum": ["new", "used", "for_parts"], "filter": "facet"}}}'),
        ('machinery/tractors',
         '{"type": "object", "required": ["make", "model"], "properties": {
             "make": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "model": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "year": {"type": "integer", "minimum": 1900, "maximum": 2100, "filter": "range"},
             "condition": {"type": "string", "enum": ["new", "used", "for_parts"], "filter": "facet"},
             "horsepower": {"type": "number", "minimum": 0, "maximum": 3000, "unit": "hp", "filter": "range"},
             "power_kw": {"type": "number", "minimum": 0, "maximum": 2000, "unit": "kW"},
             "operating_hours": {"type": "number", "minimum": 0, "maximum": 200000, "unit": "h", "filter": "range"},
             "weight_kg": {"type": "number", "minimum": 0, "maximum": 100000, "unit": "kg", "filter": "range"},
             "four_wheel_drive": {"type": "boolean", "filter": "facet"}}}'),
        ('parts',
         '{"type": "object", "properties": {
             "part_number": {"type": "string", "minLength": 1, "maxLength": 64, "filter": "facet"},
             "make": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "condition": {"type": "string", "enum": ["new", "used", "refurbished"], "filter": "facet"},
             "weight_kg": {"type": "number", "minimum": 0, "maximum": 100000, "unit": "kg", "filter": "range"}}}'),
        ('services',
         '{"type": "object", "properties": {
             "licences": {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 20}, "maxItems": 20,
                          "uniqueItems": true, "filter": "facet"},
             "experience_years": {"type": "integer", "minimum": 0, "maximum": 80, "unit": "years", "filter": "range"}}}'),
        ('waste',
         '{"type": "object", "required": ["material", "ewc_code", "origin"], "properties": {
             "material": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "ewc_code": {"type": "string", "pattern": "^[0-9]{2} ?[0-9]{2} ?[0-9]{2}[*]?$",
                          "description": "European Waste Catalogue", "filter": "facet"},
             "origin": {"type": "string", "enum": ["production", "post_industrial", "post_consumer", "construction",
                 "agriculture"], "filter": "facet"},
             "moisture_percent": {"type": "number", "minimum": 0, "maximum": 100, "unit": "%", "filter": "range"},
             "contamination_percent": {"type": "number", "minimum": 0, "maximum": 100, "unit": "%", "filter": "range"},
             "packaging": {"type": "string", "enum": ["loose", "baled", "bagged", "drums", "octabin", "pallet"],
                 "filter": "facet"},
             "processing": {"type": "array", "items": {"type": "string", "enum": ["none", "sorted", "washed", "shredded",
                 "granulated", "pelletised"]}, "maxItems": 6, "uniqueItems": true,
                 "filter": "facet"},
             "delivery": {"type": "string", "enum": ["collection", "delivered", "either"], "filter": "facet"}}}'),
        ('electronics',
         '{"type": "object", "properties": {
             "make": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "model": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "colour": {"type": "string", "minLength": 1, "maxLength": 50, "filter": "facet"},
             "condition": {"type": "string", "enum": ["new", "used", "refurbished", "for_parts"], "filter": "facet"}}}'),
        ('electronics/consoles',
         '{"type": "object", "properties": {
             "make": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "model": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "colour": {"type": "string", "minLength": 1, "maxLength": 50, "filter": "facet"},
             "condition": {"type": "string", "enum": ["new", "used", "refurbished", "for_parts"], "filter": "facet"},
             "storage_gb": {"type": "integer", "minimum": 1, "maximum": 100000, "unit": "GB", "filter": "range"}}}'),
        ('resources',
         '{"type": "object", "required": ["purity"], "properties": {
             "purity": {"type": "number", "minimum": 0, "maximum": 100, "unit": "%", "filter": "range"},
             "grade": {"type": "string", "minLength": 1, "maxLength": 20, "filter": "facet"},
             "body": {"type": "string", "minLength": 1, "maxLength": 50, "filter": "facet"}}}')
) AS given (path, schema)
WHERE c.path = given.path;

-- A moderator sees every waste lot before others do: what it is decides who may take it.
UPDATE categories SET review = 'always' WHERE path = 'waste';

INSERT INTO categories (id, parent_id, path, name, flags, review, attribute_schema)
VALUES
    ('01900000-0000-7000-8000-000000000013', '01900000-0000-7000-8000-000000000001', 'machinery/implements', 'Implements',
        '{}', 'none',
         '{"type": "object", "required": ["make"], "properties": {
             "make": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "model": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "year": {"type": "integer", "minimum": 1900, "maximum": 2100, "filter": "range"},
             "condition": {"type": "string", "enum": ["new", "used", "for_parts"], "filter": "facet"},
             "working_width_m": {"type": "number", "minimum": 0, "maximum": 60, "unit": "m", "filter": "range"},
             "needed_horsepower": {"type": "number", "minimum": 0, "maximum": 3000, "unit": "hp", "filter": "range"},
             "weight_kg": {"type": "number", "minimum": 0, "maximum": 100000, "unit": "kg", "filter": "range"}}}'),
    ('01900000-0000-7000-8000-000000000031', '01900000-0000-7000-8000-000000000003', 'services/operators',
        'Operators for hire', '{service}', 'none',
         '{"type": "object", "required": ["certificates"], "properties": {
             "certificates": {"type": "array", "items": {"type": "string", "enum": ["tractor", "harvester", "telehandler",
                 "excavator", "crop_protection"]}, "minItems": 1, "maxItems": 5, "uniqueItems": true,
                 "filter": "facet"},
             "languages": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]{2,3}$"}, "maxItems": 10,
                 "uniqueItems": true,
                 "filter": "facet"},
             "experience_years": {"type": "integer", "minimum": 0, "maximum": 80, "unit": "years", "filter": "range"},
             "radius_km": {"type": "number", "minimum": 0, "maximum": 20000, "unit": "km"},
             "own_machine": {"type": "boolean", "filter": "facet"}}}'),
    ('01900000-0000-7000-8000-000000000041', '01900000-0000-7000-8000-000000000004', 'waste/metal', 'Metal', '{waste}',
        'always',
         '{"type": "object", "required": ["material", "ewc_code", "origin"], "properties": {
             "material": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "ewc_code": {"type": "string", "pattern": "^[0-9]{2} ?[0-9]{2} ?[0-9]{2}[*]?$",
                          "description": "European Waste Catalogue", "filter": "facet"},
             "origin": {"type": "string", "enum": ["production", "post_industrial", "post_consumer", "construction",
                 "agriculture"], "filter": "facet"},
             "moisture_percent": {"type": "number", "minimum": 0, "maximum": 100, "unit": "%", "filter": "range"},
             "contamination_percent": {"type": "number", "minimum": 0, "maximum": 100, "unit": "%", "filter": "range"},
             "packaging": {"type": "string", "enum": ["loose", "baled", "bagged", "drums", "octabin", "pallet"],
                 "filter": "facet"},
             "processing": {"type": "array", "items": {"type": "string", "enum": ["none", "sorted", "washed", "shredded",
                 "granulated", "pelletised"]}, "maxItems": 6, "uniqueItems": true,
                 "filter": "facet"},
             "delivery": {"type": "string", "enum": ["collection", "delivered", "either"], "filter": "facet"}}}'),
    ('01900000-0000-7000-8000-000000000042', '01900000-0000-7000-8000-000000000004', 'waste/plastic', 'Plastic', '{waste}',
        'always',
         '{"type": "object", "required": ["material", "ewc_code", "origin"], "properties": {
             "material": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "ewc_code": {"type": "string", "pattern": "^[0-9]{2} ?[0-9]{2} ?[0-9]{2}[*]?$",
                          "description": "European Waste Catalogue", "filter": "facet"},
             "origin": {"type": "string", "enum": ["production", "post_industrial", "post_consumer", "construction",
                 "agriculture"], "filter": "facet"},
             "moisture_percent": {"type": "number", "minimum": 0, "maximum": 100, "unit": "%", "filter": "range"},
             "contamination_percent": {"type": "number", "minimum": 0, "maximum": 100, "unit": "%", "filter": "range"},
             "packaging": {"type": "string", "enum": ["loose", "baled", "bagged", "drums", "octabin", "pallet"],
                 "filter": "facet"},
             "processing": {"type": "array", "items": {"type": "string", "enum": ["none", "sorted", "washed", "shredded",
                 "granulated", "pelletised"]}, "maxItems": 6, "uniqueItems": true,
                 "filter": "facet"},
             "delivery": {"type": "string", "enum": ["collection", "delivered", "either"], "filter": "facet"}}}'),
    ('01900000-0000-7000-8000-000000000043', '01900000-0000-7000-8000-000000000004', 'waste/paper', 'Paper and cardboard',
        '{waste}', 'always',
         '{"type": "object", "required": ["material", "ewc_code", "origin"], "properties": {
             "material": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "ewc_code": {"type": "string", "pattern": "^[0-9]{2} ?[0-9]{2} ?[0-9]{2}[*]?$",
                          "description": "European Waste Catalogue", "filter": "facet"},
             "origin": {"type": "string", "enum": ["production", "post_industrial", "post_consumer", "construction",
                 "agriculture"], "filter": "facet"},
             "moisture_percent": {"type": "number", "minimum": 0, "maximum": 100, "unit": "%", "filter": "range"},
             "contamination_percent": {"type": "number", "minimum": 0, "maximum": 100, "unit": "%", "filter": "range"},
             "packaging": {"type": "string", "enum": ["loose", "baled", "bagged", "drums", "octabin", "pallet"],
                 "filter": "facet"},
             "processing": {"type": "array", "items": {"type": "string", "enum": ["none", "sorted", "washed", "shredded",
                 "granulated", "pelletised"]}, "maxItems": 6, "uniqueItems": true,
                 "filter": "facet"},
             "delivery": {"type": "string", "enum": ["collection", "delivered", "either"], "filter": "facet"}}}'),
    ('01900000-0000-7000-8000-000000000044', '01900000-0000-7000-8000-000000000004', 'waste/wood', 'Wood', '{waste}',
        'always',
         '{"type": "object", "required": ["material", "ewc_code", "origin"], "properties": {
             "material": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "ewc_code": {"type": "string", "pattern": "^[0-9]{2} ?[0-9]{2} ?[0-9]{2}[*]?$",
                          "description": "European Waste Catalogue", "filter": "facet"},
             "origin": {"type": "string", "enum": ["production", "post_industrial", "post_consumer", "construction",
                 "agriculture"], "filter": "facet"},
             "moisture_percent": {"type": "number", "minimum": 0, "maximum": 100, "unit": "%", "filter": "range"},
             "contamination_percent": {"type": "number", "minimum": 0, "maximum": 100, "unit": "%", "filter": "range"},
             "packaging": {"type": "string", "enum": ["loose", "baled", "bagged", "drums", "octabin", "pallet"],
                 "filter": "facet"},
             "processing": {"type": "array", "items": {"type": "string", "enum": ["none", "sorted", "washed", "shredded",
                 "granulated", "pelletised"]}, "maxItems": 6, "uniqueItems": true,
                 "filter": "facet"},
             "delivery": {"type": "string", "enum": ["collection", "delivered", "either"], "filter": "facet"}}}'),
    ('01900000-0000-7000-8000-000000000045', '01900000-0000-7000-8000-000000000004', 'waste/organic', 'Organic', '{waste}',
        'always',
         '{"type": "object", "required": ["material", "ewc_code", "origin"], "properties": {
             "material": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "ewc_code": {"type": "string", "pattern": "^[0-9]{2} ?[0-9]{2} ?[0-9]{2}[*]?$",
                          "description": "European Waste Catalogue", "filter": "facet"},
             "origin": {"type": "string", "enum": ["production", "post_industrial", "post_consumer", "construction",
                 "agriculture"], "filter": "facet"},
             "moisture_percent": {"type": "number", "minimum": 0, "maximum": 100, "unit": "%", "filter": "range"},
             "contamination_percent": {"type": "number", "minimum": 0, "maximum": 100, "unit": "%", "filter": "range"},
             "packaging": {"type": "string", "enum": ["loose", "baled", "bagged", "drums", "octabin", "pallet"],
                 "filter": "facet"},
             "processing": {"type": "array", "items": {"type": "string", "enum": ["none", "sorted", "washed", "shredded",
                 "granulated", "pelletised"]}, "maxItems": 6, "uniqueItems": true,
                 "filter": "facet"},
             "delivery": {"type": "string", "enum": ["collection", "delivered", "either"], "filter": "facet"}}}'),
    ('01900000-0000-7000-8000-000000000046', '01900000-0000-7000-8000-000000000004', 'waste/hazardous', 'Hazardous',
        '{waste}', 'always',
         '{"type": "object", "required": ["material", "ewc_code", "origin"], "properties": {
             "material": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "ewc_code": {"type": "string", "pattern": "^[0-9]{2} ?[0-9]{2} ?[0-9]{2}[*]?$",
                          "description": "European Waste Catalogue", "filter": "facet"},
             "origin": {"type": "string", "enum": ["production", "post_industrial", "post_consumer", "construction",
                 "agriculture"], "filter": "facet"},
             "moisture_percent": {"type": "number", "minimum": 0, "maximum": 100, "unit": "%", "filter": "range"},
             "contamination_percent": {"type": "number", "minimum": 0, "maximum": 100, "unit": "%", "filter": "range"},
             "packaging": {"type": "string", "enum": ["loose", "baled", "bagged", "drums", "octabin", "pallet"],
                 "filter": "facet"},
             "processing": {"type": "array", "items": {"type": "string", "enum": ["none", "sorted", "washed", "shredded",
                 "granulated", "pelletised"]}, "maxItems": 6, "uniqueItems": true,
                 "filter": "facet"},
             "delivery": {"type": "string", "enum": ["collection", "delivered", "either"], "filter": "facet"}}}'),
    ('01900000-0000-7000-8000-000000000061', '01900000-0000-7000-8000-000000000006', 'resources/ores', 'Ores', '{}', 'none',
         '{"type": "object", "required": ["purity"], "properties": {
             "purity": {"type": "number", "minimum": 0, "maximum": 100, "unit": "%", "filter": "range"},
             "grade": {"type": "string", "minLength": 1, "maxLength": 20, "filter": "facet"},
             "body": {"type": "string", "minLength": 1, "maxLength": 50, "filter": "facet"},
             "form": {"type": "string", "enum": ["raw", "crushed", "concentrate"], "filter": "facet"}}}'),
    ('01900000-0000-7000-8000-000000000062', '01900000-0000-7000-8000-000000000006', 'resources/gases', 'Gases', '{}', 'none',
         '{"type": "object", "required": ["purity"], "properties": {
             "purity": {"type": "number", "minimum": 0, "maximum": 100, "unit": "%", "filter": "range"},
             "grade": {"type": "string", "minLength": 1, "maxLength": 20, "filter": "facet"},
             "body": {"type": "string", "minLength": 1, "maxLength": 50, "filter": "facet"},
             "pressure_bar": {"type": "number", "minimum": 0, "maximum": 1000, "unit": "bar", "filter": "range"}}}'),
    ('01900000-0000-7000-8000-000000000063', '01900000-0000-7000-8000-000000000006', 'resources/ice', 'Ice', '{}', 'none',
         '{"type": "object", "required": ["purity"], "properties": {
             "purity": {"type": "number", "minimum": 0, "maximum": 100, "unit": "%", "filter": "range"},
             "grade": {"type": "string", "minLength": 1, "maxLength": 20, "filter": "facet"},
             "body": {"type": "string", "minLength": 1, "maxLength": 50, "filter": "facet"},
             "form": {"type": "string", "enum": ["raw", "blocks", "melt"], "filter": "facet"}}}'),
    ('01900000-0000-7000-8000-000000000007', NULL, 'shop', 'Shop', '{}', 'none',
         '{"type": "object", "properties": {
             "make": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "colour": {"type": "string", "minLength": 1, "maxLength": 50, "filter": "facet"}}}'),
    ('01900000-0000-7000-8000-000000000071', '01900000-0000-7000-8000-000000000007', 'shop/tools', 'Tools', '{}', 'none',
         '{"type": "object", "properties": {
             "make": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "colour": {"type": "string", "minLength": 1, "maxLength": 50, "filter": "facet"},
             "model": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "voltage_v": {"type": "number", "minimum": 0, "maximum": 1000, "unit": "V", "filter": "range"}}}'),
    ('01900000-0000-7000-8000-000000000072', '01900000-0000-7000-8000-000000000007', 'shop/clothing', 'Clothing', '{}',
        'none',
         '{"type": "object", "properties": {
             "make": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "colour": {"type": "string", "minLength": 1, "maxLength": 50, "filter": "facet"},
             "size": {"type": "string", "minLength": 1, "maxLength": 20, "filter": "facet"},
             "fabric": {"type": "string", "minLength": 1, "maxLength": 50, "filter": "facet"}}}'),
    ('01900000-0000-7000-8000-000000000073', '01900000-0000-7000-8000-000000000007', 'shop/consumables', 'Consumables', '{}',
        'none',
         '{"type": "object", "properties": {
             "make": {"type": "string", "minLength": 1, "maxLength": 100, "filter": "facet"},
             "colour": {"type": "string", "minLength": 1, "maxLength": 50, "filter": "facet"},
             "content_ml": {"type": "number", "minimum": 0, "maximum": 10000000, "unit": "ml", "filter": "range"}}}');

-- Tractors are looked for by horsepower (metric); those that state kilowatts get it once.
UPDATE items AS i
SET attributes = i.attributes || jsonb_build_object('horsepower', round((i.attributes ->> 'power_kw')::numeric * 1.35962, 1))
FROM categories AS c
WHERE c.id = i.category_id
  AND c.path = 'machinery/tractors'
  AND jsonb_typeof(i.attributes -> 'power_kw') = 'number'
  AND NOT i.attributes ? 'horsepower'
  AND NOT EXISTS (SELECT FROM listings AS l
                  JOIN auctions AS a ON a.listing_id = l.id
                  JOIN bids AS b ON b.auction_id = a.id
                  WHERE l.item_id = i.id);
