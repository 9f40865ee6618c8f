// A whole bid through the generated client: two traders register, an administrator approves them, one sells, the other bids.

import { randomUUID } from "node:crypto";
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "../generated/api.js";

type Api = Client<paths>;
type Money = components["schemas"]["Money"];

interface Trader {
  api: Api;
  org: string;
}

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

const baseUrl = setting("CONTRACT_BASE");
const mailbox = setting("CONTRACT_MAILBOX");
const anonymous = createClient<paths>({ baseUrl });

/** The answer's body; a refusal ends the run with its code. */
function must<T>(what: string, answer: { data?: T; error?: unknown; response: Response }): T {
  if (!answer.response.ok) throw new Error(`${what}: ${answer.response.status} ${JSON.stringify(answer.error)}`);
  return answer.data as T;
}

async function logIn(email: string, password: string): Promise<Api> {
  const session = must("log in", await anonymous.POST("/v1/auth/login", { body: { email, password } }));
  const api = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${session.access_token}` } });
  return api;
}

/** The token in the verification mail, once it has arrived. */
async function verification(email: string): Promise<string> {
  const end = Date.now() + 60_000;
  while (Date.now() < end) {
    const list = (await (await fetch(`${mailbox}/messages.json?to=${email}`)).json()) as { messages: { id: string }[] };
    for (const { id } of list.messages) {
      const text = await (await fetch(`${mailbox}/messages/${id}/message.json`)).text();
      const token = /token=([A-Za-z0-9_-]+)/.exec(text)?.[1];
      if (token !== undefined) return token;
    }
    await new Promise((again) => setTimeout(again, 100));
  }
  throw new Error(`no mail to ${email} within a minute`);
}

async function trader(name: string, admin: Api): Promise<Trader> {
  const email = `${name.toLowerCase()}@client.example`;
  const password = "correct horse battery";
  must("register", await anonymous.POST("/v1/auth/register", { body: { email, name, password } }));
  const token = await verification(email);
  must("verify", await anonymous.POST("/v1/auth/verify-email", { body: { token, password } }));
  const api = await logIn(email, password);
  const founded = must(
    "found an organisation",
    await api.POST("/v1/orgs", {
      body: { legal_name: `${name} Trading`, kinds: ["seller", "buyer"], time_zone: "Europe/Berlin" },
    }),
  );
  const params = { path: { org: founded.id } };
  const approved = must("approve it", await admin.POST("/v1/orgs/{org}/approve", { params }));
  // What the compiler takes for the only values is what comes over the wire.
  const status: "pending" | "approved" | "rejected" | "suspended" = approved.status;
  if (status !== "approved") throw new Error(`approved, and yet ${status}`);
  return { api, org: founded.id };
}

async function sell({ api }: Trader, opening: Money): Promise<string> {
  const { items } = must("list the categories", await api.GET("/v1/categories"));
  const category = items.find(({ attribute_schema }) => !("required" in attribute_schema));
  if (category === undefined) throw new Error("there is no category without required attributes");
  const item = must(
    "add an item",
    await api.POST("/v1/items", { body: { category_id: category.id, sku: "client-1", title: "A crate" } }),
  );
  const listing = must(
    "draft a listing",
    await api.POST("/v1/listings", {
      body: { item_id: item.id, title: "A crate", sale_mode: "auction", currency: opening.currency },
    }),
  );
  const params = { path: { listing: listing.id } };
  must("publish it", await api.POST("/v1/listings/{listing}/publish", { params }));
  const ends_at = new Date(Date.now() + 86_400_000).toISOString();
  const body = { ends_at, opening };
  return must("auction it", await api.POST("/v1/listings/{listing}/auctions", { params, body })).id;
}

const admin = await logIn(setting("CONTRACT_EMAIL"), setting("CONTRACT_PASSWORD"));
const seller = await trader("Sally", admin);
const buyer = await trader("Bertram", admin);
const auction = await sell(seller, { amount: "10.00", currency: "EUR" });

const bid = async (amount: string) =>
  buyer.api.POST("/v1/auctions/{auction}/bids", {
    params: { path: { auction }, header: { "Idempotency-Key": randomUUID() } },
    body: { maximum: { amount, currency: "EUR" } },
  });

const low = await bid("9.99");
// The error codes are known to the compiler as well.
if (low.error?.code !== "bid_too_low") throw new Error(`a bid below the opening price: ${JSON.stringify(low)}`);
const placed = must("bid", await bid("25.00"));
if (placed.outcome !== "leads") throw new Error(`the only bid ${placed.outcome}`);
const seen = must("look at the auction", await anonymous.GET("/v1/auctions/{auction}", { params: { path: { auction } } }));
if (seen.bid_count !== 1 || seen.price.amount !== "10.00") throw new Error(`seen: ${JSON.stringify(seen)}`);
console.log(`${placed.id} leads at ${seen.price.amount} ${seen.price.currency}`);
