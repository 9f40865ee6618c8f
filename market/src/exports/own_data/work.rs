//! What somebody did with goods and files for their organisations.

use super::{column, part};

part! {
    STOCK_MOVEMENTS, "stock_movements", "Units that you moved.",
    covers: [("stock_movements", "actor")],
    columns: [
        column("id", "The movement."),
        column("item", "Of which item."),
        column("site", "At which site."),
        column("kind", "What it was."),
        column("on_hand", "By how many units the stock changed."),
        column("reason", "What you wrote about it."),
        column("at", "When."),
    ],
    key: "bigint",
    sql: r#"
        SELECT t.id AS key, t.id, t.item_id AS item, t.site_id AS site, t.kind, t.on_hand_delta AS on_hand, t.reason, t.at
        FROM stock_movements AS t
        WHERE t.actor = $1
    "#
}

part! {
    IMPORTS, "imports", "Files that you had applied.",
    covers: [("imports", "created_by")],
    columns: [
        column("id", "The import."),
        column("org", "For which organisation."),
        column("kind", "What was in it."),
        column("status", "What became of it."),
        column("applied", "How many rows were applied."),
        column("refused", "How many were refused."),
        column("created_at", "When."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.org_id AS org, t.kind, t.status, t.applied, t.refused, t.created_at
        FROM imports AS t
        WHERE t.created_by = $1
    "#
}

part! {
    UPLOADS, "uploads", "Files that you sent.",
    covers: [("uploads", "created_by")],
    columns: [
        column("id", "The file."),
        column("org", "For which organisation."),
        column("file_name", "What you called it."),
        column("content_type", "What is in it."),
        column("size", "How many bytes."),
        column("created_at", "When."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.org_id AS org, t.file_name, t.content_type, t.size, t.created_at
        FROM uploads AS t
        WHERE t.created_by = $1
    "#
}

part! {
    SHIPMENTS, "shipments", "Shipments that you planned.",
    covers: [("shipments", "created_by")],
    columns: [
        column("id", "The shipment."),
        column("org", "For which organisation."),
        column("tracking", "Its number."),
        column("to_address", "Where it goes."),
        column("status", "What it came to."),
        column("created_at", "When."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.org_id AS org, t.tracking, t.to_address, t.status, t.created_at
        FROM shipments AS t
        WHERE t.created_by = $1
    "#
}

part! {
    APPOINTMENTS, "appointments", "Appointments that you made.",
    covers: [("appointments", "created_by")],
    columns: [
        column("id", "The appointment."),
        column("order", "For which order."),
        column("kind", "What for."),
        column("status", "What became of it."),
        column("starts_at", "When it begins."),
        column("ends_at", "When it ends."),
        column("created_at", "When you made it."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.order_id AS "order", t.kind, t.status, t.starts_at, t.ends_at, t.created_at
        FROM appointments AS t
        WHERE t.created_by = $1
    "#
}

part! {
    PAPERS, "papers", "Papers that you asked for.",
    covers: [("papers", "requested_by")],
    columns: [
        column("id", "The paper."),
        column("org", "For which organisation."),
        column("kind", "What it is."),
        column("status", "What became of it."),
        column("created_at", "When."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.org_id AS org, t.kind, t.status, t.created_at
        FROM papers AS t
        WHERE t.requested_by = $1
    "#
}

// No worker that writes files has the keys of conversations.
part! {
    MESSAGES, "messages", "Messages that you wrote. What you wrote is encrypted, and only the conversation itself shows it.",
    covers: [("chat_messages", "sender_id")],
    columns: [
        column("conversation", "In which conversation."),
        column("number", "Its number there."),
        column("org", "For which organisation."),
        column("sent_at", "When."),
    ],
    key: "text",
    sql: r#"
        SELECT t.conversation_id::text || '/' || lpad(t.seq::text, 10, '0') AS key, t.conversation_id AS conversation,
               t.seq AS number, t.org_id AS org, t.created_at AS sent_at
        FROM chat_messages AS t
        WHERE t.sender_id = $1
    "#
}

part! {
    CHAT_REPORTS, "message_reports", "Messages that you reported as abusive.",
    covers: [("chat_reports", "reported_by")],
    columns: [
        column("id", "The report."),
        column("conversation", "In which conversation."),
        column("number", "The number of the message there."),
        column("org", "For which organisation."),
        column("reason", "Why."),
        column("status", "What became of it."),
        column("created_at", "When."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.conversation_id AS conversation, t.seq AS number, t.org_id AS org, t.reason, t.status,
               t.created_at
        FROM chat_reports AS t
        WHERE t.reported_by = $1
    "#
}

part! {
    REVIEWS, "reviews", "Reviews that you wrote about the other side of an order.",
    covers: [("reviews", "written_by")],
    columns: [
        column("id", "The review."),
        column("order", "About which order."),
        column("side", "Whether your organisation bought or sold."),
        column("stars", "How many of five stars you gave."),
        column("text", "What you wrote."),
        column("written_at", "When."),
        column("shown_at", "Since when others can read it."),
        column("hidden_reason", "Why a moderator has hidden it."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.order_id AS "order", t.side, t.stars, t.text, t.written_at, t.shown_at, t.hidden_reason
        FROM reviews AS t
        WHERE t.written_by = $1
    "#
}

part! {
    REVIEW_ANSWERS, "review_answers", "What you answered to reviews of your organisation.",
    covers: [("reviews", "answered_by")],
    columns: [
        column("review", "The review."),
        column("order", "About which order it is."),
        column("answer", "What you wrote."),
        column("answered_at", "When."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id AS review, t.order_id AS "order", t.answer, t.answered_at
        FROM reviews AS t
        WHERE t.answered_by = $1
    "#
}

part! {
    REVIEW_REPORTS, "review_reports", "Reviews that you reported.",
    covers: [("review_reports", "reported_by")],
    columns: [
        column("id", "The report."),
        column("review", "Of which review."),
        column("org", "For which organisation."),
        column("reason", "Why."),
        column("note", "What you added."),
        column("status", "What became of it."),
        column("created_at", "When."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.review_id AS review, t.org_id AS org, t.reason, t.note, t.status, t.created_at
        FROM review_reports AS t
        WHERE t.reported_by = $1
    "#
}

part! {
    DOCUMENTS, "documents", "Documents of organisations, such as licences, that you handed in.",
    covers: [("org_documents", "placed_by")],
    columns: [
        column("id", "The document."),
        column("org", "For which organisation."),
        column("kind", "What it is."),
        column("number", "Its number."),
        column("issued_on", "When it was issued."),
        column("expires_on", "Until when it is valid."),
        column("file", "Which of your files."),
        column("placed_at", "When you handed it in."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.org_id AS org, t.kind, t.number, t.issued_on, t.expires_on, t.upload_id AS file, t.placed_at
        FROM org_documents AS t
        WHERE t.placed_by = $1
    "#
}

part! {
    EXPORT_PROOFS, "export_proofs", "Proofs of exports that you handed in.",
    covers: [("export_proofs", "handed_in_by")],
    columns: [
        column("order", "Of which order."),
        column("mrn", "The number of the customs declaration."),
        column("left_on", "When the goods left the EU."),
        column("file", "Which of your files."),
        column("handed_in_at", "When you handed it in."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.order_id AS key, t.order_id AS "order", t.mrn, t.left_on, t.upload_id AS file, t.handed_in_at
        FROM export_proofs AS t
        WHERE t.handed_in_by = $1
    "#
}
