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
