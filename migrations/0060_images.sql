-- Uploads of photographs, and the pictures that are made of them.

CREATE TABLE uploads (
    id           uuid PRIMARY KEY,
    org_id       uuid NOT NULL REFERENCES orgs (id),
    created_by   uuid NOT NULL REFERENCES users (id),
    -- What the address for the upload was signed for. The picture's real type is decided by its bytes.
    content_type text NOT NULL CHECK (content_type IN ('image/jpeg', 'image/png', 'image/webp')),
    size         bigint NOT NULL CONSTRAINT uploads_size_range CHECK (size BETWEEN 1 AND 20971520),
    object_key   text NOT NULL CONSTRAINT uploads_key_unique UNIQUE,
    created_at   timestamptz NOT NULL DEFAULT now(),
    -- Not completed until then: the upload and its object go.
    expires_at   timestamptz NOT NULL,
    completed_at timestamptz
);
CREATE INDEX uploads_abandoned ON uploads (expires_at) WHERE completed_at IS NULL;

CREATE TABLE images (
    id           uuid PRIMARY KEY,
    upload_id    uuid NOT NULL CONSTRAINT images_one_per_upload UNIQUE REFERENCES uploads (id),
    org_id       uuid NOT NULL REFERENCES orgs (id),
    -- The listing that it shows, and its place among that listing's pictures.
    listing_id   uuid CONSTRAINT images_listing_exists REFERENCES listings (id),
    position     smallint NOT NULL DEFAULT 0 CHECK (position BETWEEN 0 AND 99),
    status       text NOT NULL DEFAULT 'uploaded'
                 CHECK (status IN ('uploaded', 'processing', 'ready', 'rejected', 'deleting')),
    -- Why it was rejected: a stable code, and a sentence for the person who sent it.
    refusal_code text,
    refusal      text CHECK (length(refusal) <= 500),
    -- SHA-256 of the upload.
    checksum     bytea CHECK (length(checksum) = 32),
    -- As people see it, after the orientation is applied.
    width        integer CHECK (width > 0),
    height       integer CHECK (height > 0),
    blurhash     text CHECK (length(blurhash) BETWEEN 6 AND 200),
    job_id       bigint,
    created_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    CONSTRAINT images_rejected_has_reason CHECK ((status = 'rejected') <= (refusal_code IS NOT NULL AND refusal IS NOT NULL)),
    CONSTRAINT images_ready_is_whole CHECK ((status = 'ready') <= (num_nulls(checksum, width, height, blurhash) = 0))
);
CREATE INDEX images_of_listing ON images (listing_id, position, id) WHERE listing_id IS NOT NULL;
CREATE INDEX images_of_org ON images (org_id, id);

CREATE TABLE image_variants (
    image_id   uuid NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    shape      text NOT NULL CHECK (shape IN ('whole', 'square')),
    format     text NOT NULL CHECK (format IN ('webp', 'jpeg')),
    width      integer NOT NULL CHECK (width > 0),
    height     integer NOT NULL CHECK (height > 0),
    bytes      bigint NOT NULL CHECK (bytes > 0),
    object_key text NOT NULL,
    PRIMARY KEY (image_id, shape, width, format)
);
