//! Plans.

translated! { German says Plans {
    plan_free = "Kostenlos";
    plan_standard = "Standard";
    plan_pro = "Pro";
    plan_partner = "Partner";
    plan_charged_subject(plan, amount) = "Ihr Tarif {plan}: {amount} sind fällig";
    plan_charged_heading = "Die Gebühr für Ihren Tarif ist fällig";
    plan_charged_text(plan, amount) = "Bitte zahlen Sie {amount} für Ihren Tarif {plan}. Der Tarif ist bereits aktiv.";
    plan_reminded_subject(plan, amount) = "Erinnerung: {amount} für Ihren Tarif {plan} sind überfällig";
    plan_reminded_heading = "Die Gebühr für Ihren Tarif ist überfällig";
    plan_reminded_text(plan, amount) = "Wir haben {amount} für Ihren Tarif {plan} noch nicht erhalten.";
    plan_reminded_note = "Bis zur Zahlung gelten die Grenzen des kostenlosen Tarifs. Was Sie veröffentlicht haben, bleibt veröffentlicht.";
    plan_failed_subject(plan, amount) = "Zahlung fehlgeschlagen: {amount} für Ihren Tarif {plan}";
    plan_failed_heading = "Ihre Zahlung ist fehlgeschlagen";
    plan_failed_text(plan, amount) = "Die Zahlung von {amount} für Ihren Tarif {plan} konnte nicht ausgeführt werden. Bitte versuchen Sie es noch einmal oder zahlen Sie auf andere Weise.";
    plan_paid_subject(plan, amount) = "Zahlung erhalten: {amount} für Ihren Tarif {plan}";
    plan_paid_heading = "Vielen Dank für Ihre Zahlung";
    plan_paid_text(plan, amount) = "Wir haben {amount} für Ihren Tarif {plan} erhalten.";
    plan_restored_subject(plan, amount) = "{amount} erhalten: Ihr Tarif {plan} ist wieder aktiv";
    plan_restored_text(plan, amount) = "Wir haben {amount} erhalten. Sie können Ihren Tarif {plan} wieder in vollem Umfang nutzen.";
    plan_lapsed_subject(plan) = "Ihr Tarif {plan} ist beendet";
    plan_lapsed_heading = "Sie nutzen jetzt den kostenlosen Tarif";
    plan_lapsed_text(plan, amount) = "Wir haben {amount} für Ihren Tarif {plan} nicht innerhalb von 14 Tagen erhalten. Er ist deshalb beendet.";
    plan_lapsed_note = "Ihre Angebote, Bestellungen und Daten bleiben erhalten. Sobald Sie den offenen Betrag bezahlt haben, können Sie wieder einen Tarif wählen.";
    plan_owing_text(plan, amount) = "Ihr Tarif {plan} ist beendet. Noch nicht bezahlt: {amount}.";
    plan_not_offered_subject(plan) = "Den Tarif {plan} gibt es nicht mehr";
    plan_not_offered_text(plan) = "Für Ihr Unternehmen sollte der Tarif {plan} folgen. Er wird nicht mehr angeboten, deshalb nutzen Sie jetzt den kostenlosen Tarif.";
    plan_not_offered_note = "Ihre Angebote, Bestellungen und Daten bleiben erhalten. Sie können einen anderen Tarif wählen.";
    plan_name = "Tarif";
    plan_reminder = "Erinnerung";
    plan_reminder_of(number) = "{number} von 3";
    plan_lapses = "Ohne Zahlung endet der Tarif am";
    plan_pay = "Jetzt bezahlen";
    plan_view = "Tarif ansehen";
    plan_reason = "Sie erhalten diese E-Mail, weil Sie Inhaber des Unternehmens sind, das diesen Tarif gewählt hat.";
} }
