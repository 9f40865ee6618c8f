-- By which recipe the files of a picture were made, so that they can be made anew when it changes; and whether the upload moves.

ALTER TABLE images
    ADD COLUMN recipe smallint NOT NULL DEFAULT 1 CONSTRAINT images_recipe_positive CHECK (recipe > 0),
    ADD COLUMN animated boolean NOT NULL DEFAULT false;
CREATE INDEX images_by_recipe ON images (recipe, id) WHERE status = 'ready';
-- Whether anybody shows a file.
CREATE INDEX image_variants_by_key ON image_variants (object_key);
