use super::*;

#[test]
fn only_whole_rgb_profiles_pass() {
    let mut profile = vec![0; 128];
    profile[..4].copy_from_slice(&128_u32.to_be_bytes());
    profile[16..20].copy_from_slice(b"RGB ");
    profile[36..40].copy_from_slice(b"acsp");
    assert!(is_rgb_profile(&profile));
    assert!(!is_rgb_profile(&profile[..127]), "cut off");
    profile[16..20].copy_from_slice(b"CMYK");
    assert!(!is_rgb_profile(&profile), "for other pixels");
    assert!(!is_rgb_profile(&[]));
}

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
