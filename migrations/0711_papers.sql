-- Papers that people ask for: printed by a job, as things are then, and kept for a while.

CREATE TABLE papers (
    id             uuid PRIMARY KEY,
    org_id         uuid NOT NULL REFERENCES orgs (id),
    requested_by   uuid NOT NULL REFERENCES users (id),
    kind           text NOT NULL CONSTRAINT papers_kind_known
                   CHECK (kind IN ('picking_list', 'release_pass', 'shipping_label', 'waste_movement')),
    -- What it is about.
    order_id       uuid CONSTRAINT papers_of_order REFERENCES orders (id),
    shipment_id    uuid CONSTRAINT papers_of_shipment REFERENCES shipments (id),
    appointment_id uuid CONSTRAINT papers_of_appointment REFERENCES appointments (id),
    job_id         bigint,
    status         text NOT NULL DEFAULT 'queued' CONSTRAINT papers_status_known
                   CHECK (status IN ('queued', 'ready', 'failed', 'expired')),
    -- For the person who asked.
    failure        text CONSTRAINT papers_failure_length CHECK (length(failure) BETWEEN 1 AND 500),
    -- Where it lies in the blob store, and when it goes.
    object_key     text CONSTRAINT papers_key_of_paper CHECK (object_key = 'papers/' || id || '.pdf'),
    expires_at     timestamptz,
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT papers_about_one CHECK (
        num_nonnulls(order_id, shipment_id, appointment_id) = 1
        AND CASE kind WHEN 'picking_list' THEN order_id WHEN 'release_pass' THEN appointment_id ELSE shipment_id END IS NOT NULL),
    CONSTRAINT papers_failed_has_reason CHECK ((status = 'failed') = (failure IS NOT NULL)),
    CONSTRAINT papers_file_while_ready CHECK ((status = 'ready') = (object_key IS NOT NULL)),
    CONSTRAINT papers_file_goes CHECK (object_key IS NULL OR expires_at IS NOT NULL)
);
CREATE INDEX papers_of_org ON papers (org_id, created_at);
CREATE INDEX papers_expiring ON papers (expires_at) WHERE status = 'ready';

-- Requests at the same moment wait for each other.
CREATE FUNCTION bound_papers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM orgs WHERE id = new.org_id FOR NO KEY UPDATE;
    IF (SELECT count(*)
        FROM (SELECT FROM papers WHERE org_id = new.org_id AND created_at > now() - interval '1 day' LIMIT 5000) AS made) >= 5000
    THEN
        RAISE EXCEPTION 'an organisation asks for at most 5000 papers a day'
            USING ERRCODE = 'check_violation', TABLE = 'papers', CONSTRAINT = 'papers_per_day';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER papers_per_day BEFORE INSERT ON papers FOR EACH ROW EXECUTE FUNCTION bound_papers();
