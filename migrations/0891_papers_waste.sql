-- What the market does not know of a shipment of waste, and whoever asks for its document states: facility, operation, codes, way.

ALTER TABLE papers
    ADD COLUMN waste jsonb
        CONSTRAINT papers_waste_object CHECK (jsonb_typeof(waste) = 'object'),
    ADD CONSTRAINT papers_waste_of_movement CHECK (waste IS NULL OR kind = 'waste_movement');
