//! Shipments on their way.

translated! { German says Shipments {
    because_sends = "Sie erhalten diese E-Mail, weil Sie für das Unternehmen handeln, das dies versendet.";
    because_gets = "Sie erhalten diese E-Mail, weil Sie für das Unternehmen handeln, das dies erhält.";
    shipment_number = "Sendungsnummer";
    shipment_carrier = "Frachtführer";
    view_shipment = "Sendung ansehen";

    exception_subject(goods) = "Problem unterwegs: {goods}";
    exception_heading = "Unterwegs ist etwas schiefgegangen";
    exception_sender(goods) = "Der Frachtführer meldet zu {goods} einen Schaden, einen Verlust oder einen Halt unterwegs. Bitte fragen Sie dort nach, was geschehen ist.";
    exception_receiver(goods) = "Der Frachtführer meldet zu {goods} einen Schaden, einen Verlust oder einen Halt unterwegs. Der Absender weiß davon.";

    attempt_subject(goods) = "Nicht zugestellt: {goods}";
    attempt_heading = "Niemand konnte die Lieferung annehmen";
    attempt_text(goods) = "Bei der Zustellung konnte niemand {goods} annehmen. Die Sendung ist weiter unterwegs.";

    came_back_subject(goods) = "Zurückgekommen: {goods}";
    came_back_heading = "Eine Sendung ist zurückgekommen";
    came_back_sender(goods) = "Was von {goods} nicht zugestellt wurde, ist zu Ihnen zurückgekommen.";
    came_back_receiver(goods) = "Was von {goods} nicht zugestellt wurde, ist zum Absender zurückgekommen.";

    stalled_subject(goods) = "Keine Nachricht: {goods}";
    stalled_heading = "Von einer Sendung gibt es keine Nachricht mehr";
    stalled_text(goods, since) = "Zu {goods} kam seit {since} keine Nachricht mehr. Bitte fragen Sie den Frachtführer, wo die Sendung ist. Sie hören erst wieder von uns, wenn die Nachrichten noch einmal ausbleiben.";
} }
