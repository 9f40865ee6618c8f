-- The files of invoices and credit notes: each is printed once, and stays as it is.

CREATE TABLE invoice_files (
    invoice_id uuid CONSTRAINT invoice_files_once PRIMARY KEY CONSTRAINT invoice_files_of_invoice REFERENCES invoices (id),
    -- Where it lies in the blob store.
    object_key text NOT NULL CONSTRAINT invoice_files_key_of_invoice CHECK (object_key = 'invoices/' || invoice_id || '.pdf'),
    bytes      bigint NOT NULL CONSTRAINT invoice_files_bytes_positive CHECK (bytes > 0),
    sha256     bytea NOT NULL CONSTRAINT invoice_files_sha256_length CHECK (length(sha256) = 32),
    -- What EN 16931 demands and is not known; NULL: nothing, the file is Factur-X.
    lacks      text CONSTRAINT invoice_files_lacks_length CHECK (length(lacks) BETWEEN 1 AND 500),
    printed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TRIGGER invoice_files_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_files FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();
