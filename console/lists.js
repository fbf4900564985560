// The queue's lists, and the search results.

import * as api from "./api.js";
import { ORDERS, fitting, orderOf } from "./filters.js";
import { isOfferedToMe } from "./offers.js";
import { past, unloadPast } from "./sync.js";
import * as store from "./store.js";

/** The lists by name: which handoffs they have, and the orders that they may have. */
export const LISTS = {
  waiting: {
    has: (one) => one.status === "waiting",
    orders: ["longest", "newest"],
  },
  mine: {
    has: store.isMine,
    orders: ["latest", "answer", "longest", "newest"],
  },
  everyone: {
    has: (one) => one.status === "active",
    orders: ["latest", "answer", "longest", "newest"],
  },
  missed: {
    has: (one) => one.missed && isLoaded(one, past.missed),
    orders: ["newest"],
  },
  ended: {
    has: (one) => one.status === "ended" && !one.missed && isLoaded(one, past.ended),
    orders: ["newest"],
  },
};

/** Older handoffs appear once their page is loaded. */
const isLoaded = (one, { whole, end }) => whole || (end !== null && one.created_at >= end);

let derived = { revision: null };

/** The handoffs of all lists. */
export function lists() {
  const loaded = Object.values(past).map(({ end, whole }) => `${end} ${whole}`);
  const revision = [store.handoffsRevision(), ...loaded, store.now.me?.name].join();
  if (derived.revision === revision) return derived;
  derived = { revision };
  const all = [...store.handoffs()];
  derived.over = all.filter((one) => one.status === "ended");
  for (const [name, list] of Object.entries(LISTS)) derived[name] = all.filter(list.has);
  return derived;
}

/** A list as it is shown: filtered, and in its order. What is offered to the agent stands first, whatever the filters. */
export function arranged(name) {
  const order = ORDERS[orderOf(name, LISTS[name].orders)];
  const all = lists()[name];
  const mine = all.filter(isOfferedToMe);
  const others = fitting(all).filter((one) => !mine.includes(one));
  return [...mine.toSorted(order.by), ...others.toSorted(order.by)];
}

/** Ended handoffs that stay in memory while no list shows them: the last ones, because late events may be about them. */
const ENDED_KEPT = 200;

/** Once there are twice as many, removes the others, unless the agent looks at ended ones in the list `name` or a search. */
export function forgetEnded(name) {
  const { over } = lists();
  const isNeeded = past[name] || search.text || Object.values(past).some(({ state }) => state === "loading");
  if (over.length < 2 * ENDED_KEPT || isNeeded) return;
  const lastFirst = over.toSorted((one, other) => (one.ended_at < other.ended_at ? 1 : -1));
  for (const { id } of lastFirst.slice(ENDED_KEPT)) if (id !== store.now.open) store.forgetHandoff(id);
  unloadPast();
}

const SEARCH_PAGE = 100;

/** A search before its first page; `ids` are in the relay's order, `found` says for each where the text is. */
const newSearch = (text) => ({ text, ids: [], found: new Map(), cursor: null, whole: false, pages: 0, state: "idle" });

/** The current search. */
export const search = newSearch("");
let searching = null;

/** Searches all handoffs; an empty text ends the search. */
export async function searchFor(text) {
  searching?.abort();
  searching = new AbortController();
  Object.assign(search, newSearch(text));
  if (text) await searchOn();
  else store.tell("search");
}

/** Finds the next page. */
export async function searchOn() {
  if (search.state === "loading" || search.whole) return;
  search.state = "loading";
  store.tell("search");
  const { signal } = searching;
  try {
    const page = await api.handoffs({ q: search.text, limit: SEARCH_PAGE, cursor: search.cursor }, signal);
    page.data.forEach(store.putHandoff);
    search.ids.push(...page.data.map((one) => one.id));
    for (const { id, found } of page.data) if (found) search.found.set(id, found);
    const { next_cursor: cursor } = page;
    Object.assign(search, { cursor, whole: cursor === null, pages: search.pages + 1, state: "idle" });
  } catch {
    if (signal.aborted) return;
    search.state = "failed";
  }
  store.tell("search");
}

/** What the search has found so far. */
export const found = () => search.ids.map(store.handoff).filter(Boolean);

/** Whether the known handoffs have different values in a field, so that the lists show it. */
export function several(field) {
  const revision = store.handoffsRevision();
  if (differs.revision !== revision) {
    differs.revision = revision;
    for (const name of ["ai_agent_domain", "team"]) {
      differs[name] = new Set([...store.handoffs()].map((one) => one[name])).size > 1;
    }
  }
  return differs[field];
}
const differs = { revision: null };
