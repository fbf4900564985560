// What the agent has written and the relay has not acknowledged yet. Texts are kept in the browser until then, and sent
// again with the same key after a broken connection or a reload: nothing is lost, nothing comes twice. Files are sent
// again likewise while the page is open; of one that a reload has interrupted only the name is left, to say so.

import * as api from "./api.js";
import { announce } from "./dom.js";
import { isolated } from "./file-kinds.js";
import { changePending, changeUploads, pending, uploads } from "./memory.js";
import { now, tell } from "./store.js";
import * as threads from "./threads.js";
import { upload } from "./upload.js";

/** Behind the relay's memory of keys (24 h) sending again could double a message. */
const KEY_LIVES_MS = 23 * 3600_000;
/** How often a file is tried by itself. The relay may cut an upload off that it doesn't want. */
const TRIES = 4;

/** What refuses a file for what it is: another try would end the same. */
const REFUSES_FILE = [413, 415];

let items = [];
/** Handoffs of which something is on its way: one after the other, so that the order stays. */
const busy = new Set();
/** Rows that ours have become. */
const answered = new Set();

/** Takes up what an earlier page left behind. */
export function begin() {
  const texts = pending(now.me.name).map((item) => {
    const tooOld = Date.now() - new Date(item.at) > KEY_LIVES_MS;
    return tooOld ? { ...item, error: "It was not sent, and is too old to be sent by itself." } : item;
  });
  const interrupted = "The upload was interrupted. If the file doesn't stand above, attach it again.";
  const files = uploads(now.me.name).map((item) => ({ ...item, error: interrupted, final: true }));
  items = [...texts, ...files];
  sendAll();
}

/** What is on its way in a handoff, oldest first, without what the stream has brought back already. */
export const waiting = (handoff) => items.filter((item) => item.handoff === handoff && !item.row);

/** How many files would be lost with the page. */
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

/** Sends one again that was refused, behind the others. */
export function again(key) {
  const item = items.find((one) => one.key === key);
  if (!item) return;
  forget(item);
  // A file that was refused, or got no answer, has become no row: under the same key it can't become two.
  put(item.file ? item : { ...item, key: newKey() });
}

/** Gives up one that was refused, or stops the upload of a file. */
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

/** Sends whatever waits, as after a reconnection. */
export function sendAll() {
  for (const handoff of new Set(items.map((item) => item.handoff))) sendNext(handoff);
}

/** Forgets everything on the page; the texts that are stored stay for the next sign-in. */
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
    if (item.file) announce(`${isolated(item.file.filename)}: uploaded`);
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

/** Notes why it failed. Gives whether the next one may be tried now. */
function refused(item, error) {
  if (error.status === 401) return false;
  if (error.passes && (!item.file || waits(item, error))) {
    if (error.retryAfter || now.connection === "open")
      setTimeout(() => sendNext(item.handoff), (error.retryAfter ?? 3) * 1000);
    return false;
  }
  Object.assign(item, { error: error.message, row: null, final: REFUSES_FILE.includes(error.status) });
  if (item.file) announce(`${isolated(item.file.filename)}: failed. ${error.message}`);
  tell("pending", item.handoff);
  return true;
}

/** Has a file wait for its next turn, and say why. One that has failed often, though the relay is there, waits no more. */
function waits(item, error) {
  if (!error.retryAfter && now.connection === "open") item.tries += 1;
  Object.assign(item, { note: `${error.message} Trying again…`, part: 0, row: null });
  tell("pending", item.handoff);
  return item.tries < TRIES;
}

/**
 * A row of ours that the stream brings before the answer to the request: the row on its way gives its place to it.
 */
export function arrived(row) {
  const is = ({ text, file }) => (file ? file.size === row.content.size : text === row.content.body);
  const item = items.find((one) => one.handoff === row.handoff_id && is(one) && !one.row && !one.error);
  const known = answered.has(row.id) || items.some((one) => one.row === row.id);
  // What has not left whole is another one.
  if (!item || known || (item.file && item.part < 1)) return;
  item.row = row.id;
  tell("pending", item.handoff);
}

/** Random, also where `crypto.randomUUID` is missing: without a secure context. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
