// What the agent has written and the relay has not acknowledged yet. It is kept in the browser until then, and sent
// again with the same key after a broken connection or a reload: nothing is lost, nothing comes twice.

import * as api from "./api.js";
import { changePending, pending } from "./memory.js";
import { now, tell } from "./store.js";
import * as threads from "./threads.js";

/** Behind the relay's memory of keys (24 h) sending again could double a message. */
const KEY_LIVES_MS = 23 * 3600_000;

let items = [];
/** Handoffs of which something is on its way: one after the other, so that the order stays. */
const busy = new Set();

/** Takes up what an earlier page left behind. */
export function begin() {
  items = pending(now.me.name).map((item) => {
    const tooOld = Date.now() - new Date(item.at) > KEY_LIVES_MS;
    return tooOld ? { ...item, error: "It was not sent, and is too old to be sent by itself." } : item;
  });
  sendAll();
}

/** What is on its way in a handoff, oldest first, without what the stream has brought back already. */
export const waiting = (handoff) => items.filter((item) => item.handoff === handoff && !item.row);

/** Sends a text; `mode` is `reply` or `note`. */
export function send(handoff, mode, text) {
  const item = { key: newKey(), handoff, mode, text, at: new Date().toISOString() };
  items.push(item);
  changePending(now.me.name, (list) => [...list, item]);
  tell("pending", handoff);
  sendNext(handoff);
}

/** Sends one again that was refused, behind the others. */
export function again(key) {
  const item = items.find((one) => one.key === key);
  if (!item) return;
  discard(key);
  send(item.handoff, item.mode, item.text);
}

/** Gives up one that was refused. */
export function discard(key) {
  const item = items.find((one) => one.key === key);
  items = items.filter((one) => one !== item);
  changePending(now.me.name, (list) => list.filter((one) => one.key !== key));
  if (item) tell("pending", item.handoff);
}

/** Sends whatever waits, as after a reconnection. */
export function sendAll() {
  for (const handoff of new Set(items.map((item) => item.handoff))) sendNext(handoff);
}

/** Forgets everything on the page; what is stored stays for the next sign-in. */
export function stop() {
  items = [];
}

async function sendNext(handoff) {
  const item = items.find((one) => one.handoff === handoff && !one.error);
  if (!item || busy.has(handoff)) return;
  busy.add(handoff);
  const asked = threads.moment();
  let goesOn = true;
  try {
    const row = await (item.mode === "note" ? api.note : api.write)(handoff, item.text, item.key);
    threads.putAnswer(row, asked);
    discard(item.key);
  } catch (error) {
    goesOn = refused(item, error);
  }
  busy.delete(handoff);
  if (goesOn) sendNext(handoff);
}

/** Notes why it failed. Gives whether the next one may be tried now. */
function refused(item, error) {
  if (error.status === 401) return false;
  if (error.passes) {
    if (error.retryAfter || now.connection === "open")
      setTimeout(() => sendNext(item.handoff), (error.retryAfter ?? 3) * 1000);
    return false;
  }
  Object.assign(item, { error: error.message, row: null });
  tell("pending", item.handoff);
  return true;
}

/**
 * A row of ours that the stream brings before the answer to the request: the row on its way gives its place to it.
 */
export function arrived(row) {
  const text = row.content.body;
  const item = items.find((one) => one.handoff === row.handoff_id && one.text === text && !one.row && !one.error);
  const known = items.some((one) => one.row === row.id);
  if (!item || known) return;
  item.row = row.id;
  tell("pending", item.handoff);
}

/** Random, also where `crypto.randomUUID` is missing: without a secure context. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
