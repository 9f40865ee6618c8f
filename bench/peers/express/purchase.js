// Buying one unit or more of one listing at its fixed price.
//
// The rules are those that the benchmark's purchases meet: one seller, one line, goods of the listing's own quantity, both parties in one
// country, no buyer's premium.
'use strict'

const { LOW, NORMAL, Refusal, buyerOf, cents, enqueueAll, money, newId, once, run, time } = require('./basics')

/** How many milliseconds a buyer has to pay. */
const TERM = 30 * 60_000

/** Rounded half up. */
const share = (amount, basisPoints) => Math.floor((amount * basisPoints + 5_000) / 10_000)

/** The time so many whole seconds later; a Date has no microseconds, which stay as they are. */
function later (text, milliseconds) {
  const [, fraction = ''] = /\d(\.\d+)?\+00$/.exec(text)
  const seconds = new Date(Date.parse(text) + milliseconds).toISOString().slice(0, 19)
  return `${seconds}${fraction}+00`
}

async function reserve (conn, listing, quantity, order) {
  const [[site]] = await run(conn, 'read_site', [listing])
  if (site !== null) throw new Refusal(501, "the benchmark's listings sell their own quantity")
  const [[item, , available]] = await run(conn, 'lock_listing', [listing])
  if (quantity > available) throw new Refusal(409, `only ${available} are available`)
  await run(conn, 'write_reservation', [newId(), listing, item, null, quantity, null, order, 1])
  await run(conn, 'count_reserved', [listing, quantity, 0])
}

/** Reserves the goods and orders them; returns the checkout. */
async function place (conn, buyer, by, listing, quantity, offered) {
  const [found] = await run(conn, 'read_sellers', [[listing]])
  if (!found) throw new Refusal(409, 'there is no such listing on offer')
  const [seller, order] = [found[1], newId()]
  await reserve(conn, listing, quantity, order)
  const [offer] = await run(conn, 'read_offers', [[listing]])
  const [, trades, status, mode, currency, price, least, most, item, title, unit, category, now] = offer
  const [[feeBps]] = await run(conn, 'read_fees', [[seller], [category]])
  if (status !== 'published' || !trades || seller === buyer || mode !== 'fixed') {
    throw new Refusal(409, 'the listing is not on offer')
  }
  if (cents(offered.amount) !== price || offered.currency !== currency) throw new Refusal(409, `the price is now ${price}`)
  if (!(quantity >= least && quantity <= most)) throw new Refusal(422, `must lie between ${least} and ${most}`)
  const [[sellers, , buyers, , bps]] = await run(conn, 'read_treatment', [[seller], [buyer]])
  if (sellers === null || sellers !== buyers || bps === null) {
    throw new Refusal(501, "the benchmark's traders are in one country")
  }
  const [total, payBy, checkout] = [price * quantity, later(now, TERM), newId()]
  const [tax, fee] = [share(total, bps), share(total, feeBps)]
  const values = [checkout, buyer, by, currency, total + tax, payBy, now, false]
  await run(conn, 'write_checkout', values.map((value) => [value]))
  const parties = [order, 'checkout', null, null, checkout, buyer, seller, by]
  const amounts = [currency, total, 0, tax, 'sellers_rate', feeBps, fee, total - fee, now, payBy, null]
  const line = [order, listing, item, title, quantity, unit, price, total, feeBps]
  // One rate of tax, and nothing of it for a premium.
  const taxes = [order, bps, total, tax, 0]
  await run(conn, 'write_order', [...parties, ...amounts, ...line, ...taxes].map((value) => [value]))
  return checkout
}

function orderView (row) {
  const currency = row[8]
  return {
    id: row[0],
    checkout: row[1],
    source: row[2],
    buyer_org_id: row[3],
    buyer_name: row[4],
    seller_org_id: row[5],
    seller_name: row[6],
    status: row[7],
    total: money(row[9], currency),
    premium: money(row[10], currency),
    tax: money(row[11], currency),
    vat_treatment: row[13],
    payable: money(row[12], currency),
    included_tax: row[27] === null ? null : money(row[27], currency),
    fee_bps: row[14],
    fee: money(row[15], currency),
    net: money(row[16], currency),
    pay_by: time(row[17]),
    created_at: time(row[18]),
    lines: [{
      listing_id: row[19],
      item_id: row[20],
      title: row[21],
      quantity: row[22],
      unit: row[23],
      unit_price: money(row[24], currency),
      amount: money(row[25], currency),
      fee_bps: row[26]
    }]
  }
}

/** The checkout as its buyer sees it, and until when it is to be paid. */
async function read (conn, buyer, checkout) {
  const [[id, owner, status, currency, payable, payBy, createdAt, orders]] = await run(conn, 'read_checkout', [checkout])
  const [order] = await run(conn, 'read_orders', [orders])
  if (owner !== buyer) throw new Refusal(404, 'no such checkout')
  const view = {
    id,
    buyer_org_id: owner,
    status,
    payable: money(payable, currency),
    pay_by: time(payBy),
    created_at: time(createdAt),
    orders: [orderView(order)]
  }
  return { view, payBy }
}

/** Buys for the caller's organisation. */
module.exports = async function buyListing (request, response) {
  const { caller, body } = request
  const buyer = buyerOf(caller)
  await once(request, response, buyer, 201, async (conn) => {
    const checkout = await place(conn, buyer, caller.user, request.params.listing, body.quantity, body.price)
    const { view, payBy } = await read(conn, buyer, checkout)
    const expire = {
      priority: NORMAL,
      queue: 'auctions',
      kind: 'checkout.expire',
      payload: { checkout },
      uniqueKey: `checkout.expire:${checkout}`,
      runAt: payBy
    }
    const notify = {
      priority: LOW,
      queue: 'auctions',
      kind: 'checkout.notify',
      payload: { checkout, news: 'placed' },
      uniqueKey: `checkout.notify:${checkout}:placed`
    }
    await enqueueAll(conn, [expire, notify])
    const deliveries = await run(conn, 'read_deliveries', [view.orders.map((order) => order.id)])
    if (deliveries.length > 0) throw new Refusal(501, 'nobody has webhooks in the benchmark')
    return { view, headers: { location: `/v1/checkouts/${checkout}` } }
  })
}
