// What every request needs: a connection, who calls, the key that it is sent with, and jobs.
//
// Written for speed as its users would: a pool of connections, one of them for the whole transaction, statements that PostgreSQL
// prepares once.
'use strict'

const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const jwt = require('jsonwebtoken')
const { Pool, types } = require('pg')

const SQL = JSON.parse(fs.readFileSync(path.join(__dirname, '..', 'statements.json'), 'utf8'))
const { DATABASE_URL, JWT_SECRET, PUBLIC_URL } = process.env
const TOKENS = { algorithms: ['HS256'], audience: 'tradeyard-api', issuer: PUBLIC_URL, clockTolerance: 5 }
const ROLES = ['trader', 'admin', 'owner']
const HIGH = 1
const NORMAL = 2
const LOW = 3

const [BIGINT, BIGINTS, TIMESTAMP, DATE] = [20, 1016, 1184, 1082]
const numbers = types.getTypeParser(BIGINTS)
types.setTypeParser(BIGINT, Number)
types.setTypeParser(BIGINTS, (text) => numbers(text).map(Number))
// As text: a Date has no microseconds.
types.setTypeParser(TIMESTAMP, (text) => text)
types.setTypeParser(DATE, (text) => text)

// As the API's: plans are kept, but for searches, which are planned for their values.
const PLANS_KEPT = '-c plan_cache_mode=force_generic_plan -c enable_hashjoin=off -c enable_mergejoin=off'
const pool = new Pool({ connectionString: DATABASE_URL, max: 10, options: `-c TimeZone=UTC ${PLANS_KEPT}` })
const searching = new Pool({ connectionString: DATABASE_URL, max: 10, options: '-c TimeZone=UTC' })

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
  if (!row?.[3]) throw new Refusal(401, 'log in again')
  const memberships = row[4].map((org, place) => {
    const [role, status, kinds] = row[5][place].split(' ')
    return { org, role, status, kinds: kinds.split(',') }
  })
  request.caller = { user: claims.sub, platformRole: row[1], memberships }
  next()
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

/** A new job as the statements take it. */
function jobRow ({ priority, queue, kind, payload, tenant = null, uniqueKey = null, runAt = null }) {
  const trace = `00-${crypto.randomBytes(16).toString('hex')}-${crypto.randomBytes(8).toString('hex')}-01`
  return [priority, 1, queue, kind, tenant, JSON.stringify(payload), runAt, null, null, uniqueKey, null, trace]
}

async function enqueue (conn, job) {
  const [[id]] = await run(conn, 'enqueue', [...jobRow(job), false])
  return id
}

/** Enqueues several jobs in one statement. */
async function enqueueAll (conn, jobs) {
  const rows = jobs.map(jobRow)
  await run(conn, 'enqueue_all', rows[0].map((_, place) => rows.map((row) => row[place])))
}

/** The organisation that the caller buys for. */
function buyerOf ({ memberships }) {
  const [member] = memberships
  if (memberships.length !== 1 || !ROLES.includes(member.role) || member.status !== 'approved' || !member.kinds.includes('buyer')) {
    throw new Refusal(403, 'not a buyer')
  }
  return member.org
}

function cents (amount) {
  if (!/^\d+\.\d\d$/.test(amount)) throw new Refusal(422, 'the amount must be a decimal number')
  return Number(amount.replace('.', ''))
}

module.exports = { HIGH, LOW, NORMAL, Refusal, authenticated, buyerOf, cents, enqueue, enqueueAll, money, newId, once, pool, run, searching, time }
