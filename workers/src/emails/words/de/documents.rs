//! Documents of organisations.

translated! { German says Documents {
    document_licence = "Lizenz";
    document_certificate = "Bescheinigung";
    document_insurance = "Versicherung";
    document_permit = "Genehmigung";
    document_other = "Dokument";

    document_heading = "Bitte erneuern Sie ein Dokument";
    document_days_subject(kind, days) = "{kind} läuft in {days} Tagen ab";
    document_days_text(org, day, days) = "Ein Dokument von {org} ist bis {day} gültig, noch {days} Tage.";
    document_tomorrow_subject(kind) = "{kind} läuft morgen ab";
    document_tomorrow_text(org, day) = "Ein Dokument von {org} ist bis morgen gültig, {day}.";
    document_today_subject(kind) = "{kind} läuft heute ab";
    document_today_text(org, day) = "Ein Dokument von {org} ist bis heute gültig, {day}.";
    document_expired_subject(kind) = "{kind} ist abgelaufen";
    document_expired_text(org, day) = "Ein Dokument von {org} war bis {day} gültig und ist abgelaufen.";
    document_kind = "Dokument";
    document_number = "Nummer";
    document_expires_on = "Gültig bis";
    document_action = "Dokument öffnen";
    document_note = "Gibt es ein neues, ersetzen Sie bitte das Dokument. Es wird erneut geprüft, bevor es als bestätigt gilt.";
    document_reason(org) = "Sie erhalten diese E-Mail, weil {org} Ihnen gehört.";
} }
