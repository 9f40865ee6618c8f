// What the benchmark asks of Tradeyard's API, written with Express: the same paths, bodies and statements.
//
// The rules are those that the benchmark's requests meet: a whole lot, a bid above the leader's maximum, no soft close, no reserve, days in
// UTC. One process for each core; the first argument is the port.
'use strict'

const express = require('express')
const { HIGH, NORMAL, Refusal, authenticated, buyerOf, cents, enqueue, money, newId, once, pool, run, time } = require('./basics')
const buy = require('./purchase')
const searchListings = require('./search')

function auctionView (row, viewer) {
  const currency = row[3]
  return {
    id: row[0],
    listing_id: row[1],
    seller_org_id: row[2],
    status: row[4],
    suspended: row[5] || row[24],
    lot_mode: row[6],
    quantity: row[7],
    min_order: row[8],
    starts_at: time(row[9]),
    ends_at: time(row[10]),
    original_ends_at: time(row[11]),
    hard_ends_at: time(row[12]),
    soft_close_seconds: row[13],
    opening: money(row[14], currency),
    price: money(row[17], currency),
    next_minimum: money(row[18], currency),
    buy_now: row[16] === null ? null : money(row[16], currency),
    reserve_met: row[15] === null || (row[21] !== null && row[21] >= row[15]),
    bid_count: row[22],
    you_lead: viewer === null ? null : row[19] === viewer,
    version: row[23],
    server_time: time(row[25])
  }
}

function above (price, below, steps) {
  const place = below.findIndex((limit) => price < limit)
  return price + (place < 0 ? steps.at(-1) : steps[place])
}

const app = express()
app.use(express.json({ verify: (request, _response, body) => { request.raw = body } }))

app.get('/v1/auctions/:auction', async (request, response) => {
  const [row] = await run(pool, 'read_auction', [[request.params.auction]])
  if (!row) throw new Refusal(404, 'no such auction')
  response.json(auctionView(row, null))
})

app.get('/v1/listings', searchListings)
app.post('/v1/listings/:listing/buy', authenticated, buy)

app.post('/v1/auctions/:auction/bids', authenticated, async (request, response) => {
  const { auction } = request.params
  const { caller } = request
  const org = buyerOf(caller)
  const { amount, currency } = request.body.maximum
  const maximum = cents(amount)
  await once(request, response, org, 201, async (conn) => {
    const [locked] = await run(conn, 'lock_auction', [[auction], [org], [caller.user]])
    if (!locked) throw new Refusal(404, 'no such auction')
    // Without the place among those asked for.
    const lot = locked.slice(1)
    const [now, endsAt, below, steps] = [lot[31], lot[8], lot[21], lot[22]]
    let [price, leaderBid, leader, leaderSeq, leaderMax] = lot.slice(15, 20)
    if (lot[27] || !lot[25] || !lot[23] || lot[24] || lot[1] === org || leader === org) {
      throw new Refusal(403, 'this organisation may not bid here')
    }
    const at = Date.parse(now)
    if (!['scheduled', 'live'].includes(lot[3]) || at < Date.parse(lot[7]) || at >= Date.parse(endsAt)) {
      throw new Refusal(409, 'the auction takes no bids')
    }
    const minimum = leader === null ? lot[11] : above(price, below, steps)
    if (currency !== lot[2] || maximum < minimum) throw new Refusal(422, `the next bid is at least ${minimum}`)
    const [id, seq, leads] = [newId(), lot[20] + 1, leader === null || maximum > leaderMax]
    const outbid = leads && leader !== null ? [leader] : []
    let visible = maximum
    if (leads) {
      price = leader === null ? lot[11] : Math.max(price, Math.min(above(leaderMax, below, steps), maximum))
      visible = price
      ;[leaderBid, leader, leaderSeq, leaderMax] = [id, org, seq, maximum]
    } else {
      price = Math.min(above(maximum, below, steps), leaderMax)
    }
    const placed = [id, auction, lot[1], lot[2], lot[4], org, caller.user, seq, 'bid', visible, maximum, lot[5], now]
    const standing = [
      auction, price, above(price, below, steps), leaderBid, leader, leaderSeq, leaderMax, endsAt, seq, 1, 1
    ]
    const [row] = await run(conn, 'write_bid', [...placed, ...standing].map((value) => [value]))
    if (outbid.length > 0) {
      const payload = { auction, orgs: outbid }
      await enqueue(conn, { priority: HIGH, queue: 'auctions', kind: 'auctions.notify_outbid', payload })
    }
    const outcome = leads ? 'leads' : 'outbid'
    const view = { id, outcome, placed_at: time(now), end_moved: false, auction: auctionView(row, org) }
    return { view, headers: { location: `/v1/auctions/${auction}` } }
  })
})

app.post('/v1/reports', authenticated, async (request, response) => {
  const { caller, body } = request
  const org = request.get('tradeyard-org')
  if (caller.platformRole !== 'admin') throw new Refusal(403, 'needs the platform role admin')
  const [first, last] = [Date.parse(`${body.first_day}T00:00:00Z`), Date.parse(`${body.last_day}T00:00:00Z`)]
  const days = (last - first) / 86_400_000
  if (body.kind !== 'sales' || !['csv', 'json', 'xlsx'].includes(body.format) || !(days >= 0 && days <= 366)) {
    throw new Refusal(422, 'the days are reversed or too many')
  }
  await once(request, response, org, 202, async (conn) => {
    const [found] = await run(conn, 'read_organisation', [[org]])
    if (!found) throw new Refusal(404, 'no such organisation')
    if (found[6] !== 'UTC') throw new Refusal(422, 'days are in UTC here')
    const [startsAt, endsAt] = [new Date(first).toISOString(), new Date(last + 86_400_000).toISOString()]
    const id = newId()
    const job = await enqueue(conn, {
      priority: NORMAL,
      queue: 'reports',
      kind: 'reports.generate',
      payload: { report: id, org },
      tenant: org,
      uniqueKey: `reports.generate:${id}`
    })
    const values = [
      id, job, org, caller.user, body.kind, body.format, found[6], body.first_day, body.last_day, startsAt, endsAt, '{}'
    ]
    const [[createdAt]] = await run(conn, 'write_report', values.map((value) => [value]))
    const view = {
      id,
      org,
      kind: body.kind,
      format: body.format,
      first_day: body.first_day,
      last_day: body.last_day,
      time_zone: found[6],
      starts_at: startsAt,
      ends_at: endsAt,
      parameters: {},
      status: 'queued',
      job,
      totals: [],
      created_at: time(createdAt)
    }
    return { view, headers: { location: `/v1/reports/${id}`, link: `</v1/jobs/${job}>; rel="monitor"` } }
  })
})

// Express knows a handler of errors by its four arguments.
app.use((error, _request, response, _next) => {
  response.status(error.status ?? 500).json({ detail: error.message })
})

const server = app.listen(Number(process.argv[2]), '127.0.0.1')
server.keepAliveTimeout = 600_000
