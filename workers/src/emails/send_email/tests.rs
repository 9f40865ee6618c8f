use jobs::emails::{SendEmail, post};
use market::emails::model::{
    AccountSuspended, AlreadyRegistered, Content, NewEmail, OrgApproved, Recipient, ResetPassword, SuppressionReason,
    VerifyAddress,
};
use market::emails::store;
use market::ids::EmailId;
use queue::testing::rows;
use queue::worker::Handlers;
use shared::audit::Actor;
use shared::ids::OrgId;
use sinks::smtp::Fault;

use crate::testing::TestWorkers;

mod recorded;
mod wishes;

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

/// Refused with 451 all the time, as if it had been tried each half an hour.
#[tokio::test]
async fn a_busy_server_is_asked_for_three_days_and_its_last_words_are_kept() {
    let workers = workers().await;
    let older = async |by: &str| {
        sqlx::query(
            "UPDATE jobs
             SET created_at = created_at - $1::text::interval, due_at = due_at - $1::text::interval, attempt = 140
             WHERE state = 'scheduled'",
        )
        .bind(by)
        .execute(&workers.db.pool)
        .await
        .unwrap();
        workers.queue.make_due().await;
        workers.queue.drain().await;
    };
    workers.smtp.inject("*", Fault::Temporary { times: 2 });
    let lucky = workers.post(&to("ada@example.com")).await.unwrap();
    workers.queue.drain().await;
    older("71 hours").await;
    assert_eq!((workers.email(lucky).await.0.as_str(), workers.jobs().await[0].0.as_str()), ("queued", "scheduled"));
    older("10 minutes").await;
    workers.mails(1).await;
    assert_eq!(workers.email(lucky).await.0, "sent");

    workers.smtp.inject("*", Fault::Temporary { times: 9 });
    let late = workers.post(&approved(Recipient::Address("ada@example.com".to_owned()), "2")).await.unwrap();
    workers.queue.drain().await;
    older("71 hours").await;
    assert_eq!(workers.jobs().await[1].0, "scheduled");
    older("1 hour").await;
    let (state, error) = workers.jobs().await.remove(1);
    assert!(state == "dead" && error.contains("(451 4.3.0)"), "{state}: {error}");
    let (_, attempts, response) = workers.email(late).await;
    assert!(attempts == 3 && response.contains("4.3.0 Try again later"), "{attempts}: {response}");
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
