//! Reviews.

translated! { German says Reviews {
    review_asked_subject(goods) = "Wie ist es gelaufen? {goods}";
    review_asked_heading = "Wie ist es gelaufen?";
    review_asked_text(other, goods) = "Ihre Bestellung mit {other} ist abgeschlossen: {goods}. Sagen Sie anderen, wie es war, mit einem bis fünf Sternen und einigen Worten.";
    review_until = "Möglich bis";
    review_write = "Bewertung schreiben";
    review_blind(other) = "{other} kann Ihre Bewertung lesen, sobald auch von dort eine geschrieben ist, oder nach sieben Tagen. Bis dahin können Sie sie ändern.";
    review_shown_subject(other) = "{other} hat Sie bewertet";
    review_shown_heading = "Sie haben eine neue Bewertung";
    review_shown_text(other, goods) = "{other} hat über eine Bestellung mit Ihnen geschrieben: {goods}. Jeder kann die Bewertung jetzt lesen.";
    review_stars = "Sterne";
    review_stars_of(stars) = "{stars} von 5";
    review_read = "Lesen und antworten";
    review_answer_note = "Sie können einmal antworten. Ihre Antwort steht unter der Bewertung.";
} }
