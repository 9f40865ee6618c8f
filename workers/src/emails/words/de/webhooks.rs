//! Webhook endpoints.

translated! { German says Webhooks {
    webhooks_paused_subject(name) = "Webhooks angehalten: {name}";
    webhooks_paused_text(name, since) = "Seit {since} ist jeder Webhook an den Endpunkt {name} fehlgeschlagen. Wir haben ihn angehalten.";
    webhooks_paused_note = "Was inzwischen geschieht, wird als verpasst vermerkt. Sobald der Endpunkt wieder erreichbar ist, können Sie ihn fortsetzen und das Verpasste erneut senden lassen.";
    webhooks_disabled_subject(name) = "Webhooks beendet: {name}";
    webhooks_disabled_text(name) = "Der Endpunkt {name} hat geantwortet, dass es ihn nicht mehr gibt (410). Wir senden nichts mehr dorthin.";
    webhooks_disabled_note = "Was inzwischen geschieht, wird für diesen Endpunkt nicht aufbewahrt. War es ein Versehen, setzen Sie ihn fort; sonst entfernen Sie ihn bitte.";
    webhooks_heading = "Ihre Webhooks werden nicht mehr gesendet";
    webhooks_endpoint = "Endpunkt";
    webhooks_address = "Adresse";
    webhooks_failing_since = "Fehlgeschlagen seit";
    webhooks_action = "Endpunkt öffnen";
    webhooks_reason = "Sie erhalten diese E-Mail, weil Ihnen das Unternehmen gehört, an das diese Webhooks gesendet werden.";
} }
