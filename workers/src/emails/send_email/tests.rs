use jobs::emails::{SendEmail, post};
use market::emails::model::{
    AccountSuspended, AlreadyRegistered, Content, EmailCategory, NewEmail, OrgApproved, PriceFell, Recipient,
    ResetPassword, SuppressionReason, VerifyAddress,
};
use market::emails::store::{self, preferences};
use market::ids::EmailId;
use queue::testing::rows;
use queue::worker::Handlers;
use shared::audit::Actor;
use shared::ids::{OrgId, UserId};
use shared::money::{Currency, Money};
use sinks::smtp::Fault;

use crate::testing::TestWorkers;

async fn workers() -> TestWorkers {
    TestWorkers::new(Handlers::default().with::<SendEmail>()).await
}

fn approved(recipient: Recipient, reference: &str) -> NewEmail {
    let org = OrgId(uuid::Uuid::nil());
    let content = Content::OrgApproved(OrgApproved { org, org_name: "Hof Müller".to_owned() });
    NewEmail { recipient, reference: reference.to_owned(), content }
}

fn to(address: &str) -> NewEmail {
    approved(Recipient::Address(address.to_owned()), "1")
}

impl TestWorkers {
    async fn post(&self, mail: &NewEmail) -> Option<EmailId> {
        let mut tx = self.ledger.begin().await.unwrap();
        let posted = post(&mut tx, mail).await.unwrap();
        tx.commit().await.unwrap();
        posted
    }

    async fn email(&self, id: EmailId) -> (String, i32, String) {
        sqlx::query_as("SELECT status, attempts, coalesce(provider_response, '') FROM emails WHERE id = $1")
            .bind(id)
            .fetch_one(&self.db.pool)
            .await
            .unwrap()
    }

    /// States and errors of the sending jobs, oldest first.
    async fn jobs(&self) -> Vec<(String, String)> {
        let rows = rows(&self.db.pool, "emails.send").await;
        rows.into_iter().map(|row| (row.state, row.error.unwrap_or_default())).collect()
    }
}

#[tokio::test]
async fn the_same_news_is_one_mail() {
    let workers = workers().await;
    let user = workers.user("ada@example.com").await;
    let mail = approved(Recipient::User(user), "org 1");
    let id = workers.post(&mail).await.unwrap();
    assert_eq!(workers.post(&mail).await, None);
    workers.queue.drain().await;
    assert_eq!(workers.post(&mail).await, None, "also after it was sent");
    workers.queue.drain().await;
    workers.mails(1).await;
    assert_eq!(workers.smtp.count(), 1);
    let sent = &workers.smtp.list()[0];
    assert!(sent.is_to("ada@example.com"));
    let (status, attempts, response) = workers.email(id).await;
    assert_eq!((status.as_str(), attempts), ("sent", 1));
    assert!(response.starts_with("250"), "{response}");
    // Another reference means other news.
    workers.post(&approved(Recipient::User(user), "org 2")).await.unwrap();
    workers.queue.drain().await;
    workers.mails(2).await;
    workers.close().await;
}

#[tokio::test]
async fn a_mail_of_a_transaction_that_fails_is_never_sent() {
    let workers = workers().await;
    let mut tx = workers.ledger.begin().await.unwrap();
    post(&mut tx, &to("ada@example.com")).await.unwrap().unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(workers.queue.drain().await, 0);
    assert!(workers.post(&to("ada@example.com")).await.is_some(), "nothing of it is left");
    workers.leave().await;
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let workers = workers().await;
    workers.smtp.inject("*", Fault::Temporary { times: 2 });
    let id = workers.post(&to("ada@example.com")).await.unwrap();
    for expected in [1, 2] {
        workers.queue.drain().await;
        let (status, attempts, _) = workers.email(id).await;
        assert_eq!((status.as_str(), attempts), ("queued", expected));
        assert_eq!(workers.jobs().await[0].0, "scheduled");
        workers.queue.make_due().await;
    }
    workers.queue.drain().await;
    workers.mails(1).await;
    assert_eq!(workers.email(id).await.0, "sent");
    assert_eq!(workers.smtp.count(), 1);
    workers.close().await;
}

#[tokio::test]
async fn an_address_that_does_not_exist_is_never_written_to_again() {
    let workers = workers().await;
    workers.smtp.inject("gone@example.com", Fault::Permanent);
    let id = workers.post(&to("Gone@Example.com")).await.unwrap();
    workers.queue.drain().await;
    assert_eq!(workers.email(id).await.0, "failed");
    let (state, error) = workers.jobs().await.remove(0);
    assert_eq!(state, "dead");
    assert!(error.contains("does not exist (550"), "{error}");
    assert!(!error.to_lowercase().contains("gone@"), "operators see no addresses: {error}");

    // The mailbox exists again, but we do not know that.
    workers.smtp.heal();
    let second = workers.post(&approved(Recipient::Address("gone@example.com".to_owned()), "2")).await.unwrap();
    workers.queue.drain().await;
    assert_eq!(workers.email(second).await.0, "suppressed");
    assert_eq!(workers.jobs().await[1].0, "succeeded");
    assert_eq!(workers.smtp.count(), 0);
    workers.close().await;
}

/// A 550 by itself is also the answer to a sender that is blocked for an hour.
#[tokio::test]
async fn a_refused_address_is_given_up_after_refusals_over_days() {
    let workers = workers().await;
    workers.smtp.inject("ada@example.com", Fault::RecipientRefused);
    let refuse = async |reference: &str| {
        let mail = approved(Recipient::Address("ada@example.com".to_owned()), reference);
        let id = workers.post(&mail).await.unwrap();
        workers.queue.drain().await;
        (workers.email(id).await.0, workers.jobs().await.pop().unwrap().1)
    };
    for reference in ["1", "2", "3"] {
        let (status, error) = refuse(reference).await;
        assert_eq!(status, "failed");
        assert!(error.contains(&format!("refused the recipient (550), for the {reference}. time")), "{error}");
    }
    let mut conn = workers.db.pool.acquire().await.unwrap();
    let known = store::refused(&mut conn, 10).await.unwrap();
    assert_eq!((known.len(), known[0].refusals, known[0].suppressed), (1, 3, None));

    // A mail that is taken clears them.
    workers.smtp.heal();
    assert_eq!(refuse("4").await.0, "sent");
    assert!(store::refused(&mut conn, 10).await.unwrap().is_empty());

    workers.smtp.inject("ada@example.com", Fault::RecipientRefused);
    refuse("5").await;
    refuse("6").await;
    sqlx::query("UPDATE email_refusals SET first_at = first_at - interval '3 days'")
        .execute(&workers.db.pool)
        .await
        .unwrap();
    let (_, error) = refuse("7").await;
    assert!(error.contains("not written to any more"), "{error}");
    assert_eq!(refuse("8").await.0, "suppressed");
    let known = store::refused(&mut conn, 10).await.unwrap();
    assert_eq!((known.len(), known[0].refusals, known[0].suppressed), (1, 3, Some(SuppressionReason::Refused)));
    assert!(known[0].detail.contains("550"), "{}", known[0].detail);

    // An operator allows the address again.
    assert!(store::allow(&mut conn, Actor::System, "Ada@example.com").await.unwrap());
    assert!(!store::allow(&mut conn, Actor::System, "ada@example.com").await.unwrap());
    workers.smtp.heal();
    assert_eq!(refuse("9").await.0, "sent");
}

/// The database restarts between the server's 250 and our commit: its connections end, more than
/// once.
#[tokio::test]
async fn a_database_that_restarts_after_the_250_costs_no_second_mail() {
    let workers = workers().await;
    let id = workers.post(&to("ada@example.com")).await.unwrap();
    workers.restart_database_when("UPDATE ON emails", "new.status = 'sent'").await;
    workers.queue.drain().await;
    let (status, attempts, response) = workers.email(id).await;
    assert_eq!((status.as_str(), attempts), ("sent", 1));
    assert!(response.starts_with("250"), "{response}");
    assert_eq!(workers.jobs().await[0].0, "succeeded");
    assert_eq!(workers.restarts().await, 3);
    assert_eq!(workers.smtp.count(), 1);
}

#[tokio::test]
async fn the_suppression_list_ignores_letter_case() {
    let workers = workers().await;
    let mut conn = workers.db.pool.acquire().await.unwrap();
    store::suppress(&mut conn, " Ada@Example.com", SuppressionReason::Complained, "", None).await.unwrap();
    store::suppress(&mut conn, "ada@example.com", SuppressionReason::Manual, "", None).await.unwrap();
    assert!(store::is_suppressed(&mut conn, "ADA@example.com").await.unwrap());
    assert!(!store::is_suppressed(&mut conn, "eva@example.com").await.unwrap());
    drop(conn);
    workers.close().await;
}

#[tokio::test]
async fn an_answer_that_is_lost_costs_a_second_copy_with_the_same_id() {
    let workers = workers().await;
    workers.smtp.inject("*", Fault::DropAfterTaken { times: 1 });
    let id = workers.post(&to("ada@example.com")).await.unwrap();
    workers.queue.drain().await;
    workers.queue.make_due().await;
    workers.queue.drain().await;
    workers.mails(2).await;
    assert_eq!(workers.email(id).await.0, "sent");
    let list = workers.smtp.list();
    assert_eq!(list[0].message_id, list[1].message_id);
    workers.close().await;
}

#[tokio::test]
async fn a_verification_link_works_and_is_stored_nowhere() {
    let workers = workers().await;
    let user = workers.user("ada@example.com").await;
    sqlx::query("UPDATE users SET email_verified_at = NULL").execute(&workers.db.pool).await.unwrap();
    let mail = NewEmail {
        recipient: Recipient::User(user),
        reference: "registration".to_owned(),
        content: Content::VerifyAddress(VerifyAddress {}),
    };
    workers.post(&mail).await.unwrap();
    workers.queue.drain().await;
    workers.mails(1).await;
    let raw = workers.smtp.raw(workers.smtp.list()[0].id).await.unwrap().unwrap();
    let text = String::from_utf8(raw).unwrap().replace("=\r\n", "");
    let start = text.find("verify-email?token").unwrap() + "verify-email?token".len();
    // Quoted-printable writes `=` as `=3D`.
    let token: String = text[start..]
        .trim_start_matches("=3D")
        .trim_start_matches('=')
        .chars()
        .take_while(|it| it.is_ascii_alphanumeric() || *it == '-' || *it == '_')
        .collect();
    let mut conn = workers.db.pool.acquire().await.unwrap();
    let stored: String = sqlx::query_scalar(
        "SELECT string_agg(e::text, '') || (SELECT string_agg(j::text, '') FROM jobs AS j) FROM emails AS e",
    )
    .fetch_one(&mut *conn)
    .await
    .unwrap();
    assert!(token.len() > 20 && !stored.contains(&token));
    let verified = market::identity::store::verify_email(&mut conn, &token).await.unwrap();
    assert_eq!(verified, Some(user));

    // There is nothing left to verify, so a second mail is not sent.
    let again = NewEmail { reference: "again".to_owned(), ..mail };
    let id = workers.post(&again).await.unwrap();
    workers.queue.drain().await;
    assert_eq!(workers.email(id).await.0, "failed");
    assert_eq!(workers.smtp.count(), 1);
    drop(conn);
    workers.close().await;
}

#[tokio::test]
async fn data_of_another_version_is_kept_for_a_person_to_see() {
    let workers = workers().await;
    let id = workers.post(&to("ada@example.com")).await.unwrap();
    sqlx::query("UPDATE emails SET template = 'of_tomorrow' WHERE id = $1")
        .bind(id)
        .execute(&workers.db.pool)
        .await
        .unwrap();
    workers.queue.drain().await;
    assert_eq!(workers.email(id).await.0, "queued");
    assert_eq!(workers.jobs().await[0].0, "dead");
    workers.close().await;
}

#[tokio::test]
async fn suspended_people_are_told_so_and_nothing_else() {
    let workers = workers().await;
    let user = workers.user("ada@example.com").await;
    sqlx::query("UPDATE users SET status = 'suspended'").execute(&workers.db.pool).await.unwrap();
    let of = |content| NewEmail { recipient: Recipient::User(user), reference: "1".to_owned(), content };
    let reset = Content::ResetPassword(ResetPassword {});
    let kept_back = [
        approved(Recipient::User(user), "1"),
        to("ada@example.com"),
        of(Content::VerifyAddress(VerifyAddress {})),
        NewEmail {
            recipient: Recipient::Address("ada@example.com".to_owned()),
            reference: "1".to_owned(),
            content: reset,
        },
    ];
    let mut posted = Vec::new();
    for mail in &kept_back {
        posted.push(workers.post(mail).await.unwrap());
    }
    workers.post(&of(Content::AccountSuspended(AccountSuspended { reason: "fraud".to_owned() }))).await.unwrap();
    workers.queue.drain().await;
    workers.mails(1).await;
    assert_eq!(workers.smtp.list()[0].subject, "Your account is suspended");
    for id in posted {
        assert_eq!(workers.email(id).await, ("failed".to_owned(), 0, "the user is suspended".to_owned()));
    }
    assert_eq!(workers.smtp.count(), 1);
}

#[tokio::test]
async fn what_a_stranger_wrote_does_not_greet_the_owner_of_the_address() {
    let workers = workers().await;
    let user = workers.user("ada@example.com").await;
    let sql = "UPDATE users SET name = 'Your prize waits', email_verified_at = NULL";
    sqlx::query(sql).execute(&workers.db.pool).await.unwrap();
    let content = Content::VerifyAddress(VerifyAddress {});
    let verify = NewEmail { recipient: Recipient::User(user), reference: "1".to_owned(), content };
    workers.post(&verify).await.unwrap();
    workers.post(&to("ada@example.com")).await.unwrap();
    workers.queue.drain().await;
    workers.mails(2).await;
    for mail in workers.smtp.list() {
        let raw = String::from_utf8(workers.smtp.raw(mail.id).await.unwrap().unwrap()).unwrap();
        assert!(!raw.contains("prize"), "{raw}");
    }
}

#[tokio::test]
async fn a_reset_is_mailed_to_accounts_only() {
    let workers = workers().await;
    workers.user("ada@example.com").await;
    let reset = |address: &str, content| NewEmail {
        recipient: Recipient::Address(address.to_owned()),
        reference: "now".to_owned(),
        content,
    };
    let nobody = workers.post(&reset("nobody@example.com", Content::ResetPassword(ResetPassword {}))).await.unwrap();
    workers.post(&reset("ada@example.com", Content::ResetPassword(ResetPassword {}))).await.unwrap();
    workers.post(&reset("ada@example.com", Content::AlreadyRegistered(AlreadyRegistered {}))).await.unwrap();
    workers.queue.drain().await;
    workers.mails(2).await;
    let why = "nobody is registered with this address".to_owned();
    assert_eq!(workers.email(nobody).await, ("failed".to_owned(), 0, why));
    assert!(workers.smtp.list().iter().all(|mail| mail.is_to("ada@example.com")));
    let tokens: i64 =
        sqlx::query_scalar("SELECT count(*) FROM password_resets").fetch_one(&workers.db.pool).await.unwrap();
    assert_eq!(tokens, 2, "each link is a token of its own");
}

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
        preferences::want(&mut conn, user, category, false).await.unwrap();
    }
    workers.queue.drain().await;
    workers.mails(2).await;
    let why = "the recipient does not want mails of this kind".to_owned();
    assert_eq!(workers.email(unwanted).await, ("unwanted".to_owned(), 0, why));
    assert_eq!((workers.email(wanted).await.0, workers.email(always).await.0), ("sent".to_owned(), "sent".to_owned()));

    preferences::want(&mut conn, user, EmailCategory::Watches, true).await.unwrap();
    assert_eq!(preferences::opt_outs(&mut conn, user).await.unwrap(), [EmailCategory::Stock]);
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
