use super::*;

#[test]
fn the_first_bytes_decide() {
    assert_eq!(sniff(b"\xFF\xD8\xFF\xE0"), Ok(Type::Jpeg));
    assert_eq!(sniff(b"\x89PNG\r\n\x1A\nrest"), Ok(Type::Png));
    assert_eq!(sniff(b"RIFF\0\0\0\0WEBPVP8 "), Ok(Type::Webp));
    let refused = [
        (&b"<?xml version='1.0'?>\n<SVG onload='x()'>"[..], "SVG"),
        (b"\n<!DOCTYPE html><script>", "HTML"),
        (b"GIF89a", "GIF"),
        (b"\0\0\0\x20ftypheic", "HEIC"),
        (b"\0\0\0\x20ftypavif", "AVIF"),
        (b"\0\0\0\x20ftypisom", "video"),
        (b"%PDF-1.7", "PDF"),
        (b"RIFF\0\0\0\0WAVE", "such"),
        (b"\xFF\xD8", "such"),
    ];
    for (bytes, name) in refused {
        assert_eq!(sniff(bytes), Err(Refusal::UnsupportedType(name)));
    }
}
