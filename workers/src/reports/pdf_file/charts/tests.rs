use super::*;

#[test]
fn what_is_put_into_a_text_is_not_read_as_a_place() {
    let [low_at, high] = ["{high}", "7"].map(str::to_owned);
    let about = [("{low_at}", &low_at), ("{high}", &high)];
    assert_eq!(filled("Lowest at {low_at}, highest {high}.", &about), "Lowest at {high}, highest 7.");
    assert_eq!(filled("Nothing", &about), "Nothing");
}
