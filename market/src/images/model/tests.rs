use super::*;

#[test]
fn widths_never_exceed_the_picture() {
    assert_eq!(widths_for(4000), [160, 320, 640, 1280, 2048]);
    assert_eq!(widths_for(2048), [160, 320, 640, 1280, 2048]);
    assert_eq!(widths_for(1800), [160, 320, 640, 1280, 1800]);
    assert_eq!(widths_for(640), [160, 320, 640]);
    assert_eq!(widths_for(90), [90]);
    assert_eq!(widths_for(1), [1]);
}

#[test]
fn names_of_another_recipe_mean_the_same_file() {
    for (one, other) in [("640.webp", "640.2.webp"), ("640.1.webp", "640.30000.webp"), ("square.jpg", "square.2.jpg")] {
        assert!(same_file(one, other) && same_file(other, one), "{one}, {other}");
    }
    for (one, other) in [
        ("640.2.webp", "320.2.webp"),
        ("640.2.webp", "640.2.jpg"),
        ("640.2.webp", "640.x.webp"),
        ("640.2.webp", "640.2.2.webp"),
        ("webp", "webp"),
        ("", ""),
    ] {
        assert!(!same_file(one, other), "{one}, {other}");
    }
}
