//! A sale turns out to be taxed in another way: what is left of its invoice is taken back, and another one takes its place.
//!
//! What was paid stays the same, so a tax is a part of it: no money moves between buyer and seller. The tax on goods is the seller's to
//! pay to the state, as with every sale. That on the premium the platform owes; it is kept back from the seller, who has no proof.
//!
//! How to get this wrong: to book the tax of a premium that is refunded meanwhile; what is kept back is always what the current invoice
//! says of the premium that is left, and the difference to what was booked before is booked.

use shared::money::{BasisPoints, Money};
use sqlx::PgConnection;

use super::{Current, InvoiceError, TakenBack, Terms, current, left, sum, take_back, terms_of};
use crate::ids::{InvoiceId, OrderId};
use crate::invoices::model::Replaced;
use crate::invoices::rules::proof::included_tax;
use crate::invoices::rules::{accounting_tax, note, spread};
use crate::money::model::{Account, AccountKind, Entry, NewTransfer, TransferKind};
use crate::money::rules::vat::Treatment;
use crate::money::store::ledger;

/// What is left of an order's price: goods and premium.
async fn parts(conn: &mut PgConnection, order: OrderId, of: &Current) -> Result<[Money; 2], sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT (o.total_minor - r.goods)::bigint AS "goods!", (o.premium_minor - r.premium)::bigint AS "premium!"
           FROM orders AS o
           CROSS JOIN LATERAL (
               SELECT coalesce(sum(fee_minor + net_minor), 0) AS goods, coalesce(sum(premium_minor), 0) AS premium
               FROM refunds
               WHERE order_id = o.id
           ) AS r
           WHERE o.id = $1"#,
        order.0,
    )
    .fetch_one(conn)
    .await?;
    Ok([row.goods, row.premium].map(|minor| Money::from_minor(minor, of.currency)))
}

/// Takes back what is left of the invoice of an order without tax, and issues another one for as much, of which this rate is a part.
/// `None`: there is none, or nothing is left of it. Needs a transaction, which locks the order; of orders of several sellers, one
/// transaction each.
pub(super) async fn replace(
    conn: &mut PgConnection,
    order: OrderId,
    treatment: Treatment,
    rate: BasisPoints,
) -> Result<Option<Replaced>, InvoiceError> {
    let Some(before) = current(conn, order).await? else { return Ok(None) };
    let by_rate = left(conn, before.id, before.currency).await?;
    let net = sum(&by_rate, before.currency, |of| of.net)?;
    let gross = net.checked_add(sum(&by_rate, before.currency, |of| of.tax)?)?;
    if gross.minor() <= 0 {
        return Ok(None);
    }
    let parts = parts(conn, order, &before).await?;
    let [goods, premium] = spread(net, &parts)?[..] else { return Ok(None) };
    let by_rate = by_rate.into_iter().filter(|of| of.net.minor() > 0 || of.tax.minor() > 0).collect();
    let taken = TakenBack { invoice: before.id, refund: None, goods, premium, by_rate };
    let credit_note = take_back(conn, order, &taken).await?;

    let tax = included_tax(gross, rate)?;
    let net = gross.checked_sub(tax)?;
    let [goods, premium] = spread(net, &parts)?[..] else { return Ok(None) };
    let invoice = InvoiceId::generate();
    issue_in_place(conn, &NewInvoice { invoice, before: before.id, order, treatment, rate, goods, premium, tax })
        .await?;
    settle_premium_tax(conn, order, &credit_note.to_string()).await?;
    Ok(Some(Replaced { credit_note, invoice }))
}

struct NewInvoice {
    invoice: InvoiceId,
    before: InvoiceId,
    order: OrderId,
    treatment: Treatment,
    rate: BasisPoints,
    /// Net.
    goods: Money,
    /// Net.
    premium: Money,
    tax: Money,
}

/// Issues an invoice in the place of another one.
async fn issue_in_place(conn: &mut PgConnection, new: &NewInvoice) -> Result<(), InvoiceError> {
    let lines =
        sqlx::query!("SELECT line_no, amount_minor FROM order_lines WHERE order_id = $1 ORDER BY line_no", new.order.0)
            .fetch_all(&mut *conn)
            .await?;
    let currency = new.tax.currency();
    let weights: Vec<Money> = lines.iter().map(|line| Money::from_minor(line.amount_minor, currency)).collect();
    let nets: Vec<i64> = spread(new.goods, &weights)?.into_iter().map(Money::minor).collect();
    let numbers: Vec<i16> = lines.iter().map(|line| line.line_no).collect();
    let Terms { target, rates, .. } = terms_of(conn, new.order).await?;
    let accounting = accounting_tax(new.tax, target, rates)?;
    let net = new.goods.checked_add(new.premium)?;
    sqlx::query!(
        "WITH issued AS (
             INSERT INTO invoices
                 (id, kind, seller_org_id, buyer_org_id, order_id, replaces, currency, net_minor, tax_minor, gross_minor,
                  vat_treatment, vat_note, accounting_currency, accounting_tax_minor, fx_snapshot_id, seller, buyer)
             SELECT $2, 'invoice', i.seller_org_id, i.buyer_org_id, i.order_id, i.id, i.currency, $3, $4, $3::bigint + $4::bigint,
                    $5, $6, $7, $8, i.fx_snapshot_id, i.seller, i.buyer
             FROM invoices AS i
             WHERE i.id = $1
         ), lines AS (
             INSERT INTO invoice_lines (invoice_id, line_no, part, title, quantity, unit, net_minor, days)
             SELECT $2, l.line_no, 'goods', l.title, l.quantity, l.unit, n.net,
                    (SELECT b.days FROM invoice_lines AS b WHERE b.invoice_id = $1 AND b.line_no = l.line_no)
             FROM unnest($9::smallint[], $10::bigint[]) AS n (line_no, net)
             JOIN order_lines AS l ON l.order_id = $11 AND l.line_no = n.line_no
             WHERE n.net > 0
             UNION ALL
             SELECT $2, (SELECT max(line_no) + 1 FROM order_lines WHERE order_id = $11)::smallint, 'premium', 'Buyer''s premium', 1,
                    'piece', $12::bigint, NULL
             WHERE $12::bigint > 0
         )
         INSERT INTO invoice_taxes (invoice_id, rate_bps, net_minor, tax_minor)
         VALUES ($2, $13, $3, $4)",
        new.before.0,
        new.invoice.0,
        net.minor(),
        new.tax.minor(),
        new.treatment as Treatment,
        note(new.treatment),
        accounting.map(|tax| tax.currency().code()),
        accounting.map(Money::minor),
        &numbers,
        &nets,
        new.order.0,
        new.premium.minor(),
        new.rate.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps back from the seller what the current invoice says of the tax on the premium that is left, or gives back what is too much. The
/// reference names what has changed it. Needs a transaction, which locks the order; if it has locked accounts, then these two of the
/// seller with them.
pub(crate) async fn settle_premium_tax(
    conn: &mut PgConnection,
    order: OrderId,
    reference: &str,
) -> Result<(), InvoiceError> {
    let Some(invoice) = current(conn, order).await? else { return Ok(()) };
    let kept = sqlx::query_scalar!(
        r#"SELECT coalesce(sum(e.amount_minor), 0)::bigint AS "kept!"
           FROM money_transfers AS t
           JOIN money_entries AS e ON e.transfer_id = t.id
           JOIN money_accounts AS a ON a.id = e.account_id
           WHERE t.order_id = $1
             AND t.kind = 'export_tax'
             AND a.kind = 'tax'
             AND a.org_id IS NULL"#,
        order.0,
    )
    .fetch_one(&mut *conn)
    .await?;
    let mut owed = 0;
    if invoice.taxed {
        let tax = sum(&left(conn, invoice.id, invoice.currency).await?, invoice.currency, |of| of.tax)?;
        if tax.minor() > 0 {
            let parts = parts(conn, order, &invoice).await?;
            owed = spread(tax, &parts)?.last().map_or(0, |of| of.minor());
        }
    }
    let money = |minor| Money::from_minor(minor, invoice.currency);
    let (earned, debt) =
        (Account::of(invoice.seller, AccountKind::Receivable), Account::of(invoice.seller, AccountKind::Debt));
    let state = Account::platform(AccountKind::Tax);
    let entries = match owed - kept {
        0 => return Ok(()),
        more @ 1.. => {
            // Earnings are locked before debts everywhere, so their account must be there first, even if nothing was earned yet.
            ledger::open(conn, earned, invoice.currency).await?;
            let there = ledger::hold(conn, &[earned, debt], invoice.currency).await?;
            let paid = more.min(there.first().map_or(0, |there| there.minor()));
            vec![
                Entry::less(earned, money(paid)),
                Entry::less(debt, money(more - paid)),
                Entry::more(state, money(more)),
            ]
        }
        less => vec![Entry::more(earned, money(-less)), Entry::less(state, money(-less))],
    };
    let transfer =
        NewTransfer { kind: TransferKind::ExportTax, reference: reference.to_owned(), order: Some(order), entries };
    ledger::book(conn, &transfer).await?;
    if owed < kept {
        ledger::recover(conn, invoice.seller, money(kept - owed), reference, Some(order)).await?;
    }
    Ok(())
}
