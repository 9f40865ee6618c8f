//! One client's connection: lines and messages off the socket, replies onto it.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::time::timeout;

use super::data::Unstuffer;
use super::faults::Faults;
use super::protocol::{MAX_LINE, Reply, Session, Step};
use super::store::Store;

/// RFC 5321 asks servers to wait five minutes for the next command.
const PATIENCE: Duration = Duration::from_mins(5);

#[derive(Debug)]
pub(super) struct Context {
    pub(super) store: Store,
    pub(super) faults: Faults,
    /// In bytes.
    pub(super) max_message: u64,
}

enum Line {
    Whole(Vec<u8>),
    /// Ended by a bare LF.
    Bare,
    TooLong,
    End,
}

/// Talks to a client until it quits, goes away or is sent away.
pub(super) async fn talk<S>(stream: S, context: &Context) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufReader::new(stream);
    let mut session = Session::new(context.max_message, context.faults.clone());
    // With pipelining, the replies to a batch of commands go out together.
    let mut replies = Reply::new(220, "sink ESMTP").to_string();
    loop {
        if stream.buffer().is_empty() {
            send(&mut stream, &mut replies).await?;
        }
        let Ok(line) = timeout(PATIENCE, read_line(&mut stream)).await else {
            replies.push_str(&Reply::new(421, "4.4.2 Nothing was said for too long").to_string());
            return send(&mut stream, &mut replies).await;
        };
        let step = match line? {
            Line::Whole(line) => session.line(&line),
            Line::Bare => session.malformed("Lines end with CR LF"),
            Line::TooLong => session.malformed("The line is too long"),
            Line::End => return send(&mut stream, &mut replies).await,
        };
        match step {
            Step::Reply(reply) => replies.push_str(&reply.to_string()),
            Step::Close(reply) => {
                replies.push_str(&reply.to_string());
                return send(&mut stream, &mut replies).await;
            }
            Step::Data(reply) => {
                replies.push_str(&reply.to_string());
                send(&mut stream, &mut replies).await?;
                match receive(&mut stream, &mut session, context).await? {
                    Some(reply) => replies.push_str(&reply.to_string()),
                    None => return Ok(()),
                }
            }
        }
    }
}

async fn send<S>(stream: &mut BufReader<S>, replies: &mut String) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if !replies.is_empty() {
        stream.write_all(replies.as_bytes()).await?;
        stream.flush().await?;
        replies.clear();
    }
    Ok(())
}

/// Reads one line of at most [`MAX_LINE`] bytes; a longer one is skipped to its end, in constant
/// memory.
async fn read_line<R: AsyncBufRead + Unpin>(reader: &mut R) -> io::Result<Line> {
    let mut line = Vec::new();
    let mut too_long = false;
    loop {
        let available = reader.fill_buf().await?;
        if available.is_empty() {
            return Ok(Line::End);
        }
        let end = available.iter().position(|&byte| byte == b'\n');
        let taken = end.map_or(available.len(), |at| at + 1);
        if line.len() + taken > MAX_LINE {
            too_long = true;
            line.clear();
        }
        if !too_long {
            line.extend_from_slice(&available[..taken]);
        }
        reader.consume(taken);
        if end.is_some() {
            return Ok(match line.strip_suffix(b"\r\n") {
                _ if too_long => Line::TooLong,
                Some(text) => Line::Whole(text.to_owned()),
                None => Line::Bare,
            });
        }
    }
}

/// Reads a message to its end and keeps it. `None`: the connection ends here, without a reply.
async fn receive<R: AsyncBufRead + Unpin>(
    reader: &mut R,
    session: &mut Session,
    context: &Context,
) -> io::Result<Option<Reply>> {
    let envelope = session.finish();
    let mut draft = context.store.draft(&envelope).await.map_err(|error| no_room(&error));
    let mut unstuffer = Unstuffer::new();
    let (mut text, mut size) = (Vec::new(), 0_u64);
    // A refused message is still read to its end: the client does not listen before that.
    while !unstuffer.ended() {
        let Ok(available) = timeout(PATIENCE, reader.fill_buf()).await else {
            return Ok(None);
        };
        let available = available?;
        if available.is_empty() {
            return Ok(None);
        }
        text.clear();
        let taken = unstuffer.feed(available, &mut text);
        reader.consume(taken);
        size += text.len() as u64;
        if size > context.max_message {
            draft = Err(Reply::new(552, "5.3.4 The message is too big"));
        }
        // A client that does not stop at several times the limit will not listen to a reply either.
        if size > context.max_message.saturating_mul(4) {
            return Ok(None);
        }
        if let Ok(open) = &mut draft
            && let Err(error) = open.write(&text).await
        {
            draft = Err(no_room(&error));
        }
    }
    let draft = match draft {
        Ok(_) if unstuffer.bare => {
            return Ok(Some(Reply::new(554, "5.6.0 The message has a bare CR or LF")));
        }
        Ok(draft) => draft,
        Err(refusal) => return Ok(Some(refusal)),
    };
    let message = match context.store.keep(draft).await {
        Ok(message) => message,
        Err(error) => return Ok(Some(no_room(&error))),
    };
    let ending = context.faults.at_end(&envelope.to);
    if ending.drop {
        return Ok(None);
    }
    if !ending.delay.is_zero() {
        tokio::time::sleep(ending.delay).await;
    }
    Ok(Some(Reply::new(250, format!("2.0.0 Taken as {}", message.id))))
}

/// The disk is usually full: the client should try again later.
fn no_room(error: &io::Error) -> Reply {
    tracing::warn!(%error, "cannot keep a message");
    Reply::new(452, "4.3.1 The message cannot be stored now")
}
