// The threads of handoffs: rows by id, in the order in which people read them. The newest page is loaded first.

import * as api from "./api.js";
import * as arriving from "./arriving.js";
import { now, tell } from "./store.js";

/** Pages of the API. */
const PAGE = 500;
/** How many rows from the end of a long thread are loaded first. */
const TAIL = 100;
/** Threads that stay in memory, the open one included. */
const KEPT = 12;

const threads = new Map();
/** Counts the changes from the stream. An answer that is older than a change must not undo it. */
let heard = 0;

/** A thread that is in memory. */
export const thread = (id) => threads.get(id);

/** A message that waits will have been said after all that has been said, however long it has been waiting. */
const waits = (row) => row.delivery?.state === "queued";

/** Whether one row stands before another. */
export const before = (one, other) => {
  if (waits(one) !== waits(other)) return waits(other);
  return one.at === other.at ? place(one) < place(other) : one.at < other.at;
};

/** A message that arrives will get the next number. */
const place = (row) => row.seq ?? Infinity;

/** Returns a thread from memory, or loads it. */
export function open(handoff) {
  const known = threads.get(handoff.id);
  if (known && known.state !== "failed") {
    threads.delete(handoff.id);
    threads.set(handoff.id, known);
    return known;
  }
  return load(handoff);
}

/** Loads a thread again, whatever is in memory. If that fails, the thread's `error` says why. */
export function load(handoff) {
  const thread = make(handoff.id);
  threads.set(handoff.id, thread);
  for (const id of threads.keys()) {
    if (threads.size > KEPT && id !== now.open) threads.delete(id);
  }
  loadPages(thread, handoff).catch((error) => {
    if (threads.get(thread.id) !== thread) return;
    thread.state = thread.rows.size > 0 ? "ready" : "failed";
    thread.error = error;
    tell("thread", thread.id);
  });
  return thread;
}

/**
 * An empty thread. `withdrawn` has the moment in which each message was; `missed` says that something may have arrived
 * while it was loaded and the stream was not there.
 */
export function make(id) {
  const rows = new Map();
  const rowOf = (messageId) => [...rows.values()].find((row) => !row.arriving && row.message_id === messageId);
  return { id, rows, rowOf, withdrawn: new Map(), state: "loading", missed: false, whole: false, error: null };
}

/** Removes all threads except the given one from memory: they may have missed changes. */
export function forget(except) {
  for (const id of threads.keys()) if (id !== except) threads.delete(id);
}

/** Loads the end first, so that it shows at once, then the earlier pages. */
async function loadPages(thread, handoff) {
  let first = Math.max(0, (handoff.last_message?.seq ?? 0) - TAIL);
  for (let next = first; next !== null;) next = await loadPage(thread, next, PAGE);
  if (thread.missed) await loadPage(thread, lastSeq(thread), PAGE);
  while (first > 0) {
    const after = Math.max(0, first - PAGE);
    await loadPage(thread, after, first - after);
    first = after;
  }
  thread.whole = true;
  tell("thread", thread.id);
}

async function loadPage(thread, after, limit) {
  const asked = heard;
  const page = await api.messages(thread.id, after, limit);
  const fresh = page.data.filter((row) => !((thread.rows.get(row.id)?.heard ?? -1) > asked));
  thread.state = "ready";
  keep(thread, fresh, asked);
  if (page.next_after === null) keepArriving(thread, page.arriving ?? [], asked);
  return page.next_after;
}

function keep(thread, rows, heard, live = false) {
  for (const row of rows) thread.rows.set(row.id, { ...row, heard, live, was: arriving.settle(thread, row) });
  changed(
    thread,
    rows.map((row) => row.id),
  );
}

function changed(thread, rows) {
  if (threads.get(thread.id) === thread) tell("rows", { id: thread.id, rows });
}

function keepArriving(thread, messages, asked) {
  const { fresh, gone } = arriving.update(thread, messages, asked);
  if (fresh.length + gone.length === 0) return;
  changed(thread, [...fresh, ...gone.map((row) => row.id)]);
  for (const row of gone) tell("withdrawn", { handoff_id: thread.id, message_id: row.message_id, withdrawn: "missed" });
}

/** Stores a row from the stream. */
export function putRow(row) {
  heard += 1;
  const thread = threads.get(row.handoff_id);
  if (thread) keep(thread, [row], heard, row.source !== "transcript");
}

/** Stores a message that arrives. */
export function putArriving(message) {
  heard += 1;
  const thread = threads.get(message.handoff_id);
  if (thread) changed(thread, arriving.show(thread, message, heard, true));
}

/** Takes out a message that was withdrawn. Returns whether it was shown. */
export function withdraw({ handoff_id: id, message_id: messageId }) {
  heard += 1;
  const thread = threads.get(id);
  const was = thread ? arriving.withdraw(thread, messageId, heard) : false;
  if (was) changed(thread, [`arriving:${messageId}`]);
  return was;
}

/** Loads again what arrives, where something does and in the thread `open`: what the stream said meanwhile is lost. */
export function catchUp(open) {
  for (const thread of threads.values()) {
    if (thread.state === "loading") thread.missed = true;
    if (thread.state !== "ready" || (thread.id !== open && arriving.all(thread).length === 0)) continue;
    loadPage(thread, lastSeq(thread), PAGE).catch(() => {});
  }
}

const lastSeq = (thread) => Math.max(0, ...[...thread.rows.values()].map((row) => row.seq ?? 0));

/** Stores a row from the answer to a request that was made when `moment()` was `asked`. */
export function putAnswer(row, asked) {
  const thread = threads.get(row.handoff_id);
  if (thread && !((thread.rows.get(row.id)?.heard ?? -1) > asked)) keep(thread, [row], asked);
}

/** The moment of a request, for `putAnswer`. */
export const moment = () => heard;
