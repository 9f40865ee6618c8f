//! Orders, their payment, disputes and payouts.

translated! { German says Orders {
    placed_subject_buyer(goods) = "Ihre Bestellung: {goods}";
    placed_heading_buyer = "Ihre Bestellung ist reserviert";
    placed_buyer(goods) = "Wir haben {goods} für Sie reserviert. Der Verkäufer bereitet alles vor, sobald Sie bezahlt haben.";
    placed_subject_seller(goods) = "Neue Bestellung: {goods}";
    placed_preview_seller(by) = "Der Käufer kann bis {by} bezahlen.";
    placed_heading_seller = "Sie haben eine neue Bestellung";
    placed_seller(goods) = "Ein Käufer hat {goods} bestellt, der Bestand ist reserviert. Bitte geben Sie nichts heraus, bevor die Zahlung eingegangen ist.";

    expired_subject(goods) = "Nicht rechtzeitig bezahlt: {goods}";
    expired_heading = "Die Bestellung ist verfallen";
    expired_buyer(goods) = "Ihre Zahlung für {goods} ist nicht rechtzeitig eingegangen, deshalb ist nichts mehr für Sie reserviert. Es wurde nichts abgebucht.";
    expired_seller(goods) = "Der Käufer von {goods} hat nicht rechtzeitig bezahlt. Was reserviert war, kann wieder verkauft werden.";

    cancelled_subject(goods) = "Storniert: {goods}";
    cancelled_heading = "Die Bestellung ist storniert";
    cancelled_buyer(goods) = "Ihre Bestellung von {goods} ist storniert. Es wurde nichts abgebucht.";
    cancelled_seller(goods) = "Der Käufer hat die Bestellung von {goods} storniert. Was reserviert war, kann wieder verkauft werden.";

    written_off_subject(goods) = "Abgeschrieben: {goods}";
    written_off_heading = "Der Handel ist abgeschrieben";
    written_off_buyer(goods) = "Ihre Zahlung für {goods} ist nicht rechtzeitig eingegangen, obwohl die Ware zu Ihnen unterwegs war; der Verkäufer hat den Handel deshalb abgeschrieben. Er kann hier nicht mehr bezahlt werden und zählt als Verstoß Ihres Unternehmens.";
    written_off_seller(goods) = "Sie haben {goods} abgeschrieben: Der Handel ist beendet und kann hier nicht mehr bezahlt werden.";
    written_off_stock = "Was unterwegs oder angekommen ist, ist aus Ihrem Bestand; was noch da war, kann wieder verkauft werden. Kommt etwas davon zurück, zählen Sie es wieder ein.";

    days_hired_subject(goods) = "Gebuchte Tage: {goods}";
    days_hired_heading = "Die Tage sind gewählt";
    days_hired_buyer(goods) = "Sie haben {goods} für diese Tage gebucht. Niemand sonst kann sie haben, solange die Bestellung besteht.";
    days_hired_seller(goods) = "Der Käufer hat diese Tage für {goods} gewählt. In Ihrem Kalender sind sie belegt.";
    hired_days = "Tage";
    days_given_up_subject(goods) = "Freigegebene Tage: {goods}";
    days_given_up_heading = "Es sind keine Tage mehr gewählt";
    days_given_up_buyer(goods) = "Sie haben die Tage für {goods} freigegeben, und andere können sie buchen. Bis die Arbeit getan ist, können Sie in der Bestellung Tage wählen.";
    days_given_up_seller(goods) = "Der Käufer hat die Tage für {goods} freigegeben. In Ihrem Kalender sind sie wieder frei.";

    reminder_subject(goods) = "Bitte bezahlen Sie {goods}";
    reminder_preview(amount, by) = "{amount} sind bis {by} fällig.";
    reminder_heading = "Ihre Zahlung ist bald fällig";
    reminder_text(goods) = "Wir haben Ihre Zahlung für {goods} noch nicht erhalten.";
    reminder_note = "Wenn Sie inzwischen bezahlt haben, ignorieren Sie diese E-Mail.";

    failed_subject(goods) = "Zahlung fehlgeschlagen: {goods}";
    failed_preview(by) = "Sie können es bis {by} erneut versuchen.";
    failed_heading = "Ihre Zahlung ist fehlgeschlagen";
    failed_text(goods) = "Ihre Zahlung für {goods} hat nicht geklappt, und es wurde nichts abgebucht. Sie können es erneut versuchen, auf Wunsch mit einer anderen Zahlungsart.";

    paid_subject_buyer(goods) = "Bezahlt: {goods}";
    paid_heading_buyer = "Wir haben Ihre Zahlung erhalten";
    paid_buyer(goods) = "Sie haben {goods} bezahlt. Das Geld wird verwahrt, bis Sie die Ware erhalten und angenommen haben.";
    paid_subject_seller(goods) = "Bezahlt, bitte versenden: {goods}";
    paid_heading_seller = "Ihr Käufer hat bezahlt";
    paid_seller(goods) = "Der Käufer hat {goods} bezahlt, und das Geld wird für Sie verwahrt. Bitte versenden Sie die Ware und vermerken Sie das in der Bestellung.";

    shipped_subject(goods) = "Unterwegs: {goods}";
    shipped_heading = "Ihre Bestellung ist unterwegs";
    shipped_text(goods) = "Der Verkäufer hat {goods} versandt. Bitte vermerken Sie in der Bestellung, wenn alles angekommen ist.";

    delivered_subject(goods) = "Angekommen: {goods}";
    delivered_heading_buyer = "Bitte prüfen Sie Ihre Bestellung";
    delivered_buyer(goods) = "Sie haben {goods} erhalten.";
    delivered_inspect(until) = "Wenn etwas nicht in Ordnung ist, eröffnen Sie bis {until} einen Streitfall. Danach wird der Verkäufer bezahlt.";
    delivered_heading_seller = "Ihr Käufer hat die Bestellung erhalten";
    delivered_seller(goods) = "Der Käufer hat {goods} erhalten.";
    delivered_wait(until) = "Wenn der Käufer bis {until} nichts beanstandet, werden Sie spätestens dann bezahlt.";

    completed_subject(goods) = "Abgeschlossen: {goods}";
    completed_heading_buyer = "Ihre Bestellung ist abgeschlossen";
    completed_buyer(goods) = "Ihre Bestellung von {goods} ist abgeschlossen, und der Verkäufer ist bezahlt.";
    completed_heading_seller = "Das Geld gehört Ihnen";
    completed_seller(goods) = "Die Bestellung von {goods} ist abgeschlossen, und das Geld gehört Ihnen.";

    dispute_subject(goods) = "Streitfall: {goods}";
    dispute_heading = "Ein Streitfall ist offen";
    dispute_buyer(goods) = "Sie haben einen Streitfall zu {goods} eröffnet. Das Geld bleibt, wo es ist, bis wir entschieden haben.";
    dispute_seller(goods) = "Der Käufer beanstandet {goods}. Das Geld wird verwahrt, bis der Streitfall entschieden ist.";
    dispute_held = "Verwahrt";
    dispute_not_received = "Nicht erhalten";
    dispute_not_as_described = "Nicht wie beschrieben";
    dispute_damaged = "Beschädigt";
    dispute_other = "Ein anderer Grund";

    withdrawn_subject(goods) = "Streitfall zurückgezogen: {goods}";
    withdrawn_heading = "Der Streitfall ist zurückgezogen";
    withdrawn_text(goods) = "Der Käufer hat den Streitfall zu {goods} zurückgezogen. Die Bestellung läuft weiter wie zuvor.";

    decided_subject(goods) = "Streitfall entschieden: {goods}";
    decided_heading = "Der Streitfall ist entschieden";
    decided_against_buyer(goods) = "Wir haben den Streitfall zu {goods} zugunsten des Verkäufers entschieden; er ist bezahlt.";
    decided_for_buyer(goods, amount) = "Wir haben den Streitfall zu {goods} entschieden: Sie erhalten {amount} zurück.";
    decided_for_seller(goods) = "Wir haben den Streitfall zu {goods} zu Ihren Gunsten entschieden, und das Geld gehört Ihnen.";
    decided_against_seller(goods, amount) = "Wir haben den Streitfall zu {goods} entschieden: Der Käufer erhält {amount} zurück.";

    refund_subject(goods) = "Erstattung: {goods}";
    refund_preview(amount) = "{amount} sind auf dem Weg zu Ihnen.";
    refund_heading = "Ihr Geld ist auf dem Rückweg";
    refund_text(amount, goods) = "Wir haben Ihnen {amount} für {goods} auf dem Weg erstattet, auf dem Sie bezahlt haben. Bis Ihre Bank den Betrag anzeigt, können einige Tage vergehen.";

    because_earned = "Sie erhalten diese E-Mail, weil Sie für das Unternehmen handeln, das dies verdient hat.";
    open_payouts = "Auszahlungen öffnen";
    payout = "Auszahlung";
    payout_subject(amount) = "{amount} sind auf dem Weg zu Ihrer Bank";
    payout_preview = "Ihr Erlös wurde ausgezahlt.";
    payout_heading = "Ihre Auszahlung ist unterwegs";
    payout_text(amount) = "Unser Zahlungsdienstleister hat {amount} Ihres Erlöses an Ihre Bank ausgezahlt.";
    payout_note = "Bis Ihre Bank den Betrag anzeigt, können einige Tage vergehen.";
    account_needed_subject(amount) = "{amount} warten auf Ihr Auszahlungskonto";
    account_needed_preview = "Wir können Ihren Erlös noch nicht auszahlen.";
    account_needed_heading = "Wohin dürfen wir Ihren Erlös auszahlen?";
    account_needed_text(amount) = "Sie haben {amount} verdient und noch kein Konto, auf das unser Zahlungsdienstleister auszahlen kann. Sobald es eines gibt, läuft die Auszahlung von selbst weiter.";
    earned = "Verdient";
} }
