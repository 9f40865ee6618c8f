-- A lot that is listed again shows the pictures that it had: the new listing's rows name the same upload and the same files.

ALTER TABLE images
    ADD COLUMN is_copy boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT images_one_per_upload;
CREATE UNIQUE INDEX images_one_per_upload ON images (upload_id) WHERE NOT is_copy;
CREATE INDEX images_of_upload ON images (upload_id);
