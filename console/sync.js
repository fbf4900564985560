// Keeps the store in sync with the relay: loads all open handoffs, and applies the changes from the stream, which goes on
// where the first answers were. Loads handoffs that are over page by page when they are needed.

import * as api from "./api.js";
import * as store from "./store.js";
import * as stream from "./stream.js";
import * as threads from "./threads.js";

const PAGE = 200;
/** The first page of each is among the calls of `early-calls.js`. */
const OPEN_LISTS = [{ status: "waiting", sort: "oldest" }, { status: "active" }];

const UNLOADED = { cursor: null, end: null, whole: false, pages: 0, state: "idle" };
/** The lists of handoffs that are over, as far as they are loaded: down to `end` by `created_at`. */
export const past = { missed: { ...UNLOADED }, ended: { ...UNLOADED } };

/** The lists of handoffs that are over will be loaded again from their beginning. */
export function unloadPast() {
  for (const list of Object.values(past)) Object.assign(list, UNLOADED);
}

let loading = null;
let cannedMissing = false;
/** Messages that were announced before their rows came, by id. */
const announced = new Set();

/** The handlers of the stream's events. */
export const handlers = {
  stale: () => load(),
  /** What arrived while there was no connection is not repeated. */
  opened: () => threads.catchUp(store.now.open),
  status(status) {
    store.set("connection", status);
    if (status === "open") loadMissing();
  },
  event(type, data) {
    if (type === "handoff") store.putHandoff(data);
    else if (type === "hidden") hide(data);
    else if (type === "message") {
      threads.putRow(data);
      if (!announced.delete(data.message_id)) store.tell("heard", data);
    } else if (type === "arriving") arrive(data);
    else if (type === "presence") store.tell("presence", data);
    else if (type === "canned_replies") loadCanned();
  },
};

/** A handoff is another team's now. */
function hide({ handoff_id: id, version }) {
  const isKnown = store.handoff(id) !== undefined;
  store.hideHandoff(id, version);
  if (isKnown) store.tell("hidden", id);
}

function arrive(message) {
  if (message.withdrawn) {
    announced.delete(message.message_id);
    if (threads.withdraw(message)) store.tell("withdrawn", message);
    return;
  }
  threads.putArriving(message);
  if (announced.has(message.message_id)) return;
  announced.add(message.message_id);
  store.tell("heard", message);
}

/** Loads everything again. Calls `answered(id)` with the last event that is in the first page of each list. */
export async function load(answered) {
  store.set("queue", "loading");
  loading?.abort();
  loading = new AbortController();
  const { signal } = loading;
  const before = new Set([...store.handoffs()].filter((one) => one.status !== "ended").map((one) => one.id));
  unloadPast();
  store.tell("past");
  loadCanned();
  reloadThread();
  try {
    const seen = await Promise.all(OPEN_LISTS.map((list) => loadAll(list, signal, answered)));
    store.set("queue", "ready");
    for (const id of seen.flat()) before.delete(id);
    await Promise.all([...before].map(refresh));
  } catch {
    if (!signal.aborted) store.set("queue", "failed");
  }
}

/** Loads what could not be loaded before. Needed because the stream may report no gap after a reconnection. */
function loadMissing() {
  if (store.now.queue === "failed") load();
  for (const name of Object.keys(past)) if (past[name].state === "failed") loadMore(name);
  if (cannedMissing) loadCanned();
}

async function loadAll(params, signal, answered) {
  const seen = [];
  for (let cursor = undefined; cursor !== null;) {
    const page = await api.handoffs({ ...params, limit: PAGE, cursor }, signal);
    page.data.forEach(store.putHandoff);
    if (cursor === undefined) answered?.(page.last_event_id);
    seen.push(...page.data.map((one) => one.id));
    cursor = page.next_cursor;
  }
  return seen;
}

/** Loads one handoff again. Returns it, or null if the relay no longer has it. */
export async function refresh(id) {
  try {
    store.putHandoff(await api.oneHandoff(id));
  } catch (error) {
    if (error.status !== 404) throw error;
    store.dropHandoff(id);
  }
  return store.handoff(id) ?? null;
}

async function loadCanned() {
  const list = await api.cannedReplies().catch(() => null);
  cannedMissing = list === null;
  if (list) store.set("canned", list.data);
}

async function reloadThread() {
  const id = store.now.open;
  threads.forget(null);
  if (!id) return;
  const known = store.handoff(id);
  const fresh = await refresh(id).catch(() => store.handoff(id));
  // Only what has ended is deleted.
  if (fresh === null) return store.tell(known?.status === "ended" ? "gone" : "hidden", id);
  if (fresh && store.now.open === id) threads.load(fresh);
  store.tell("thread", id);
}

/** Loads the next page of a list of handoffs that are over: `missed` or `ended`. */
export async function loadMore(name) {
  const list = past[name];
  if (list.whole || list.state === "loading") return;
  list.state = "loading";
  const asked = loading;
  try {
    const page = await api.handoffs({ status: name, limit: PAGE, cursor: list.cursor }, asked?.signal);
    page.data.forEach(store.putHandoff);
    Object.assign(list, {
      cursor: page.next_cursor,
      end: page.data.at(-1)?.created_at ?? list.end,
      whole: page.next_cursor === null,
      pages: list.pages + 1,
      state: "idle",
    });
  } catch {
    if (loading !== asked) return;
    list.state = "failed";
  }
  store.tell("past");
}

/** Starts to follow the relay: from where the older one of the first answers was, or anew if there is none. */
export async function begin() {
  const { me } = store.now;
  const known = [];
  const older = (one, other) => (parseInt(one, 10) <= parseInt(other, 10) ? one : other);
  const follow = () => stream.start(known.every(Boolean) ? known.reduce(older) : null);
  await load((id) => known.push(id) === OPEN_LISTS.length && follow());
  if (known.length < OPEN_LISTS.length && store.now.me === me) stream.start(null);
}

/** Stops following: nobody is signed in. */
export function stop() {
  loading?.abort();
  unloadPast();
}
