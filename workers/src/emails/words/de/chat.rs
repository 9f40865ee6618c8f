//! Messages that nobody has read.

translated! { German says Chat {
    because_unread = "Sie erhalten diese E-Mail, weil Sie für das Unternehmen handeln, dem geschrieben wurde.";
    unread_subject(other, title) = "{other} hat Ihnen zu {title} geschrieben";
    unread_preview = "In Ihrem Unternehmen hat es noch niemand gelesen.";
    unread_one = "Sie haben eine neue Nachricht";
    unread_several(count) = "Sie haben {count} neue Nachrichten";
    unread_many(count) = "Sie haben {count} oder mehr neue Nachrichten";
    unread_text_one(other, title) = "{other} hat Ihnen zu „{title}“ geschrieben. In Ihrem Unternehmen hat die Nachricht noch niemand gelesen.";
    unread_text_several(other, title, count) = "{other} hat Ihnen zu „{title}“ {count} Nachrichten geschrieben. In Ihrem Unternehmen hat sie noch niemand gelesen.";
    unread_text_many(other, title, count) = "{other} hat Ihnen zu „{title}“ mindestens {count} Nachrichten geschrieben. In Ihrem Unternehmen hat sie noch niemand gelesen.";
    unread_action = "Lesen und antworten";
    unread_note = "Der Wortlaut steht nur auf Tradeyard. Wir schreiben wieder, wenn jemand aus Ihrem Unternehmen gelesen hat und etwas Neues da ist.";
} }
