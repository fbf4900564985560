// An agent's actions on a handoff. The page shows the result at once, and takes it back if the relay refuses.

import * as api from "./api.js";
import { labelled } from "./combinations.js";
import { ask } from "./dialogs.js";
import { h, toast } from "./dom.js";
import { askForEnding } from "./end-dialog.js";
import { askForReceiver } from "./hand-over.js";
import { format, texts } from "./language.js";
import { arranged, lists } from "./lists.js";
import { draft, keepDraft } from "./memory.js";
import { isOfferedToMe, offer, offeredToOther } from "./offers.js";
import * as ownership from "./ownership.js";
import { handoff, isMine, now, putHandoff, tell, unwish, wish } from "./store.js";
import { refresh } from "./sync.js";
import { moment, putAnswer } from "./threads.js";
import { span } from "./time.js";
import { customer } from "./words.js";

/** Which actions a handoff offers to this agent now. */
export function offered(handoff) {
  const waits = handoff.status === "waiting";
  const toOther = offeredToOther(handoff) !== null;
  return {
    accept: waits && !toOther,
    takeOver: toOther || (handoff.status === "active" && !isMine(handoff)),
    decline: isOfferedToMe(handoff),
    release: isMine(handoff),
    handOver: waits || isMine(handoff),
    end: waits || isMine(handoff),
  };
}

async function act(id, changes, request) {
  wish(id, changes);
  try {
    putHandoff(await request());
    return true;
  } catch (error) {
    toast(error.message, "bad");
    refresh(id).catch(() => {});
    return false;
  } finally {
    unwish(id, changes);
  }
}

/** An action by which the agent gives a handoff away. If it is refused, its note stays a draft. */
async function giveAway(id, changes, request, note) {
  const { me } = now;
  ownership.leaves(id);
  const done = await act(id, changes, request);
  if (done) return true;
  ownership.stays(id);
  if (note) {
    keepDraft(me.name, id, "note", [draft(me.name, id, "note"), note].filter(Boolean).join("\n\n"));
    tell("note-kept", id);
  }
  return false;
}

const toMe = () => ({ status: "active", agent: now.me });

/** Accepts a waiting handoff. Resolves to whether it succeeded. */
export function accept({ id }) {
  return act(id, toMe(), () => api.accept(id));
}

/** Declines a handoff that is offered to the agent: somebody else is asked, or it waits for anybody. */
export async function decline({ id }) {
  const done = await act(id, { offer: null }, () => api.decline(id));
  if (done) toast(texts.actions.declined);
}

/** Takes a handoff over from the agent who has it, or to whom it is offered, after a confirmation. */
export async function takeOver(asked) {
  const { name } = (offer(asked) ?? asked).agent;
  const loses =
    asked.status === "waiting"
      ? format(texts.take_over.offered, { agent: name })
      : format(texts.take_over.loses, { agent: name, customer: customer(asked) });
  const title = format(texts.take_over.title, { agent: name });
  const sure = await ask({ title, text: loses, yes: texts.buttons.takeOver });
  return sure && act(asked.id, toMe(), () => api.accept(asked.id, true));
}

const WAITS = { status: "waiting", agent: null };

/** Returns a handoff to the queue. */
export async function release({ id }) {
  const done = await giveAway(id, { ...WAITS }, () => api.release(id));
  if (done) toast(texts.actions.released);
}

/** Returns a handoff that somebody has handed over to the agent, who may say why. Resolves to whether it succeeded. */
export async function giveBack(asked) {
  const note = h("textarea", { id: "give-back-note", maxlength: 50000, rows: 3, dir: "auto", autofocus: true });
  const sure = await ask({
    title: format(texts.give_back.title, { customer: customer(asked) }),
    text: texts.give_back.about,
    fields: [h("label", { for: "give-back-note" }, texts.common.note_for_colleagues), note],
    yes: texts.give_back.yes,
  });
  if (!sure) return false;
  const said = note.value.trim() || undefined;
  const done = await giveAway(asked.id, { ...WAITS }, () => api.release(asked.id, said), said);
  if (done) toast(texts.actions.released);
  return done;
}

/** Hands a handoff over to a colleague or a team. */
export async function handOver(asked) {
  let receiver;
  await tried(async () => {
    receiver = await askForReceiver(asked);
    if (receiver === undefined) toast(texts.hand_over.nobody);
  });
  if (!receiver) return;
  const { agent, team } = receiver;
  const changes = agent ? { status: "active", agent: { name: agent } } : { ...WAITS, team };
  const done = await giveAway(asked.id, changes, () => api.handOver(asked.id, receiver), receiver.note);
  if (!done) return;
  if (agent) ownership.handedOver(asked, agent);
  toast(format(texts.hand_over.done, { to: agent ?? team }));
}

/** Ends a handoff, after a confirmation, and offers the next one. */
export async function end(asked) {
  const ending = await askForEnding(asked);
  if (!ending) return;
  const { outcome } = ending;
  const changes = { status: "ended", ended_by: "agent", ended_at: new Date().toISOString(), agent: now.me, outcome };
  const done = await giveAway(asked.id, changes, () => api.end(asked.id, ending), ending.note);
  const next = done && nextWaiting();
  if (!next) return;
  const words = format(texts.end.next, { customer: customer(next), time: span(next.created_at) });
  toast(words, "plain", { label: labelled(texts.end.open_next, "next"), name: "next", act: openNext });
}

/** The first of the waiting list, as the agent has filtered and sorted it, that isn't offered to a colleague. */
const nextWaiting = () => arranged("waiting").find((one) => offeredToOther(one) === null);

/** Opens it. */
export function openNext() {
  const next = nextWaiting();
  if (next) location.hash = `#/c/${next.id}`;
  else toast(texts.actions.nobody_waits);
}

/**
 * Opens the next conversation in which somebody waits for this agent: first what is offered to them, then their own, the longest
 * wait for an answer first. The open one comes last.
 */
export function openUnanswered() {
  const { waiting, mine } = lists();
  const since = (one) => one.waiting_for_answer_since;
  const unanswered = mine.filter(since).sort((one, other) => (since(one) < since(other) ? -1 : 1));
  const all = [...waiting.filter(isOfferedToMe), ...unanswered];
  const next = all.find(({ id }) => id !== now.open) ?? all[0];
  if (next) location.hash = `#/c/${next.id}`;
  else toast(texts.actions.all_answered);
}

/** Accepts a handoff or takes it over, so that the agent can answer. */
export function answerable(id) {
  const asked = handoff(id);
  if (!asked) return;
  const may = offered(asked);
  if (may.accept) return accept(asked);
  if (may.takeOver) return takeOver(asked);
}

/** Sends a failed message again, or downloads a failed file again. */
export async function retry(row) {
  const asked = moment();
  await tried(async () => putAnswer(await api.retry(row.handoff_id, row.id), asked));
}

/** Drops a failed message. */
export async function drop(row) {
  const asked = moment();
  await tried(async () => {
    await api.drop(row.handoff_id, row.id);
    putAnswer({ ...row, delivery: { state: "dropped", error: null } }, asked);
  });
}

async function tried(request) {
  try {
    await request();
  } catch (error) {
    toast(error.message, "bad");
  }
}
