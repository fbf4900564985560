// One event stream for all tabs of this browser. The tab that holds the lock reads it and passes events on to the
// others. When that tab closes, the next one gets the lock. Every tab knows the id of the last change it has seen, so
// the next reader continues from there. A tab that finds a gap or receives `reset` loads everything again.

import { checkSilence, follow } from "./sse.js";

const LOCK = "handoff-relay-stream";
const CHECK_MS = 5_000;
/** How long the reading tab may take to answer. It may be frozen, so another tab then takes its place. */
const ANSWER_MS = 4_000;
/** How long the reading tab may be without a connection before the visible tab takes over. */
const PATIENCE_MS = 12_000;
const RETRY_MS = [250, 500, 1000, 2000, 4000, 8000];

const channel = new BroadcastChannel("handoff-relay");
let handlers = null;
/** Aborted when this tab stops following. */
let running = null;
/** Aborted to stop waiting for the lock. */
let place = null;
let reader = false;
let position = null;
let status = "connecting";
let since = Date.now();
let answered = 0;
let wake = () => {};

/** What tabs tell each other of the agent. */
const TOLD = ["signed-in", "signed-out", "session-ended", "duty-changed"];

/** Sets the handlers for what other tabs tell (`TOLD`), and for changes between `start` and `stop`. */
export function listen(given) {
  handlers = given;
}

/**
 * Starts to read the stream behind the event `from`; with null, everything is to be loaded then. `stale()` asks to load everything, `event(type, data)` has a change, `opened()` says that
 * the stream goes on with the next change, and `status(status)` reports `connecting`, `open` or `offline`.
 */
export function start(from) {
  stop();
  position = from;
  running = new AbortController();
  const { signal } = running;
  waitInLine();
  say({ kind: "hello" });
  const timer = setInterval(check, CHECK_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  window.addEventListener("online", retryNow, { signal });
  document.addEventListener("visibilitychange", () => !document.hidden && retryNow(), { signal });
}

/** Stops reading, for example when the agent signs out. */
export function stop() {
  running?.abort();
  [running, reader, position, status, since] = [null, false, null, "connecting", Date.now()];
}

/** Tells the other tabs one of `TOLD`. */
export const tellTabs = (kind) => say({ kind });

/** Whether this tab is the one that reads the stream. */
export const isReader = () => reader;

/** Reconnects at once, without waiting for the next scheduled attempt. */
export function retryNow() {
  checkSilence();
  wake();
  check();
}

/** Checks on the reading tab. If it does not answer or has no connection, this tab takes over. */
function check() {
  if (reader || !running || document.hidden) return;
  if (status !== "open" && Date.now() - since > PATIENCE_MS) return takeLock();
  const asked = Date.now();
  say({ kind: "hello" });
  setTimeout(() => answered < asked && running && !reader && takeLock(), ANSWER_MS);
}

const say = (message) => channel.postMessage(message);

channel.onmessage = ({ data: message }) => {
  if (TOLD.includes(message.kind)) handlers[message.kind]();
  else if (!running) return;
  else if (message.kind === "hello") reader && greet();
  else {
    answered = Date.now();
    if (message.kind === "status") heardStatus(message);
    else take(message);
  }
};

/** Another tab asks, so it is visible: reconnect at once. */
function greet() {
  checkSilence();
  wake();
  say({ kind: "status", status, position });
}

function heardStatus(message) {
  const behind = message.status === "open" && message.position !== position;
  if (behind) position = message.position;
  setStatus(message.status);
  if (behind) handlers.stale();
  else if (message.opened) handlers.opened();
}

function setStatus(now) {
  if (status === now) return;
  [status, since] = [now, Date.now()];
  handlers.status(now);
}

/** Handles a change. */
function take({ type, data, id, after }) {
  const gap = position !== after;
  position = id;
  if (gap || type === "reset") handlers.stale();
  else handlers.event(type, data);
}

function waitInLine() {
  // Locks need a secure context. Without one, each tab reads the stream itself.
  if (!navigator.locks) return void read(running.signal);
  place = new AbortController();
  hold({ signal: AbortSignal.any([running.signal, place.signal]) });
}

function takeLock() {
  if (!navigator.locks) return;
  place.abort();
  hold({ steal: true });
}

/** Reads while this tab holds the lock, then waits for the lock again. */
function hold(options) {
  const [mine, lost] = [running, new AbortController()];
  const signal = AbortSignal.any([mine.signal, lost.signal]);
  navigator.locks
    .request(LOCK, options, () => read(signal))
    .catch(() => {
      const left = options.signal?.aborted ?? false;
      lost.abort();
      if (!left && running === mine) waitInLine();
    });
}

async function read(signal) {
  reader = true;
  let tries = 0;
  while (!signal.aborted) {
    const refused = await follow({
      position,
      signal,
      opened: (id) => {
        tries = 0;
        publish("open", id);
      },
      event: (change) => pass(change),
    });
    if (signal.aborted) break;
    if (refused === 401) {
      // Nobody has signed out here: what the agent has written stays for their next session.
      say({ kind: "session-ended" });
      handlers["session-ended"]();
      break;
    }
    publish("offline", position);
    await pause(RETRY_MS[Math.min(tries, RETRY_MS.length - 1)], signal);
    tries += 1;
  }
  if (running === null || signal.aborted) reader = false;
}

/** Publishes the state of the connection, here and in the other tabs. */
function publish(now, id) {
  const message = { kind: "status", status: now, position: id, opened: now === "open" };
  say(message);
  heardStatus(message);
}

/** What arrives has no id: it changes no position. */
function pass(change) {
  const message = { kind: "event", after: position, ...change, id: change.id ?? position };
  say(message);
  take(message);
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
    signal.addEventListener("abort", resolve, { once: true });
    wake = resolve;
  }).finally(() => (wake = () => {}));
}
