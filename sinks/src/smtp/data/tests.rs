use proptest::prelude::*;

use super::*;

fn run(input: &[u8], chunk: usize) -> (Vec<u8>, usize, Unstuffer) {
    let (mut unstuffer, mut out, mut taken) = (Unstuffer::new(), Vec::new(), 0);
    for piece in input.chunks(chunk) {
        taken += unstuffer.feed(piece, &mut out);
        if unstuffer.ended() {
            break;
        }
    }
    (out, taken, unstuffer)
}

#[test]
fn the_lone_dot_ends_a_message_and_a_doubled_dot_is_one() {
    let (out, taken, state) = run(b"a\r\n..b\r\n.c\r\n.\r\nNOOP\r\n", 64);
    assert!(state.ended() && !state.bare);
    assert_eq!(out, b"a\r\n.b\r\nc\r\n");
    assert_eq!(taken, "a\r\n..b\r\n.c\r\n.\r\n".len());
}

#[test]
fn an_empty_message_ends_at_once() {
    let (out, taken, state) = run(b".\r\n", 1);
    assert!(state.ended());
    assert_eq!((out.len(), taken), (0, 3));
}

#[test]
fn a_dot_between_bare_line_ends_does_not_end_a_message() {
    for smuggled in ["a\n.\nMAIL", "a\n.\r\nMAIL", "a\r.\r\nMAIL", "a\r\n.\nMAIL", "a\r\n.\rMAIL"] {
        let (_, _, state) = run(smuggled.as_bytes(), 64);
        assert!(!state.ended(), "{smuggled:?}");
        assert!(state.bare, "{smuggled:?}");
    }
}

proptest! {
    /// Every message of CR LF lines survives stuffing, whatever the chunks.
    #[test]
    fn stuffing_and_unstuffing_is_identity(
        lines in prop::collection::vec("[.a\u{e5} ]{0,6}", 0..12),
        chunk in 1_usize..9,
    ) {
        let message: String = lines.iter().flat_map(|line| [line.as_str(), "\r\n"]).collect();
        let mut wire = String::new();
        for line in &lines {
            if line.starts_with('.') {
                wire.push('.');
            }
            wire.push_str(line);
            wire.push_str("\r\n");
        }
        wire.push_str(".\r\n");
        let (out, taken, state) = run(wire.as_bytes(), chunk);
        prop_assert!(state.ended() && !state.bare);
        prop_assert_eq!(out, message.into_bytes());
        prop_assert_eq!(taken, wire.len());
    }

    /// The chunks never matter, whatever the bytes.
    #[test]
    fn chunks_do_not_matter(input in prop::collection::vec(prop::sample::select(b"\r\n.a".to_vec()), 0..40), chunk in 1_usize..7) {
        let (whole, taken, state) = run(&input, 64);
        let (pieces, taken_in_pieces, in_pieces) = run(&input, chunk);
        prop_assert_eq!(whole, pieces);
        prop_assert_eq!(taken, taken_in_pieces);
        prop_assert_eq!((state.ended(), state.bare), (in_pieces.ended(), in_pieces.bare));
    }
}
