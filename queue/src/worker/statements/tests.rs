use super::*;

#[test]
fn a_statement_is_repeated_for_what_it_is_not_to_blame_for() {
    // Read-only, out of disk, out of memory, cancelled, shutting down, starting up, lock, deadlock, broken, I/O.
    for code in ["25006", "53100", "53200", "57014", "57P01", "57P03", "55P03", "40P01", "08006", "58030"] {
        assert!(is_transient_code(code), "{code}");
    }
    // Values, constraints, syntax, rights.
    for code in ["22021", "22P05", "23505", "23514", "42601", "42501", ""] {
        assert!(!is_transient_code(code), "{code}");
    }
    assert!(is_transient(&sqlx::Error::Tls("handshake".into())));
}
