// What the benchmark asks of Tradeyard's API, written with Express: the same paths, bodies and statements.
//
// Written for speed as its users would: a pool of connections, one of them for the whole transaction, statements that PostgreSQL
// prepares once. The rules are those that the benchmark's requests meet: a whole lot, a bid above the leader's maximum, no soft close,
// no reserve, days in UTC. One process for each core; the first argument is the port.
'use strict'

const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const express = require('express')
const jwt = require('jsonwebtoken')
const { Pool, types } = require('pg')

const SQL = JSON.parse(fs.readFileSync(path.join(__dirname, '..', 'statements.json'), 'utf8'))
const { DATABASE_URL, JWT_SECRET, PUBLIC_URL } = process.env
const TOKENS = { algorithms: ['HS256'], audience: 'tradeyard-api', issuer: PUBLIC_URL, clockTolerance: 5 }
const ROLES = ['trader', 'admin', 'owner']
const HIGH = 1
const NORMAL = 2

const [BIGINT, BIGINTS, TIMESTAMP, DATE] = [20, 1016, 1184, 1082]
const numbers = types.getTypeParser(BIGINTS)
types.setTypeParser(BIGINT, Number)
types.setTypeParser(BIGINTS, (text) => numbers(text).map(Number))
// As text: a Date has no microseconds.
types.setTypeParser(TIMESTAMP, (text) => text)
types.setTypeParser(DATE, (text) => text)

const pool = new Pool({ connectionString: DATABASE_URL, max: 10, options: '-c TimeZone=UTC' })

/** Runs one of the statements, prepared; rows are arrays in the order of its columns. */
async function run (conn, name, values) {
  return (await conn.query({ name, text: SQL[name], values, rowMode: 'array' })).rows
}

class Refusal extends Error {
  constructor (status, message) {
    super(message)
    this.status = status
  }
}

const money = (minor, currency) => ({ amount: (minor / 100).toFixed(2), currency })
const time = (text) => text.replace(' ', 'T').replace('+00', 'Z')

/** A UUID of version 7: new rows stand at the end of their index. */
function newId () {
  const bytes = crypto.randomBytes(16)
  bytes.writeUIntBE(Date.now(), 0, 6)
  bytes[6] = 0x70 | (bytes[6] & 0x0f)
  bytes[8] = 0x80 | (bytes[8] & 0x3f)
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

async function authenticated (request, _response, next) {
  let claims
  try {
    claims = jwt.verify((request.get('authorization') ?? '').replace('Bearer ', ''), JWT_SECRET, TOKENS)
  } catch {
    throw new Refusal(401, 'the access token is not valid')
  }
  const [row] = await run(pool, 'authority', [[claims.sid], [claims.sub], [claims.ver]])
  if (!row?.[2]) throw new Refusal(401, 'log in again')
  const memberships = row[3].map((org, place) => {
    const [role, status, kinds] = row[4][place].split(' ')
    return { org, role, status, kinds: kinds.split(',') }
  })
  request.caller = { user: claims.sub, platformRole: row[1], memberships }
  next()
}

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

async function transaction (work) {
  const conn = await pool.connect()
  try {
    await conn.query('BEGIN')
    const made = await work(conn)
    await conn.query('COMMIT')
    return made
  } catch (error) {
    await conn.query('ROLLBACK')
    throw error
  } finally {
    conn.release()
  }
}

/** Runs `effect` once for each key, and keeps its answer with it. */
async function once (request, response, owner, status, effect) {
  const key = request.get('idempotency-key')
  if (!key) throw new Refusal(400, 'send an Idempotency-Key')
  const hash = crypto.createHash('sha256').update(`${request.method} ${request.originalUrl}\n`).update(request.raw).digest()
  const answer = await transaction(async (conn) => {
    const [[locked, known, knownStatus, knownBody, knownHeaders]] = await run(conn, 'begin_key', [[owner], [key]])
    if (known) {
      if (!known.equals(hash)) throw new Refusal(422, 'this Idempotency-Key belongs to a request with other contents')
      return { status: knownStatus, headers: knownHeaders ?? {}, body: knownBody }
    }
    if (!locked) throw new Refusal(409, 'the first request with this Idempotency-Key is being worked on')
    const { view, headers } = await effect(conn)
    const body = Buffer.from(JSON.stringify(view))
    await run(conn, 'store_answer', [[owner], [key], [hash], [status], [body], [JSON.stringify(headers)]])
    return { status, headers, body }
  })
  response.status(answer.status).set(answer.headers).type('application/json').send(answer.body)
}

async function enqueue (conn, { priority, queue, kind, payload, tenant = null, uniqueKey = null }) {
  const trace = `00-${crypto.randomBytes(16).toString('hex')}-${crypto.randomBytes(8).toString('hex')}-01`
  const values = [priority, 1, queue, kind, tenant, JSON.stringify(payload), null, null, null, uniqueKey, null, trace, false]
  const [[job]] = await run(conn, 'enqueue', values)
  return job
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

app.post('/v1/auctions/:auction/bids', authenticated, async (request, response) => {
  const { auction } = request.params
  const { caller } = request
  const [member] = caller.memberships
  if (caller.memberships.length !== 1 || !ROLES.includes(member.role) || member.status !== 'approved' ||
    !member.kinds.includes('buyer')) {
    throw new Refusal(403, 'not a buyer')
  }
  const org = member.org
  const { amount, currency } = request.body.maximum
  if (!/^\d+\.\d\d$/.test(amount)) throw new Refusal(422, 'the amount must be a decimal number')
  const maximum = Number(amount.replace('.', ''))
  await once(request, response, org, 201, async (conn) => {
    const [locked] = await run(conn, 'lock_auction', [[auction], [org], [caller.user]])
    if (!locked) throw new Refusal(404, 'no such auction')
    // Without the place among those asked for.
    const lot = locked.slice(1)
    const [now, endsAt, below, steps] = [lot[30], lot[8], lot[21], lot[22]]
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
