-- Whether the server may have taken a mail without our knowing: it was handed over, and no answer is known.
ALTER TABLE emails ADD COLUMN in_doubt boolean NOT NULL DEFAULT false;
