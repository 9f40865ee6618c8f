use super::*;

fn envelope(to: &str) -> Envelope {
    Envelope { from: "shop@x.se".into(), to: vec![to.into()], helo: "client".into() }
}

async fn put(store: &Store, to: &str, text: &str) -> anyhow::Result<Arc<Message>> {
    let mut draft = store.draft(&envelope(to)).await?;
    draft.write(text.as_bytes()).await?;
    Ok(store.keep(draft).await?)
}

fn files(dir: &Path) -> Vec<String> {
    let names = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<_> = names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name != ".lock");
    names.sort();
    names
}

#[tokio::test]
async fn the_index_survives_a_restart() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let text =
        "Subject: =?utf-8?q?Sl=C3=A5_till?=\r\nMessage-ID: <m1@x.se>\r\nDelivered-To: liar@x.se\r\n\r\nhello\r\n";
    let first = Store::open(dir.path(), 10)?;
    let message = put(&first, "a@x.se", text).await?;
    assert_eq!((message.subject.as_str(), message.message_id.as_deref()), ("Slå till", Some("m1@x.se")));
    assert_eq!((message.id, message.bytes, message.to.len()), (1, text.len() as u64, 1));
    drop(first.draft(&envelope("b@x.se")).await?);
    drop(first);

    let second = Store::open(dir.path(), 10)?;
    assert_eq!(second.list(), [message]);
    assert_eq!(second.taken(), 1);
    assert_eq!(put(&second, "a@x.se", "\r\n").await?.id, 2);
    Ok(())
}

#[tokio::test]
async fn old_messages_leave_the_index_and_the_folder() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let store = Store::open(dir.path(), 3)?;
    for number in 0..8 {
        put(&store, "a@x.se", &format!("Subject: {number}\r\n\r\n")).await?;
    }
    let subjects: Vec<_> = store.list().iter().map(|message| message.subject.clone()).collect();
    assert_eq!(subjects, ["7", "6", "5"]);
    assert_eq!(store.taken(), 8);
    assert_eq!(files(dir.path()), ["000000000006.eml", "000000000007.eml", "000000000008.eml"]);
    assert!(store.get(5).is_none() && store.get(6).is_some());
    assert!(store.read(5).await?.is_none());
    drop(store);
    let store = Store::open(dir.path(), 1)?;
    assert_eq!(store.list().len(), 1);
    assert_eq!(files(dir.path()), ["000000000008.eml"]);
    Ok(())
}

#[tokio::test]
async fn a_message_that_never_ended_leaves_nothing() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let store = Store::open(dir.path(), 3)?;
    let mut draft = store.draft(&envelope("a@x.se")).await?;
    draft.write(&vec![b'x'; 200_000]).await?;
    drop(draft);
    assert_eq!(files(dir.path()), Vec::<String>::new());
    assert_eq!(store.taken(), 0);
    std::fs::write(dir.path().join("9.part"), "cut off by a crash")?;
    drop(store);
    Store::open(dir.path(), 3)?;
    assert_eq!(files(dir.path()), Vec::<String>::new());
    Ok(())
}
