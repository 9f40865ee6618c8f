use super::*;

#[test]
fn the_end_of_an_embedded_thumbnail_is_not_the_end() {
    let jpeg = |tail: &[u8]| {
        let mut file = vec![0xFF, 0xD8, 0xFF, 0xE1, 0, 6, 0xFF, 0xD9, 1, 2];
        file.extend_from_slice(&[0xFF, 0xDA, 0, 2, 7, 7]);
        file.extend_from_slice(tail);
        file
    };
    assert_eq!(inspect_jpeg(&jpeg(&[0xFF, 0xD9])), Jpeg::Sound);
    assert_eq!(inspect_jpeg(&jpeg(&[])), Jpeg::Incomplete);
    assert_eq!(inspect_jpeg(&[0xFF, 0xD8, 0xFF, 0xE1, 0xFF]), Jpeg::Incomplete);
}
