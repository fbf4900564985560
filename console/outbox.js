// Messages and files that the relay has not acknowledged yet. The browser stores texts until then. After a broken
// connection or a reload, it sends them again with the same key, so that nothing is lost and nothing arrives twice.
// Files are sent again only while the page is open. After a reload, only the name is left, to show that the upload was
// interrupted.

import * as api from "./api.js";
import { announce } from "./dom.js";
import { isolated } from "./file-kinds.js";
import { format, texts } from "./language.js";
import { changePending, changeUploads, pending, uploads } from "./memory.js";
import { now, tell } from "./store.js";
import * as threads from "./threads.js";
import { upload } from "./upload.js";

/** The relay remembers keys for 24 h. After that, sending again could duplicate a message. */
const KEY_LIVES_MS = 23 * 3600_000;
/** How often an upload is tried automatically. The relay may close the connection of an upload that it refuses. */
const TRIES = 4;

/** These statuses refuse the file itself: another try would fail too. */
const REFUSES_FILE = [413, 415];

let items = [];
/** Handoffs with a request under way. Each has one request at a time, so that messages keep their order. */
const busy = new Set();
/** The ids of rows that our requests have created. */
const answered = new Set();

/** Restores what was unsent before a reload. */
export function begin() {
  const messages = pending(now.me.name).map((item) => {
    const tooOld = Date.now() - new Date(item.at) > KEY_LIVES_MS;
    return tooOld ? { ...item, error: texts.thread.too_old } : item;
  });
  const files = uploads(now.me.name).map((item) => ({ ...item, error: texts.files.interrupted, final: true }));
  items = [...messages, ...files];
  for (const item of items) if (item.error) tell("refused", item);
  sendAll();
}

/** The pending items of a handoff, oldest first, without those that the event stream has delivered already. */
export const waiting = (handoff) => items.filter((item) => item.handoff === handoff && !item.row);

/** Whether the relay has refused an item. */
export const isRefused = (key) => items.some((item) => item.key === key && item.error);

/** How many files would be lost if the page were closed. */
export const filesOnTheirWay = () => items.filter((item) => item.blob && !item.error).length;

/** Sends a text; `mode` is `reply` or `note`. */
export const send = (handoff, mode, text) => put({ key: newKey(), handoff, mode, text });

/** Sends a file. `preview` is the address of an image for the page, which is revoked when it is no longer needed. */
export function sendFile(handoff, { file: blob, name, preview }) {
  const file = { filename: name, mime_type: blob.type, size: blob.size };
  put({ key: newKey(), handoff, mode: "reply", file, blob, preview });
}

function put(item) {
  Object.assign(item, { at: new Date().toISOString(), error: null, note: null, part: 0, tries: 0 });
  items.push(item);
  const { key, handoff, mode, at, text, file } = item;
  change(item, (list) => [...list, { key, handoff, mode, at, text, file }]);
  tell("pending", handoff);
  sendNext(handoff);
}

const change = (item, how) => (item.file ? changeUploads : changePending)(now.me.name, how);

/** Sends a refused item again, after the others. */
export function again(key) {
  const item = items.find((one) => one.key === key);
  if (!item) return;
  forget(item);
  // A file keeps its key. If the relay has it already, the same key prevents a duplicate.
  put(item.file ? item : { ...item, key: newKey() });
}

/** Drops a refused item, or stops the upload of a file. */
export function discard(key) {
  const item = items.find((one) => one.key === key);
  if (!item) return;
  item.stop?.abort();
  forget(item);
  if (item.preview) URL.revokeObjectURL(item.preview);
  tell("pending", item.handoff);
}

function forget(item) {
  items = items.filter((one) => one !== item);
  change(item, (list) => list.filter((one) => one.key !== item.key));
}

/** Sends all pending items, for example after a reconnection. */
export function sendAll() {
  for (const handoff of new Set(items.map((item) => item.handoff))) sendNext(handoff);
}

/** Removes all items from the page. Stored texts stay for the next sign-in. */
export function stop() {
  for (const item of items) {
    item.stop?.abort();
    if (item.preview) URL.revokeObjectURL(item.preview);
  }
  items = [];
  answered.clear();
}

async function sendNext(handoff) {
  const item = items.find((one) => one.handoff === handoff && !one.error);
  if (!item || busy.has(handoff)) return;
  busy.add(handoff);
  const asked = threads.moment();
  let goesOn = true;
  try {
    const row = await request(item);
    answered.add(row.id);
    threads.putAnswer(row, asked);
    discard(item.key);
    if (item.file) announce(format(texts.files.uploaded, { name: isolated(item.file.filename) }));
  } catch (error) {
    if (items.includes(item)) goesOn = refused(item, error);
  }
  busy.delete(handoff);
  if (goesOn) sendNext(handoff);
}

function request(item) {
  const { handoff, text, key, blob } = item;
  if (!item.file) return (item.mode === "note" ? api.note : api.write)(handoff, text, key);
  item.stop = new AbortController();
  Object.assign(item, { note: null, part: 0 });
  tell("pending", handoff);
  const progress = (part) => {
    item.part = part;
    tell("progress", item);
  };
  return upload(handoff, { blob, name: item.file.filename }, { key, signal: item.stop.signal, progress });
}

/** Records why an item failed. Returns whether the next one may be tried now. */
function refused(item, error) {
  if (error.status === 401) return false;
  if (error.passes && (!item.file || waits(item, error))) {
    if (error.retryAfter || now.connection === "open")
      setTimeout(() => sendNext(item.handoff), (error.retryAfter ?? 3) * 1000);
    return false;
  }
  Object.assign(item, { error: error.message, row: null, final: REFUSES_FILE.includes(error.status) });
  if (item.file) announce(format(texts.files.failed, { name: isolated(item.file.filename), error: error.message }));
  tell("pending", item.handoff);
  tell("refused", item);
  return true;
}

/** Schedules another try for a file, and shows why. Returns false if it failed too often with the relay reachable. */
function waits(item, error) {
  if (!error.retryAfter && now.connection === "open") item.tries += 1;
  Object.assign(item, { note: format(texts.files.again_soon, { error: error.message }), part: 0, row: null });
  tell("pending", item.handoff);
  return item.tries < TRIES;
}

/**
 * The event stream delivers one of our rows before the request's answer arrives: the row replaces the pending item.
 */
export function arrived(row) {
  const is = ({ text, file }) => (file ? file.size === row.content.size : text === row.content.body);
  const item = items.find((one) => one.handoff === row.handoff_id && is(one) && !one.row && !one.error);
  const known = answered.has(row.id) || items.some((one) => one.row === row.id);
  // An incomplete upload can't have become this row.
  if (!item || known || (item.file && item.part < 1)) return;
  item.row = row.id;
  tell("pending", item.handoff);
}

/** A random key. `crypto.randomUUID` needs a secure context, so it is not used. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
