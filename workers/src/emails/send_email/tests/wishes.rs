//! Mails as their readers wish them: their language, and what they do not want.

use market::emails::model::{Content, EmailCategory, NewEmail, PriceFell, Recipient, ResetPassword};
use market::emails::store::preferences::{self, Channel};
use shared::ids::UserId;
use shared::money::{Currency, Money};
use sinks::smtp::Fault;

use super::{approved, to, workers};
use crate::testing::TestWorkers;

/// The lines of a mail's head, unfolded.
async fn head(workers: &TestWorkers, at: usize) -> Vec<String> {
    let id = workers.smtp.list()[at].id;
    let raw = String::from_utf8(workers.smtp.raw(id).await.unwrap().unwrap()).unwrap();
    raw.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ").lines().map(str::to_owned).collect()
}

fn fallen(user: UserId, reference: &str) -> NewEmail {
    let (was, now) = (Money::from_minor(2_500_000, Currency::EUR), Money::from_minor(2_400_050, Currency::EUR));
    let content =
        Content::PriceFell(PriceFell { listing: uuid::Uuid::nil().into(), title: "Fendt".to_owned(), was, now });
    NewEmail { recipient: Recipient::User(user), reference: reference.to_owned(), content }
}

#[tokio::test]
async fn mails_are_written_in_the_readers_language() {
    let workers = workers().await;
    let user = workers.user("ada@example.com").await;
    sqlx::query("UPDATE users SET locale = 'de-CH'").execute(&workers.db.pool).await.unwrap();
    workers.post(&fallen(user, "1")).await.unwrap();
    // The reader is found by the address, too.
    workers.post(&to("ada@example.com")).await.unwrap();
    // Nobody is known at this one.
    workers.post(&to("eve@example.com")).await.unwrap();
    workers.queue.drain().await;
    workers.mails(3).await;
    let mut subjects: Vec<_> = workers.smtp.list().iter().map(|mail| mail.subject.clone()).collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["Hof Müller is approved", "Hof Müller ist zugelassen", "Jetzt 24'000.50 EUR: Fendt"]);
    for at in 0..3 {
        let german = !workers.smtp.list()[at].is_to("eve@example.com");
        let expected = if german { "Content-Language: de" } else { "Content-Language: en" };
        assert!(head(&workers, at).await.contains(&expected.to_owned()));
    }
    workers.close().await;
}

/// What was posted before it was turned off is not sent, either; what cannot be turned off is.
#[tokio::test]
async fn what_is_not_wanted_is_not_sent_and_recorded_as_such() {
    let workers = workers().await;
    let user = workers.user("ada@example.com").await;
    let other = workers.user("eve@example.com").await;
    let unwanted = workers.post(&fallen(user, "1")).await.unwrap();
    let wanted = workers.post(&fallen(other, "1")).await.unwrap();
    let always = workers.post(&approved(Recipient::User(user), "1")).await.unwrap();
    let mut conn = workers.db.pool.acquire().await.unwrap();
    for category in [EmailCategory::Watches, EmailCategory::Watches, EmailCategory::Stock] {
        preferences::want(&mut conn, user, Channel::Mails, category, false).await.unwrap();
    }
    workers.queue.drain().await;
    workers.mails(2).await;
    let why = "the recipient does not want mails of this kind".to_owned();
    assert_eq!(workers.email(unwanted).await, ("unwanted".to_owned(), 0, why));
    assert_eq!((workers.email(wanted).await.0, workers.email(always).await.0), ("sent".to_owned(), "sent".to_owned()));

    preferences::want(&mut conn, user, Channel::Mails, EmailCategory::Watches, true).await.unwrap();
    assert_eq!(preferences::opt_outs(&mut conn, user).await.unwrap().mails, [EmailCategory::Stock]);
    workers.post(&fallen(user, "2")).await.unwrap();
    workers.queue.drain().await;
    workers.mails(3).await;
    drop(conn);
    workers.close().await;
}

/// The stream says to the provider which mails may cost it its good name; the button of mail programs ends only those.
#[tokio::test]
async fn only_mails_that_can_be_ended_have_the_button_and_the_other_stream() {
    let workers = workers().await;
    let user = workers.user("ada@example.com").await;
    workers.post(&fallen(user, "1")).await.unwrap();
    workers.queue.drain().await;
    workers.post(&approved(Recipient::User(user), "1")).await.unwrap();
    workers.queue.drain().await;
    workers.mails(2).await;
    // The newest first.
    let (usual, ended) = (head(&workers, 0).await, head(&workers, 1).await);
    let has = |head: &[String], line: &str| head.iter().any(|it| it.starts_with(line));
    for head in [&usual, &ended] {
        assert!(has(head, "Auto-Submitted: auto-generated") && has(head, "X-PM-KeepID: true"), "{head:?}");
    }
    assert!(has(&usual, "X-PM-Message-Stream: outbound") && !has(&usual, "List-Unsubscribe"), "{usual:?}");
    assert!(has(&ended, "X-PM-Message-Stream: broadcast"), "{ended:?}");
    assert!(has(&ended, "List-Unsubscribe-Post: List-Unsubscribe=One-Click"), "{ended:?}");
    let url =
        ended.iter().find_map(|it| it.strip_prefix("List-Unsubscribe: <https://tradeyard.example/unsubscribe?token="));
    let token = url.unwrap().strip_suffix('>').unwrap();
    let mut conn = workers.db.pool.acquire().await.unwrap();
    let ending = preferences::ending(&mut conn, token).await.unwrap().unwrap();
    assert_eq!((ending.user, ending.category), (user, EmailCategory::Watches));
    // One letter of the code changed.
    let (rest, last) = token.split_at(token.len() - 1);
    let forged = format!("{rest}{}", if last == "A" { "Q" } else { "A" });
    assert!(preferences::ending(&mut conn, &forged).await.unwrap().is_none());
    drop(conn);
    workers.close().await;
}

/// Nobody knows whether the server has taken it: rather none than two of these, and rather two than none of the others.
#[tokio::test]
async fn a_mail_that_people_can_do_without_is_not_sent_twice() {
    let workers = workers().await;
    let user = workers.user("ada@example.com").await;
    // An answer that is known leaves no doubt: it is tried again.
    workers.smtp.inject("*", Fault::Temporary { times: 1 });
    let tried = workers.post(&fallen(user, "1")).await.unwrap();
    workers.queue.drain().await;
    assert_eq!(workers.email(tried).await.0, "queued");
    workers.queue.make_due().await;
    workers.queue.drain().await;
    assert_eq!(workers.email(tried).await.0, "sent");

    workers.smtp.inject("*", Fault::DropAfterTaken { times: 2 });
    let digest = workers.post(&fallen(user, "2")).await.unwrap();
    workers.queue.drain().await;
    let always = workers.post(&approved(Recipient::User(user), "1")).await.unwrap();
    workers.queue.drain().await;
    workers.queue.make_due().await;
    workers.queue.drain().await;
    let (status, attempts, why) = workers.email(digest).await;
    assert_eq!((status.as_str(), attempts), ("failed", 1), "{why}");
    assert!(why.contains("may have been sent"), "{why}");
    assert_eq!(workers.email(always).await.0, "sent");
    let of = |subject: &str| workers.smtp.list().iter().filter(|mail| mail.subject.contains(subject)).count();
    assert_eq!(
        (of("Now 24,000.50 EUR"), of("is approved")),
        (2, 2),
        "the first one, its copy in doubt, and two copies"
    );
    workers.close().await;
}

/// At night only what cannot wait is sent; the rest comes in the morning.
#[tokio::test]
async fn what_can_wait_waits_for_the_end_of_quiet_hours() {
    let workers = workers().await;
    let user = workers.user("ada@example.com").await;
    let mut conn = workers.db.pool.acquire().await.unwrap();
    // From an hour ago until in an hour, by the database's clock and in the person's zone.
    let quiet = "UPDATE users
                 SET time_zone = 'UTC',
                     quiet_from = (extract(hour FROM at)::int * 60 + extract(minute FROM at)::int + 1380) % 1440,
                     quiet_to = (extract(hour FROM at)::int * 60 + extract(minute FROM at)::int + 60) % 1440
                 FROM (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS at) AS clock";
    sqlx::query(quiet).execute(&mut *conn).await.unwrap();
    let waits = workers.post(&fallen(user, "1")).await.unwrap();
    let reset = NewEmail {
        recipient: Recipient::Address("ada@example.com".to_owned()),
        reference: "1".to_owned(),
        content: Content::ResetPassword(ResetPassword {}),
    };
    let urgent = workers.post(&reset).await.unwrap();
    workers.queue.drain().await;
    assert_eq!((workers.email(waits).await.0, workers.email(urgent).await.0), ("queued".to_owned(), "sent".to_owned()));
    assert_eq!(workers.email(waits).await.1, 0, "it was not tried");
    let job =
        "SELECT run_at BETWEEN clock_timestamp() + interval '58 minutes' AND clock_timestamp() + interval '60 minutes'
               FROM jobs WHERE kind = 'emails.send' AND state = 'scheduled'";
    let in_an_hour: bool = sqlx::query_scalar(job).fetch_one(&workers.db.pool).await.unwrap();
    assert!(in_an_hour);
    // It is still night.
    workers.queue.make_due().await;
    workers.queue.drain().await;
    assert_eq!(workers.email(waits).await.0, "queued");
    preferences::set_quiet_hours(&mut conn, user, None).await.unwrap();
    workers.queue.make_due().await;
    workers.queue.drain().await;
    workers.mails(2).await;
    assert_eq!(workers.email(waits).await.0, "sent");
    drop(conn);
    workers.close().await;
}
