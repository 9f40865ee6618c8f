//! What messages carry, and reports of abuse.

use super::*;
use crate::chat::model::{ChatReportOutcome, ChatReportReason, ChatReportStatus, NewAttachment};
use crate::images::model::UploadId;
use crate::images::store as images;

#[tokio::test]
async fn messages_carry_own_pictures_and_files_under_names_that_only_the_parties_read() {
    let market = Market::new().await;
    let id = market.ask("One.").await;
    let mut conn = market.db.pool.acquire().await.expect("a connection");
    let valid = std::time::Duration::from_mins(15);
    let (org, user) = (market.seller.org, market.seller.user);
    let announced = images::insert_upload(&mut conn, org, user, "image/png", 5, valid).await.expect("announced");
    let picture = images::complete_upload(&mut conn, &announced, None).await.expect("completed");
    let pdf = images::insert_upload(&mut conn, org, user, "application/pdf", 5, valid).await.expect("announced");
    let file = NewAttachment::File { upload: pdf.id, name: "Xyzzy.pdf".to_owned() };
    let carried = [NewAttachment::Picture(picture), file.clone()];
    let send = async |by: Trader, attachments: &[NewAttachment]| {
        let new = NewMessage { client: MessageClientId::generate(), text: "", attachments };
        do_post(market.db.pool.clone(), &market.keyring, party(by), id, new).await
    };
    let posted = send(market.seller, &carried).await.expect("written");
    let [first, second] = posted.message.attachments.as_slice() else { panic!("{posted:?}") };
    assert_eq!((first.place, first.image_id, &first.name), (1, Some(picture), &None));
    assert_eq!((second.place, second.image_id, second.size), (2, None, Some(5)));
    assert_eq!((second.name.as_deref(), second.content_type.as_deref()), (Some("Xyzzy.pdf"), Some("application/pdf")));
    let attached = attachment(&mut conn, &market.keyring, market.buyer.org, id, 2, 2).await.expect("there");
    assert_eq!(attached, Attached::File { object_key: pdf.object_key.clone(), name: "Xyzzy.pdf".to_owned() });
    assert!(images::upload(&mut conn, pdf.id).await.expect("kept").completed);
    assert!(!secrecy::dump(&market.db.pool).await.contains("Xyzzy"));
    // Neither others' things, nor what is not there, nor a photograph as a file.
    let unknown = NewAttachment::File { upload: UploadId::generate(), name: "a".to_owned() };
    let photograph = NewAttachment::File { upload: announced.id, name: "a".to_owned() };
    for (by, attachment, pointer) in [
        (market.buyer, &carried[0], "/attachments/0/image_id"),
        (market.buyer, &file, "/attachments/0/upload_id"),
        (market.seller, &unknown, "/attachments/0/upload_id"),
        (market.seller, &photograph, "/attachments/0/upload_id"),
    ] {
        let refused = send(by, std::slice::from_ref(attachment)).await;
        assert!(matches!(&refused, Err(ChatError::Invalid(fault)) if fault.pointer == pointer), "{refused:?}");
    }
    // Its owner deletes the picture.
    sqlx::query("DELETE FROM images WHERE id = $1").bind(picture).execute(&mut *conn).await.expect("deleted");
    let gone = attachment(&mut conn, &market.keyring, market.buyer.org, id, 2, 1).await;
    assert!(matches!(gone, Err(ChatError::NotFound("attachment"))), "{gone:?}");
    drop(conn);
    market.db.close().await;
}

#[tokio::test]
async fn moderators_read_what_was_reported_and_each_reading_is_written_down() {
    let market = Market::new().await;
    let id = market.ask("Pay here: Xyzzy").await;
    for seq in 2..=8 {
        market.write(market.buyer, id, &format!("Message {seq}")).await.expect("written");
    }
    let keyring = &market.keyring;
    let mut conn = market.db.pool.acquire().await.expect("a connection");
    let mut tx = conn.begin().await.expect("a transaction");
    let refused = report(&mut tx, keyring, party(market.buyer), id, 1, ChatReportReason::Spam, None).await;
    assert!(matches!(refused, Err(ChatError::OwnMessage)), "{refused:?}");
    let refused = report(&mut tx, keyring, party(market.seller), id, 9, ChatReportReason::Spam, None).await;
    assert!(matches!(refused, Err(ChatError::NotFound("message"))), "{refused:?}");
    let note = Some("It is fraud.");
    let made =
        report(&mut tx, keyring, party(market.seller), id, 7, ChatReportReason::Fraud, note).await.expect("reported");
    tx.commit().await.expect("committed");
    assert_eq!((made.status, made.reported_org_id), (ChatReportStatus::Open, market.buyer.org));
    let mut tx = conn.begin().await.expect("a transaction");
    let refused = report(&mut tx, keyring, party(market.seller), id, 7, ChatReportReason::Spam, None).await;
    assert!(matches!(refused, Err(ChatError::Reported)), "{refused:?}");
    tx.rollback().await.expect("rolled back");
    assert_eq!(reports(&mut conn, true, None, 10).await.expect("a list"), std::slice::from_ref(&made));
    let moderator = market.stranger.user;
    let mut tx = conn.begin().await.expect("a transaction");
    let refused = open_report(&mut tx, keyring, market.buyer.user, made.id).await;
    assert!(matches!(refused, Err(ChatError::Own)), "{refused:?}");
    let detail = open_report(&mut tx, keyring, moderator, made.id).await.expect("opened");
    tx.commit().await.expect("committed");
    let seqs: Vec<_> = detail.messages.iter().map(|message| message.seq).collect();
    assert_eq!((seqs, detail.note.as_deref()), (vec![2, 3, 4, 5, 6, 7], note));
    let mut tx = conn.begin().await.expect("a transaction");
    let refused = decide(&mut tx, market.seller.user, made.id, ChatReportOutcome::Upheld, "So.").await;
    assert!(matches!(refused, Err(ChatError::Own)), "{refused:?}");
    let decided = decide(&mut tx, moderator, made.id, ChatReportOutcome::Upheld, "So.").await.expect("decided");
    let refused = decide(&mut tx, moderator, made.id, ChatReportOutcome::Dismissed, "No.").await;
    assert!(matches!(refused, Err(ChatError::Decided)), "{refused:?}");
    tx.commit().await.expect("committed");
    assert_eq!((decided.status, decided.decision.as_deref()), (ChatReportStatus::Upheld, Some("So.")));
    assert_eq!(reports(&mut conn, true, None, 10).await.expect("a list"), []);
    assert_eq!(reports(&mut conn, false, None, 10).await.expect("a list"), [decided]);
    let acts: Vec<String> =
        sqlx::query_scalar("SELECT action FROM audit_entries WHERE action LIKE 'chat.%' ORDER BY seq")
            .fetch_all(&market.db.pool)
            .await
            .expect("the log");
    assert_eq!(acts, ["chat.report", "chat.report_read", "chat.report_decide"]);
    drop(conn);
    market.db.close().await;
}
