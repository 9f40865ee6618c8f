// The search, with a page of what is found and counts of its facets.
//
// A statement is that of the API for the conditions that it has, and is planned for their values each time, as the API's is. Conditions
// that the benchmark never asks for have none.
'use strict'

const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const { Refusal, money, run, searching, time } = require('./basics')

const SEARCHES = JSON.parse(fs.readFileSync(path.join(__dirname, '..', 'searches.json'), 'utf8'))
// More listings than this with a number, and a search does not begin with them.
const MANY = 3_000
// How many of the newest are counted, and how many values of an attribute are shown.
const COUNTED = 2_000
const SHOWN = 50

/** What must be known before the statement of a search is chosen. */
async function prepared (conn, search) {
  let [euros, few] = [null, null]
  if (search.price !== null) {
    const [[, least, most]] = await run(conn, 'search_euros', ['EUR', ...search.price])
    euros = [least, most]
  }
  for (const [name, wanted] of search.filters) {
    if (typeof wanted === 'number') {
      const most = few === null ? MANY : few.length
      const rows = await run(conn, 'search_few', [name, wanted, null, most])
      if (rows.length < most) few = rows.map(([listing]) => listing)
    }
  }
  return { search, euros, few }
}

/** The conditions but for `leftOut`, in the API's order, and what is bound to them. */
function conditions ({ search, euros, few }, leftOut = null) {
  const [names, bound] = [[], []]
  if (few !== null) {
    names.push('few')
    bound.push(few)
  }
  if (search.category !== null) {
    names.push('category')
    bound.push(search.category)
  }
  for (const [name, wanted] of search.filters) {
    if (name === leftOut) continue
    names.push(typeof wanted === 'number' ? 'at_least' : 'value')
    bound.push(name, wanted)
  }
  if (search.text !== null) {
    names.push('words')
    bound.push(search.text, search.text)
  }
  if (search.price !== null) {
    names.push('price')
    bound.push(...euros, 'EUR', ...search.price)
  }
  if (search.sort !== 'newest') names.push('priced')
  return [names, bound]
}

/** Runs the statement of these conditions, which is not kept: a plan for any values would be wrong for rare ones. */
async function runSearch (conn, kind, values) {
  const text = SEARCHES[kind.join(' ')]
  if (text === undefined) throw new Refusal(422, 'the benchmark does not search for that')
  return (await conn.query({ text, values, rowMode: 'array' })).rows
}

async function find (conn, search, limit) {
  const [names, bound] = conditions(await prepared(conn, search))
  return runSearch(conn, ['find', search.sort, ...names], [...bound, limit])
}

/** Counts `names` without the filter `leftOut`. */
async function counted (conn, ready, leftOut, names) {
  const [kind, bound] = conditions(ready, leftOut)
  const rows = await runSearch(conn, ['facets', ...kind], [...bound, COUNTED + 1, names, SHOWN])
  const total = rows.find(([name]) => name === null)[2]
  const facets = new Map(names.map((name) => [name, { name, exact: total <= COUNTED, values: [] }]))
  for (const [name, value, count] of rows) {
    if (name !== null) facets.get(name).values.push({ value, count })
  }
  return facets
}

async function countFacets (conn, search, names) {
  const ready = await prepared(conn, search)
  const chosen = search.filters.filter(([name, wanted]) => typeof wanted === 'string' && names.includes(name)).map(([name]) => name)
  // Categories have no name in the table.
  const counts = await counted(conn, ready, null, ['', ...names.filter((name) => !chosen.includes(name))])
  for (const name of chosen) counts.set(name, (await counted(conn, ready, name, [name])).get(name))
  const categories = { ...counts.get(''), name: 'category' }
  counts.delete('')
  return [categories, ...[...counts.keys()].sort().map((name) => counts.get(name))]
}

/** Reads `make:John Deere` or `horsepower:80..`. */
function condition (text, known) {
  const colon = text.indexOf(':')
  const [name, value] = [text.slice(0, colon), text.slice(colon + 1)]
  const ways = known.get(name)
  if (colon < 0 || ways === undefined || value === '') throw new Refusal(422, `cannot be filtered by ${text}`)
  if (!ways.has('range')) return [name, value]
  if (!/^\d+(\.\.)?$/.test(value)) throw new Refusal(422, `${name} is a number`)
  return [name, parseInt(value)]
}

/** In cents. */
function wholeEuros (amount) {
  if (amount === undefined) return null
  if (!/^\d+$/.test(amount)) throw new Refusal(422, 'expected whole euros')
  return Number(amount) * 100
}

/** What is asked, but for the conditions. */
function read (query) {
  const { category = null, q: text = null, sort = 'newest', facets = 'false', limit = '50' } = query
  const [least, most] = [wholeEuros(query.price_from), wholeEuros(query.price_to)]
  if (!['newest', 'price', 'price_desc'].includes(sort) || (least === null) !== (most === null)) {
    throw new Refusal(422, 'the benchmark gives both prices, and these orders')
  }
  if (!/^([1-9]\d?|100)$/.test(limit)) throw new Refusal(400, 'expected 1 to 100')
  const search = { category, filters: [], text, price: least === null ? null : [least, most], sort }
  return { search, wantsFacets: facets === 'true', limit: Number(limit) }
}

function listingView (row) {
  const [reviews, stars, price, currency] = [row[3], row[4], row[15], row[14]]
  return {
    id: row[0],
    seller_org_id: row[1],
    seller_name: row[2],
    seller_rating: reviews ? { reviews, average_hundredths: Math.floor((200 * stars + reviews) / (2 * reviews)) } : undefined,
    item_id: row[5],
    site_id: row[6] ?? undefined,
    category_id: row[7],
    title: row[8],
    description: row[9],
    language: row[10],
    attributes: row[11],
    compatibility: row[12],
    sale_mode: row[13],
    currency,
    price: price === null ? null : money(price, currency),
    takes_offers: row[16],
    quantity: row[17],
    min_quantity: row[18],
    available: row[19],
    unit: row[20],
    delivery_options: row[21],
    status: row[22],
    status_reason: row[23] ?? undefined,
    submitted_at: row[24] === null ? undefined : time(row[24]),
    relist_of: row[25] ?? undefined,
    published_at: row[26] === null ? null : time(row[26]),
    created_at: time(row[27]),
    pictures: []
  }
}

/** Where the next page begins: what was searched, the key of the last listing and its id. */
function cursor (url, [listing, key]) {
  const number = Buffer.alloc(8)
  if (typeof key === 'number') {
    number.writeDoubleBE(key)
  } else {
    const fraction = (key.split('.')[1] ?? '').replace('+00', '').padEnd(6, '0')
    number.writeBigInt64BE(BigInt(Date.parse(key)) * 1000n + BigInt(fraction.slice(3)))
  }
  const searched = crypto.createHash('sha256').update(url).digest().subarray(0, 8)
  return Buffer.concat([searched, number, Buffer.from(listing.replaceAll('-', ''), 'hex')]).toString('base64url')
}

async function answer (conn, request) {
  const { search, wantsFacets, limit } = read(request.query)
  const where = [request.query.where ?? []].flat()
  const known = new Map()
  if (where.length > 0 || wantsFacets) {
    for (const [name, { filter }] of await run(conn, 'search_filters', [search.category])) {
      known.set(name, (known.get(name) ?? new Set()).add(filter))
    }
  }
  search.filters = where.map((text) => condition(text, known)).sort(([one], [other]) => (one < other ? -1 : 1))
  if (new Set(search.filters.map(([name]) => name)).size < where.length) {
    throw new Refusal(422, 'the benchmark gives an attribute once')
  }
  const found = await find(conn, search, limit + 1)
  let next
  if (found.length > limit) {
    found.pop()
    next = cursor(request.originalUrl, found.at(-1))
  }
  let facets
  if (wantsFacets) {
    const names = [...known].filter(([, ways]) => ways.has('facet')).map(([name]) => name).sort()
    facets = await countFacets(conn, search, names)
  }
  const ids = found.map(([listing]) => listing)
  if ((await run(conn, 'first_pictures', [ids])).length > 0) throw new Refusal(501, "the benchmark's listings have no pictures")
  // What has left since it was found is not shown.
  const rows = (await run(conn, 'read_listings', [ids])).filter((row) => row[22] === 'published' && !row[28])
  return { items: rows.map(listingView), next, facets }
}

/** Answers a search on one connection. */
module.exports = async function searchListings (request, response) {
  const conn = await searching.connect()
  try {
    response.json(await answer(conn, request))
  } finally {
    conn.release()
  }
}
