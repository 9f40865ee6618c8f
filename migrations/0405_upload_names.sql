-- What a picture is called where it comes from: a file of listings names its pictures so.

ALTER TABLE uploads
    ADD COLUMN file_name text CONSTRAINT uploads_file_name_length CHECK (length(file_name) BETWEEN 1 AND 255);
CREATE INDEX uploads_named ON uploads (org_id, file_name) WHERE file_name IS NOT NULL;
