-- Messages carry documents.

ALTER TABLE uploads
    DROP CONSTRAINT uploads_content_type_known,
    ADD CONSTRAINT uploads_content_type_known
        CHECK (content_type IN ('image/jpeg', 'image/png', 'image/webp', 'text/csv', 'application/pdf')),
    ADD CONSTRAINT uploads_pdf_size CHECK (content_type <> 'application/pdf' OR size <= 16777216);
