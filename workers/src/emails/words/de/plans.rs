//! Plans.

translated! { German says Plans {
    plan_free = "Kostenlos";
    plan_standard = "Standard";
    plan_pro = "Pro";
    plan_partner = "Partner";
    plan_charged_subject(plan, amount) = "Ihr Tarif {plan}: {amount} sind fällig";
    plan_charged_heading = "Die Gebühr für Ihren Tarif ist fällig";
    plan_charged_text(plan, amount) = "Bitte zahlen Sie {amount} für Ihren Tarif {plan}. Er gilt ab sofort.";
    plan_reminded_subject(plan, amount) = "Erinnerung: {amount} für Ihren Tarif {plan} sind nicht bezahlt";
    plan_reminded_heading = "Die Gebühr für Ihren Tarif ist nicht bezahlt";
    plan_reminded_text(plan, amount) = "Wir haben {amount} für Ihren Tarif {plan} noch nicht erhalten.";
    plan_reminded_note = "Bis zur Zahlung können Sie nicht mehr tun als im kostenlosen Tarif. Was veröffentlicht ist, bleibt veröffentlicht.";
    plan_failed_subject(plan, amount) = "{amount} für Ihren Tarif {plan} konnten nicht bezahlt werden";
    plan_failed_heading = "Ihre Zahlung ist fehlgeschlagen";
    plan_failed_text(plan, amount) = "Die Zahlung von {amount} für Ihren Tarif {plan} wurde abgelehnt. Bitte versuchen Sie es noch einmal oder zahlen Sie auf andere Weise.";
    plan_paid_subject(plan, amount) = "{amount} für Ihren Tarif {plan} sind bezahlt";
    plan_paid_heading = "Vielen Dank für Ihre Zahlung";
    plan_paid_text(plan, amount) = "Wir haben {amount} für Ihren Tarif {plan} erhalten.";
    plan_restored_subject(plan, amount) = "{amount} erhalten: Ihr Tarif {plan} ist wieder aktiv";
    plan_restored_text(plan, amount) = "Wir haben {amount} erhalten. Alles, was Ihr Tarif {plan} erlaubt, ist wieder möglich.";
    plan_lapsed_subject(plan) = "Ihr Tarif {plan} ist beendet";
    plan_lapsed_heading = "Sie sind im kostenlosen Tarif";
    plan_lapsed_text(plan, amount) = "Wir haben {amount} für Ihren Tarif {plan} nicht innerhalb von 14 Tagen erhalten. Er ist deshalb beendet.";
    plan_lapsed_note = "Ihre Angebote, Bestellungen und Daten bleiben erhalten. Sobald bezahlt ist, was Sie schulden, können Sie wieder einen Tarif wählen.";
    plan_owing_text(plan, amount) = "Ihr Tarif {plan} ist beendet. Noch nicht bezahlt: {amount}.";
    plan_not_offered_subject(plan) = "Den Tarif {plan} gibt es nicht mehr";
    plan_not_offered_text(plan) = "Für Ihr Unternehmen sollte der Tarif {plan} folgen. Er wird nicht mehr angeboten, deshalb nutzen Sie jetzt den kostenlosen Tarif.";
    plan_not_offered_note = "Ihre Angebote, Bestellungen und Daten bleiben erhalten. Sie können einen anderen Tarif wählen.";
    plan_name = "Tarif";
    plan_reminder = "Mahnung";
    plan_reminder_of(number) = "{number} von 3";
    plan_lapses = "Der Tarif endet ohne Zahlung am";
    plan_pay = "Jetzt bezahlen";
    plan_view = "Tarif ansehen";
    plan_reason = "Sie erhalten diese E-Mail, weil Ihnen das Unternehmen gehört, das diesen Tarif abonniert hat.";
} }
