use proptest::prelude::*;

use super::super::faults::Fault;
use super::*;

fn session() -> Session {
    Session::new(1_000, Faults::default())
}

/// Feeds lines to the session and returns the codes of the replies.
fn play(session: &mut Session, lines: &[&str]) -> Vec<u16> {
    let code = |step| match step {
        Step::Reply(reply) | Step::Data(reply) | Step::Close(reply) => reply.code,
    };
    lines.iter().map(|line| code(session.line(line.as_bytes()))).collect()
}

#[test]
fn a_mail_goes_through_its_steps() {
    let mut session = session();
    let codes = play(
        &mut session,
        &[
            "EHLO client",
            "mail from:<a@x.se> SIZE=10 BODY=8BITMIME",
            "RCPT TO:<b@y.se>",
            "RCPT TO:<\"odd >name\"@y.se>",
            "DATA",
        ],
    );
    assert_eq!(codes, [250, 250, 250, 250, 354]);
    let envelope = session.finish();
    assert_eq!(envelope.from, "a@x.se");
    assert_eq!(envelope.to, ["b@y.se", "\"odd >name\"@y.se"]);
    // The next mail needs a MAIL of its own.
    assert_eq!(play(&mut session, &["DATA", "MAIL FROM:<>", "RCPT TO:<postmaster>", "QUIT"]), [503, 250, 250, 221]);
}

#[test]
fn ehlo_names_the_extensions_and_helo_does_not() {
    let Step::Reply(reply) = session().line(b"EHLO me") else { panic!("a reply") };
    let text = reply.to_string();
    assert_eq!(text, "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 1000\r\n");
    let Step::Reply(reply) = session().line(b"HELO me") else { panic!("a reply") };
    assert_eq!(reply.to_string(), "250 sink\r\n");
}

#[test]
fn commands_out_of_turn_are_503() {
    assert_eq!(play(&mut session(), &["MAIL FROM:<a@x.se>", "RCPT TO:<a@x.se>", "DATA"]), [503, 503, 503]);
    let mut session = session();
    assert_eq!(
        play(&mut session, &["EHLO me", "MAIL FROM:<a@x.se>", "MAIL FROM:<a@x.se>", "DATA"]),
        [250, 250, 503, 503]
    );
    assert_eq!(play(&mut session, &["RCPT TO:<a@x.se>", "RSET", "RCPT TO:<a@x.se>"]), [250, 250, 503]);
}

#[test]
fn bad_arguments_are_5xx() {
    for (line, code) in [
        ("EHLO", 501),
        ("EHLO two words", 501),
        ("MAIL FROM:a@x.se", 501),
        ("MAIL FROM: <a@x.se>", 501),
        ("MAIL FROM:<a@x.se", 501),
        ("MAIL FROM:<a@x.se>SIZE=1", 501),
        ("MAIL FROM:<no address>", 501),
        ("MAIL FROM:<a@>", 501),
        ("MAIL FROM:<a..b@x.se>", 501),
        ("MAIL FROM:<a@-x.se>", 501),
        ("MAIL FROM:<a@x.se> SIZE=many", 501),
        ("MAIL FROM:<a@x.se> SIZE=1001", 552),
        ("MAIL FROM:<a@x.se> BODY=BINARYMIME", 501),
        ("MAIL FROM:<a@x.se> SMTPUTF8", 555),
        ("MAIL FR\u{e5}M:<a@x.se>", 501),
        ("STARTTLS", 502),
        ("GET / HTTP/1.1", 500),
        ("", 500),
    ] {
        let mut session = session();
        assert_eq!(play(&mut session, &["EHLO me", line]), [250, code], "{line}");
    }
    let mut session = session();
    assert_eq!(
        play(&mut session, &["EHLO me", "MAIL FROM:<a@x.se>", "RCPT TO:<b@y.se> NOTIFY=NEVER"]),
        [250, 250, 555]
    );
    assert_eq!(play(&mut session, &["RCPT TO:<>", "RCPT TO:<@a,@b:c@d.se>", "DATA"]), [501, 501, 554]);
    assert_eq!(session.line(b"NOOP \xff"), reply(500, "5.5.2 A command is printable ASCII"));
}

#[test]
fn recipients_are_bounded() {
    let mut session = session();
    play(&mut session, &["EHLO me", "MAIL FROM:<a@x.se>"]);
    for number in 0..MAX_RECIPIENTS {
        assert_eq!(play(&mut session, &[&format!("RCPT TO:<{number}@y.se>")]), [250]);
    }
    assert_eq!(play(&mut session, &["RCPT TO:<more@y.se>", "DATA"]), [452, 354]);
}

#[test]
fn a_client_that_talks_nonsense_is_sent_away() {
    let mut session = session();
    let codes = play(&mut session, &["nonsense"; 21]);
    assert_eq!(codes[..20], [500; 20]);
    assert_eq!(codes[20], 421);
}

#[test]
fn faults_refuse_recipients() {
    let faults = Faults::default();
    faults.add("gone@y.se", Fault::Permanent);
    faults.add("busy@y.se", Fault::Temporary { times: 1 });
    let mut session = Session::new(1_000, faults);
    let codes = play(
        &mut session,
        &[
            "EHLO me",
            "MAIL FROM:<a@x.se>",
            "RCPT TO:<gone@y.se>",
            "RCPT TO:<busy@y.se>",
            "DATA",
            "RCPT TO:<BUSY@y.se>",
            "DATA",
        ],
    );
    assert_eq!(codes, [250, 250, 550, 451, 554, 250, 354]);
}

fn any_line() -> impl Strategy<Value = Vec<u8>> {
    let verb = prop::sample::select(vec![
        "EHLO ",
        "MAIL FROM:",
        "RCPT TO:",
        "DATA",
        "RSET",
        "<",
        ">",
        "\"",
        "\\",
        "@",
        " SIZE=",
    ]);
    let noise = prop::collection::vec(any::<u8>(), 0..20);
    prop::collection::vec(prop_oneof![verb.prop_map(|text| text.as_bytes().to_vec()), noise], 0..5)
        .prop_map(|parts| parts.concat())
}

proptest! {
    /// Whatever is said, there is a reply with a known code, and no message begins without a recipient.
    #[test]
    fn no_line_breaks_the_dialogue(lines in prop::collection::vec(any_line(), 0..30)) {
        let mut session = session();
        for line in lines {
            let step = session.line(&line);
            match step {
                Step::Reply(reply) => prop_assert!(matches!(reply.code, 214 | 250 | 252 | 452 | 500..=555)),
                Step::Close(reply) => prop_assert!(matches!(reply.code, 221 | 421)),
                Step::Data(reply) => {
                    prop_assert_eq!(reply.code, 354);
                    prop_assert!(!session.finish().to.is_empty());
                }
            }
        }
    }
}
