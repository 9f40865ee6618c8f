//! Documents of organisations.

english! { Documents {
    org_document_licence = "Licence";
    org_document_certificate = "Certificate";
    org_document_insurance = "Insurance";
    org_document_permit = "Permit";
    org_document_other = "Document";

    org_document_heading = "Please renew a document";
    org_document_days_subject(kind, days) = "{kind} expires in {days} days";
    org_document_days_text(org, day, days) = "A document of {org} expires in {days} days. It is valid until {day}.";
    org_document_tomorrow_subject(kind) = "{kind} expires tomorrow";
    org_document_tomorrow_text(org, day) = "A document of {org} expires tomorrow. The last day on which it is valid is {day}.";
    org_document_today_subject(kind) = "{kind} expires today";
    org_document_today_text(org, day) = "A document of {org} expires today. The last day on which it is valid is {day}.";
    org_document_expired_subject(kind) = "{kind} has expired";
    org_document_expired_text(org, day) = "A document of {org} has expired. It was valid until {day}.";
    org_document_kind = "Type";
    org_document_number = "Number";
    org_document_expires_on = "Valid until";
    org_document_action = "Open the document";
    org_document_note = "If you have a new one, please replace the document with it. We check it before it counts as verified.";
    org_document_reason(org) = "You are receiving this email because you are an owner of {org}.";
} }
