-- Which shipments of ours have news in the log that nobody has carried over to them yet (docs/decisions/0059). The log may live in a
-- database of its own, so the transaction that records events leaves a mark, and `cargo.project` takes it away after the shipment has
-- followed. A reference that is not a tracking number of ours never gets one.

-- The number of a mark: a later one of the same shipment is greater, because its standing is locked while it is taken.
CREATE SEQUENCE cargo_marks_change;

CREATE TABLE cargo_marks (
    org      uuid NOT NULL,
    shipment text COLLATE "C" NOT NULL
             CONSTRAINT cargo_marks_of_ours CHECK (shipment ~ '^TY[0-9A-HJKMNP-TV-Z]{17}$'),
    -- All marks of one transaction have the same; whoever carries one over takes it away only if it still has it.
    change   bigint NOT NULL,
    -- From then on a sweep carries it over: whoever was told of it was lost, or could not.
    due_at   timestamptz NOT NULL,
    -- How often the shipment could not follow, because of what it would have broken.
    tries    integer NOT NULL DEFAULT 0 CONSTRAINT cargo_marks_tries_counted CHECK (tries >= 0),
    CONSTRAINT cargo_marks_pkey PRIMARY KEY (org, shipment)
);
CREATE INDEX cargo_marks_by_change ON cargo_marks (change);
CREATE INDEX cargo_marks_due ON cargo_marks (due_at);

-- What the log says already is carried over once.
INSERT INTO cargo_marks (org, shipment, change, due_at)
SELECT org, shipment, nextval('cargo_marks_change'), now()
FROM cargo_standings
WHERE shipment ~ '^TY[0-9A-HJKMNP-TV-Z]{17}$';
