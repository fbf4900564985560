// Notices when a conversation stops being this agent's, or becomes theirs, without their doing. What was theirs is stored in
// the browser, so that a reload or a closed page misses nothing. Only the tab that reads the event stream looks.

import * as api from "./api.js";
import { alertTo } from "./attention.js";
import { format, texts } from "./language.js";
import { keepOwned, keptOwned, onOtherTab } from "./memory.js";
import { notify, withdraw } from "./notices.js";
import { handoffs, isMine, now, on, reported } from "./store.js";
import { isReader } from "./stream.js";
import { refresh } from "./sync.js";
import { customer, endWords } from "./words.js";

/** The events of a thread that say whose it is. */
const TELLING = new Set(["accepted", "taken_over", "handed_over", "released", "agent_gone", "timed_out", "ended"]);
const TAIL = 50;

/**
 * By handoff: `{name}` while it is this agent's, with `leaves` while they give it away; with `to` while a colleague has what
 * they handed over. Null before anything is known.
 */
let owned = null;

export function setUp() {
  on("me", () => (owned = null));
  on("handoff", (id) => isReady() && look(id));
  on("hidden", (id) => isReady() && look(id));
  for (const topic of ["queue", "connection"]) on(topic, () => isReady() && lookAtAll());
  onOtherTab("owned", () => (owned = null));
}

const isReady = () => now.me !== null && now.queue === "ready" && now.connection === "open" && isReader();

function known() {
  if (now.me) owned ??= keptOwned(now.me.name);
  return owned;
}

function remember(id, what) {
  if (!now.me) return;
  const { [id]: _, ...others } = known() ?? {};
  owned = what ? { ...others, [id]: what } : others;
  keepOwned(now.me.name, owned);
}

/** Everything is loaded: what has changed meanwhile shows now. */
async function lookAtAll() {
  if (known() === null) {
    // The first time in this browser: nothing was missed.
    owned = Object.fromEntries([...handoffs()].filter(isMine).map((one) => [one.id, { name: customer(one) }]));
    keepOwned(now.me.name, owned);
    return;
  }
  for (const id of Object.keys(known())) {
    if (reported(id)) continue;
    // What can't be asked for now is looked at after the next load.
    const asked = await refresh(id).then(
      () => true,
      () => false,
    );
    if (asked && isReady()) look(id);
  }
  for (const id of [...handoffs()].map((one) => one.id)) look(id);
}

const has = (one, agent) => one?.status === "active" && one.agent.name === agent;

/** Handoffs that are being looked at. */
const busy = new Set();

async function look(id) {
  if (known() === null || busy.has(id)) return;
  const [one, was] = [reported(id), known()[id]];
  const is = one !== undefined && isMine(one);
  const follows = is ? (!was || was.to) && gained : was && (was.to ? !has(one, was.to) && movedOn : lost);
  if (!follows) return;
  busy.add(id);
  // If the relay can't be asked, this is done when it can, or when there is something new: it may have left the sight.
  const done = await follows(id, one, was).then(
    () => true,
    () => false,
  );
  busy.delete(id);
  if ((done || reported(id) !== one) && isReady()) look(id);
}

/** The agent gives a handoff away: what follows from it is no surprise. */
export function leaves(id) {
  const was = known()?.[id];
  if (was) remember(id, { ...was, leaves: true });
}

/** They have not, after all. */
export function stays(id) {
  const was = known()?.[id];
  if (was) remember(id, { name: was.name });
}

/** A colleague has got it. */
export function handedOver(one, to) {
  remember(one.id, { name: customer(one), to });
}

/** What the thread says last of whose a handoff is. */
async function lastEvent(one) {
  const after = Math.max(0, (one.last_message?.seq ?? 0) - 1);
  const page = await api.messages(one.id, after, TAIL);
  return page.data.findLast(({ content }) => content.type === "event" && TELLING.has(content.event))?.content;
}

async function gained(id, one) {
  const event = await lastEvent(one);
  if (!now.me) return;
  const name = customer(one);
  remember(id, { name });
  for (const kind of ["lost", "returned"]) withdraw(id, kind);
  if (event?.event !== "handed_over" || event.by === now.me.name) return;
  notify({ id, kind: "given", words: format(texts.notices.given, { agent: event.by, customer: name }) });
  alertTo(one, texts.alerts.given);
}

async function lost(id, one, { name, leaves }) {
  const event = one && (await lastEvent(one));
  if (!now.me) return;
  if (!known()?.[id]?.to) remember(id, null);
  withdraw(id, "given");
  const wasMe = one ? by(one, event) === now.me.name : leaves;
  if (wasMe) return;
  const words = one ? lostWords(one, name, event) : format(texts.notices.hidden, { customer: name });
  notify({ id, kind: "lost", words });
  if (one) alertTo(one, texts.alerts.lost);
}

/** The events by which an agent gives a handoff away. */
const GIVES = ["released", "handed_over"];

/** Which agent has made it somebody else's, or nobody's. What the relay does to it is no agent's doing. */
const by = (one, event) =>
  one.status === "ended" ? one.ended_by === "agent" && one.agent?.name : GIVES.includes(event?.event) && event.by;

function lostWords(one, name, event) {
  if (one.status === "ended") return format(texts.notices.ended, { customer: name, how: endWords(one) });
  if (event?.event === "agent_gone" && event.by === now.me.name) return format(texts.notices.you_gone, { customer: name });
  // The relay may have moved it since: then the event says how this agent got it.
  if (event && [event.by, event.to].includes(now.me.name)) event = null;
  const told = event && { agent: event.by, customer: name, to: event.to };
  if (event?.event === "taken_over") return format(texts.notices.taken_over, told);
  if (event?.event === "handed_over") return format(texts.notices.handed_over, told);
  if (event?.event === "released") return format(texts.notices.released, told);
  if (one.status === "waiting") return format(texts.notices.waiting, { customer: name });
  return format(texts.notices.moved, { agent: one.agent.name, customer: name });
}

/** A handoff that this agent handed over to a colleague may be somebody else's now. */
async function movedOn(id, one, { name, to }) {
  const event = one?.status === "waiting" && (await lastEvent(one));
  if (!now.me) return;
  remember(id, null);
  if (!event || event.by !== to || !["released", "agent_gone"].includes(event.event)) return;
  const text = event.event === "released" ? texts.notices.given_back : texts.notices.gone;
  notify({ id, kind: "returned", words: format(text, { agent: to, customer: name }) });
  alertTo(one, texts.alerts.returned);
}
