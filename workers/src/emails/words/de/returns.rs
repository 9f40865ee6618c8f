//! Returns.

translated! { German says Returns {
    return_units = "Stück";
    return_not_needed = "Nicht benötigt";
    return_not_as_described = "Nicht wie beschrieben";
    return_damaged = "Beschädigt";
    return_wrong_item = "Anderer Artikel als bestellt";
    return_other = "Ein anderer Grund";

    return_requested_subject(goods) = "Rückgabe angefragt: {goods}";
    return_requested_heading = "Ihr Käufer bittet um eine Rückgabe";
    return_requested_text(goods) = "Der Käufer möchte {goods} zurückschicken. Wenn Sie nicht rechtzeitig antworten, gilt die Rückgabe als genehmigt.";

    return_approved_subject(goods) = "Rückgabe genehmigt: {goods}";
    return_approved_heading = "Ihre Rückgabe ist genehmigt";
    return_approved_text(goods) = "Sie können {goods} zurückschicken. Bitte vermerken Sie in der Rückgabe, wann und wie Sie die Ware versandt haben.";
    return_send_by = "Versand bis";

    return_refused_subject(goods) = "Rückgabe abgelehnt: {goods}";
    return_refused_heading = "Ihre Rückgabe ist abgelehnt";
    return_refused_text(goods) = "Der Verkäufer nimmt {goods} nicht zurück. Er schreibt dazu:";

    return_sent_subject(goods) = "Rückgabe versandt: {goods}";
    return_sent_heading = "Eine Rückgabe ist auf dem Weg zu Ihnen";
    return_sent_text(goods) = "Der Käufer hat {goods} zurückgeschickt. Bitte vermerken Sie in der Rückgabe, wenn alles angekommen ist; sonst gilt sie am Ende als erhalten.";
    return_sent_with = "Versandt mit";
    return_confirm_by = "Bestätigung bis";

    return_received_subject(goods) = "Rückgabe erhalten: {goods}";
    return_received_heading = "Die Rückgabe ist angekommen";
    return_counted_heading = "Die Rückgabe gilt als erhalten";
    return_received_buyer(goods) = "Der Verkäufer hat {goods} erhalten.";
    return_received_seller(goods) = "Sie haben {goods} erhalten.";
    return_counted(goods) = "Niemand hat gemeldet, ob {goods} angekommen ist; die Rückgabe gilt deshalb als erhalten.";
    return_nothing_back = "Der Kaufpreis wurde bereits vollständig erstattet.";
    return_rest_to_buyer(amount) = "Sie erhalten {amount} zurück: Der Rest des Kaufpreises wurde bereits erstattet.";
    return_rest_to_seller(amount) = "Der Käufer erhält {amount} zurück: Der Rest des Kaufpreises wurde bereits erstattet.";
    return_back_to_buyer(amount) = "Sie erhalten {amount} zurück.";
    return_back_to_seller(amount) = "Der Käufer erhält {amount} zurück.";
    return_cost = "Kaufpreis";
} }
