//! The queues, the pool that serves each, and the transport that usually carries it (a setting that
//! can change while jobs flow).

use queue::job::Queue;
use queue::transport::Transport;

pub const AUCTIONS: Queue = queue("auctions", "auctions", Transport::Rabbit);
/// Whoever asks payment providers, and what follows from their answers.
pub const PAYMENTS: Queue = queue("payments", "auctions", Transport::Rabbit);
pub const EMAILS: Queue = queue("emails", "emails", Transport::Rabbit);
/// Webhooks that organisations are sent. Apart from mail: their servers take what time they want.
pub const WEBHOOKS: Queue = queue("webhooks", "emails", Transport::Rabbit);
pub const REPORTS: Queue = queue("reports", "reports", Transport::Redis);
pub const IMAGES: Queue = queue("images", "images", Transport::Redis);
/// Cargo events themselves travel on the events lane; this queue is for jobs about them.
pub const CARGO: Queue = queue("cargo", "cargo", Transport::Redis);
/// Messages that nobody reads, and the keys of conversations: of the workers, its own alone have `CHAT_KEY`.
pub const CHAT: Queue = queue("chat", "chat", Transport::Redis);
pub const MAINTENANCE: Queue = queue("maintenance", "reports", Transport::Redis);

pub const ALL: &[Queue] = &[AUCTIONS, PAYMENTS, EMAILS, WEBHOOKS, REPORTS, IMAGES, CARGO, CHAT, MAINTENANCE];

const fn queue(name: &'static str, pool: &'static str, transport: Transport) -> Queue {
    Queue { name, pool, transport }
}
