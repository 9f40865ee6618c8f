//! Messages that nobody has read.

english! { Chat {
    because_unread = "You are receiving this email because you trade for the organisation that was written to.";
    unread_subject(other, title) = "{other} has written to you about {title}";
    unread_preview = "Nobody of your organisation has read it yet.";
    unread_one = "You have a new message";
    unread_several(count) = "You have {count} new messages";
    unread_many(count) = "You have {count} new messages or more";
    unread_text_one(other, title) = "{other} has written to you about “{title}”. Nobody of your organisation has read it yet.";
    unread_text_several(other, title, count) = "{other} has written {count} messages to you about “{title}”. Nobody of your organisation has read them yet.";
    unread_text_many(other, title, count) = "{other} has written at least {count} messages to you about “{title}”. Nobody of your organisation has read them yet.";
    unread_action = "Read and answer";
    unread_note = "What was written is only on Tradeyard. We write again when somebody of your organisation has read it and there is something new.";
} }
