-- What the first categories ask of their items' attributes, with units, ranges and choices. An attribute that a schema does not
-- name is refused from now on, when an item is written or listed; items that are there stay as they are.
UPDATE categories AS c
SET attribute_schema = given.schema::jsonb
FROM (
    VALUES
        ('machinery',
         '{"type": "object", "properties": {
             "make": {"type": "string", "minLength": 1, "maxLength": 100},
             "model": {"type": "string", "minLength": 1, "maxLength": 100},
             "year": {"type": "integer", "minimum": 1900, "maximum": 2100},
             "condition": {"type": "string", "enum": ["new", "used", "for_parts"]}}}'),
        ('machinery/tractors',
         '{"type": "object", "required": ["make", "model"], "properties": {
             "make": {"type": "string", "minLength": 1, "maxLength": 100},
             "model": {"type": "string", "minLength": 1, "maxLength": 100},
             "year": {"type": "integer", "minimum": 1900, "maximum": 2100},
             "condition": {"type": "string", "enum": ["new", "used", "for_parts"]},
             "power_kw": {"type": "number", "minimum": 0, "maximum": 2000, "unit": "kW"},
             "operating_hours": {"type": "number", "minimum": 0, "maximum": 200000, "unit": "h"},
             "weight_kg": {"type": "number", "minimum": 0, "maximum": 100000, "unit": "kg"},
             "four_wheel_drive": {"type": "boolean"}}}'),
        ('parts',
         '{"type": "object", "properties": {
             "part_number": {"type": "string", "minLength": 1, "maxLength": 64},
             "make": {"type": "string", "minLength": 1, "maxLength": 100},
             "condition": {"type": "string", "enum": ["new", "used", "refurbished"]},
             "weight_kg": {"type": "number", "minimum": 0, "maximum": 100000, "unit": "kg"}}}'),
        ('services',
         '{"type": "object", "properties": {
             "licences": {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 20}, "maxItems": 20,
                          "uniqueItems": true},
             "experience_years": {"type": "integer", "minimum": 0, "maximum": 80, "unit": "years"}}}'),
        ('waste',
         '{"type": "object", "required": ["material"], "properties": {
             "material": {"type": "string", "minLength": 1, "maxLength": 100},
             "ewc_code": {"type": "string", "pattern": "^[0-9]{2} ?[0-9]{2} ?[0-9]{2}[*]?$",
                          "description": "European Waste Catalogue"},
             "moisture_percent": {"type": "number", "minimum": 0, "maximum": 100, "unit": "%"},
             "contamination_percent": {"type": "number", "minimum": 0, "maximum": 100, "unit": "%"},
             "packaging": {"type": "string", "enum": ["loose", "baled", "bagged", "drums", "octabin", "pallet"]}}}'),
        ('electronics',
         '{"type": "object", "properties": {
             "make": {"type": "string", "minLength": 1, "maxLength": 100},
             "model": {"type": "string", "minLength": 1, "maxLength": 100},
             "colour": {"type": "string", "minLength": 1, "maxLength": 50},
             "condition": {"type": "string", "enum": ["new", "used", "refurbished", "for_parts"]}}}'),
        ('electronics/consoles',
         '{"type": "object", "properties": {
             "make": {"type": "string", "minLength": 1, "maxLength": 100},
             "model": {"type": "string", "minLength": 1, "maxLength": 100},
             "colour": {"type": "string", "minLength": 1, "maxLength": 50},
             "condition": {"type": "string", "enum": ["new", "used", "refurbished", "for_parts"]},
             "storage_gb": {"type": "integer", "minimum": 1, "maximum": 100000, "unit": "GB"}}}'),
        ('resources',
         '{"type": "object", "required": ["purity"], "properties": {
             "purity": {"type": "number", "minimum": 0, "maximum": 100, "unit": "%"},
             "grade": {"type": "string", "minLength": 1, "maxLength": 20}}}')
) AS given (path, schema)
WHERE c.path = given.path;
