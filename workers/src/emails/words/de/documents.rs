//! Documents of organisations.

translated! { German says Documents {
    org_document_licence = "Lizenz";
    org_document_certificate = "Bescheinigung";
    org_document_insurance = "Versicherung";
    org_document_permit = "Genehmigung";
    org_document_other = "Dokument";

    org_document_heading = "Bitte erneuern Sie ein Dokument";
    org_document_days_subject(kind, days) = "{kind} läuft in {days} Tagen ab";
    org_document_days_text(org, day, days) = "Ein Dokument von {org} ist bis {day} gültig, noch {days} Tage.";
    org_document_tomorrow_subject(kind) = "{kind} läuft morgen ab";
    org_document_tomorrow_text(org, day) = "Ein Dokument von {org} ist bis morgen gültig, {day}.";
    org_document_today_subject(kind) = "{kind} läuft heute ab";
    org_document_today_text(org, day) = "Ein Dokument von {org} ist bis heute gültig, {day}.";
    org_document_expired_subject(kind) = "{kind} ist abgelaufen";
    org_document_expired_text(org, day) = "Ein Dokument von {org} war bis {day} gültig und ist abgelaufen.";
    org_document_kind = "Dokument";
    org_document_number = "Nummer";
    org_document_expires_on = "Gültig bis";
    org_document_action = "Dokument öffnen";
    org_document_note = "Gibt es ein neues, ersetzen Sie bitte das Dokument. Es wird erneut geprüft, bevor es als bestätigt gilt.";
    org_document_reason(org) = "Sie erhalten diese E-Mail, weil {org} Ihnen gehört.";
} }
