//! Documents of organisations.

translated! { German says Documents {
    org_document_licence = "Lizenz";
    org_document_certificate = "Bescheinigung";
    org_document_insurance = "Versicherung";
    org_document_permit = "Genehmigung";
    org_document_other = "Dokument";

    org_document_heading = "Bitte erneuern Sie ein Dokument";
    org_document_days_subject(kind, days) = "{kind} läuft in {days} Tagen ab";
    org_document_days_text(org, day, days) = "Ein Dokument von {org} läuft in {days} Tagen ab. Es ist bis zum {day} gültig.";
    org_document_tomorrow_subject(kind) = "{kind} läuft morgen ab";
    org_document_tomorrow_text(org, day) = "Ein Dokument von {org} läuft morgen ab. Sein letzter Gültigkeitstag ist der {day}.";
    org_document_today_subject(kind) = "{kind} läuft heute ab";
    org_document_today_text(org, day) = "Ein Dokument von {org} läuft heute ab. Sein letzter Gültigkeitstag ist der {day}.";
    org_document_expired_subject(kind) = "{kind} ist abgelaufen";
    org_document_expired_text(org, day) = "Ein Dokument von {org} ist abgelaufen. Es war bis zum {day} gültig.";
    org_document_kind = "Art";
    org_document_number = "Nummer";
    org_document_expires_on = "Gültig bis";
    org_document_action = "Dokument öffnen";
    org_document_note = "Wenn es ein neues gibt, ersetzen Sie das Dokument bitte dadurch. Wir prüfen es, bevor es als bestätigt gilt.";
    org_document_reason(org) = "Sie erhalten diese E-Mail, weil Sie Inhaber des Unternehmens „{org}“ sind.";
} }
