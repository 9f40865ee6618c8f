//! Reviews.

english! { Reviews {
    review_asked_subject(goods) = "How did it go? {goods}";
    review_asked_heading = "How did it go?";
    review_asked_text(other, goods) = "Your order with {other} is completed: {goods}. Tell others how it went, with one to five stars and a few words.";
    review_until = "Write by";
    review_write = "Write a review";
    review_blind(other) = "{other} can read your review once they have written theirs, or after seven days. Until then you can change it.";
    review_shown_subject(other) = "{other} has reviewed you";
    review_shown_heading = "You have a new review";
    review_shown_text(other, goods) = "{other} has written about an order with you: {goods}. Everybody can read it now.";
    review_stars = "Stars";
    review_stars_of(stars) = "{stars} of 5";
    review_read = "Read and answer";
    review_answer_note = "You can answer once. Your answer stands below the review.";
} }
