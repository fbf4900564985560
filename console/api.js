// The agent API, call by call. Other desks can use the same API: see /api/docs.

import { format, texts } from "./language.js";
import { wellFormed } from "./words.js";

const TIMEOUT_MS = 20_000;

/** A refusal by the relay, or status 0 if the relay could not be reached. */
export class Problem extends Error {
  constructor(status, detail, retryAfter = null) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed later: there was no answer, or the error is temporary. */
  get passes() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** The calls that `early-calls.js` has made, by path. They are for the page's beginning: none outlives its session. */
const early = globalThis.earlyCalls ?? new Map();

function takeEarly(method, path) {
  const call = early.get(path);
  if (method === "GET") early.delete(path);
  else early.clear();
  return call;
}

let signedOut = () => {};

/** Sets what happens when the session is no longer valid. */
export function onSignedOut(action) {
  signedOut = action;
}

/** Makes a `Problem` of an error response. `body` is its problem document, if it has one. */
export function refusal(path, status, body, retryAfter) {
  if (status === 401 && path !== "session") signedOut();
  const detail = body?.detail ?? format(texts.common.answered_status, { status: String(status) });
  return new Problem(status, sentence(detail), Number(retryAfter) || null);
}

/** The `Problem` for a request that got no answer. */
export const unreachable = () => new Problem(0, texts.common.unreachable);

function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

async function call(method, path, { body, key, signal, keepalive } = {}) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  const given = signal ? [signal] : [];
  const options = {
    method,
    headers,
    cache: "no-store",
    keepalive,
    signal: AbortSignal.any([...given, AbortSignal.timeout(TIMEOUT_MS)]),
  };
  if (body !== undefined)
    options.body = JSON.stringify(body, (_, value) => (typeof value === "string" ? wellFormed(value) : value));
  let response;
  try {
    response = await (takeEarly(method, path) ?? fetch(`/api/${path}`, options));
    if (response.ok) {
      const answer = response.status === 204 ? null : await response.json();
      options.signal.throwIfAborted();
      return answer;
    }
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unreachable();
  }
  early.clear();
  const said = await response.json().catch(() => null);
  throw refusal(path, response.status, said, response.headers.get("retry-after"));
}

const query = (params) => {
  const given = Object.entries(params).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return new URLSearchParams(given).toString();
};
const handoff = (id, rest = "") => `handoffs/${encodeURIComponent(id)}${rest}`;
const row = (id, rowId, rest = "") => handoff(id, `/messages/${encodeURIComponent(rowId)}${rest}`);

/** Who is signed in. */
export const session = () => call("GET", "session");
/** Signs in with `{token}` or `{code}`. */
export const signIn = (proof) => call("POST", "session", { body: proof });
export const signOut = () => call("DELETE", "session");

/** A page of handoffs. */
export const handoffs = (params, signal) => call("GET", `handoffs?${query(params)}`, { signal });
export const oneHandoff = (id) => call("GET", handoff(id));
/** A page of a thread's rows, after the `seq` `after`. */
export const messages = (id, after, limit) => call("GET", handoff(id, `/messages?${query({ after, limit })}`));
/** The address of a conversation's transcript. */
export const transcriptUrl = (id) => `/api/${handoff(id, "/transcript")}`;

export const accept = (id, takeOver = false) => call("POST", handoff(id, "/accept"), { body: { take_over: takeOver } });
/** Declines a handoff that is offered to the agent. */
export const decline = (id) => call("POST", handoff(id, "/decline"));
/** Returns a handoff to its queue, with a `note` or without. */
export const release = (id, note) => call("POST", handoff(id, "/release"), { body: { note } });
/** Hands a handoff over to `{agent}` or to `{team}`, with a `note` or without. */
export const handOver = (id, receiver) => call("POST", handoff(id, "/hand-over"), { body: receiver });
/** Ends a handoff, with an `outcome` and a `note` or without. */
export const end = (id, ending) => call("POST", handoff(id, "/end"), { body: ending });
/** Says whether the agent is `looking` at a handoff, `writing` in it, or neither (`none`). Gives who else is there. */
export const present = (id, state) =>
  call("PUT", handoff(id, "/presence"), { body: { state }, keepalive: state === "none" });
export const read = (id, seq) => call("POST", handoff(id, "/read"), { body: { seq } });
/** Sends a message to the end user. Requests with the same `key` send it only once. */
export const write = (id, text, key) => call("POST", handoff(id, "/messages"), { body: { text }, key });
/** The path to which a file for the end user is posted, as a form with `file`. */
export const filesPath = (id) => handoff(id, "/files");
/** Writes a note, for agents only. */
export const note = (id, text, key) => call("POST", handoff(id, "/notes"), { body: { text }, key });
/** Sends a failed message again, or downloads a failed file again. */
export const retry = (id, rowId) => call("POST", row(id, rowId, "/retry"));
export const drop = (id, rowId) => call("DELETE", row(id, rowId));

/** Says whether the agent takes handoffs: `on` or `away`. */
export const setDuty = (state) => call("PUT", "session/duty", { body: { state } });
export const agents = () => call("GET", "agents");
export const teams = () => call("GET", "teams");

/** How it stands now, for those who see all handoffs. */
export const reportOfNow = () => call("GET", "reports/now");
/** How a day went by the clocks of a time zone: today, if no day is named. */
export const reportOfDay = (date, zone) => call("GET", `reports/day?${query({ date, time_zone: zone })}`);
/** The address of the same as CSV. */
export const reportUrl = (date, zone) => `/api/reports/day.csv?${query({ date, time_zone: zone })}`;

/** The agent platforms, and how they are doing. */
export const platforms = () => call("GET", "platforms");

export const cannedReplies = () => call("GET", "canned-replies");
export const addCannedReply = (reply) => call("POST", "canned-replies", { body: reply });
export const saveCannedReply = (id, reply) => call("PUT", `canned-replies/${encodeURIComponent(id)}`, { body: reply });
export const deleteCannedReply = (id) => call("DELETE", `canned-replies/${encodeURIComponent(id)}`);
