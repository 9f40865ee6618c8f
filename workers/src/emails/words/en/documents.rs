//! Documents of organisations.

english! { Documents {
    document_licence = "Licence";
    document_certificate = "Certificate";
    document_insurance = "Insurance";
    document_permit = "Permit";
    document_other = "Document";

    document_heading = "Please renew a document";
    document_days_subject(kind, days) = "{kind} expires in {days} days";
    document_days_text(org, day, days) = "A document of {org} is valid until {day}, for another {days} days.";
    document_tomorrow_subject(kind) = "{kind} expires tomorrow";
    document_tomorrow_text(org, day) = "A document of {org} is valid until tomorrow, {day}.";
    document_today_subject(kind) = "{kind} expires today";
    document_today_text(org, day) = "A document of {org} is valid until today, {day}.";
    document_expired_subject(kind) = "{kind} has expired";
    document_expired_text(org, day) = "A document of {org} was valid until {day} and has expired.";
    document_kind = "Document";
    document_number = "Number";
    document_expires_on = "Valid until";
    document_action = "Open the document";
    document_note = "If there is a new one, please replace the document with it. It is looked at again before it counts as verified.";
    document_reason(org) = "You are receiving this email because you are an owner of {org}.";
} }
