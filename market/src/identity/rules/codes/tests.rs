use super::*;

#[test]
fn codes_are_read_as_people_type_them() {
    for (text, expected) in [("123456", "123456"), ("123 456", "123456"), (" 012-345 ", "012345")] {
        let read = Given::read(text);
        assert!(matches!(&read, Some(Given::App(code)) if code.expose_secret() == expected), "{text}: {read:?}");
    }
    for text in ["ABCD-EFGH-IJKL-2345", "abcdefghijkl2345", "abcd efgh ijkl 2345"] {
        let read = Given::read(text);
        let is_read = matches!(&read, Some(Given::Recovery(code)) if code.expose_secret() == "ABCDEFGHIJKL2345");
        assert!(is_read, "{text}: {read:?}");
    }
    for nonsense in [
        "",
        "12345",
        "1234567",
        "12345x",
        "１２３４５６",
        "ABCD-EFGH-IJKL-234",
        "ABCD-EFGH-IJKL-2341",
        "ABCD-EFGH-IJKL-23é",
    ] {
        assert!(Given::read(nonsense).is_none(), "{nonsense}");
    }
    let shown = format!("{:?} {:?}", Given::read("123456"), Given::read("ABCDEFGHIJKL2345"));
    assert!(!shown.contains("123456") && !shown.contains("ABCD"), "{shown}");
}

#[test]
fn recovery_codes_are_found_by_what_is_typed_and_only_of_their_enrolment() {
    let (mine, others) = (EnrolmentId::generate(), EnrolmentId::generate());
    let (code, hash) = recovery_code(mine);
    let code = code.expose_secret();
    assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [4, 4, 4, 4], "{code}");
    let Some(Given::Recovery(letters)) = Given::read(&code.to_lowercase()) else { panic!("{code}") };
    assert_eq!(recovery_hash(mine, &letters), hash);
    assert_ne!(recovery_hash(others, &letters), hash);
    assert_ne!(recovery_code(mine).1, hash);
}
