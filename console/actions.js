// An agent's actions on a handoff. The page shows the result at once, and takes it back if the relay refuses.

import * as api from "./api.js";
import { ask } from "./dialogs.js";
import { toast } from "./dom.js";
import { askForReceiver } from "./hand-over.js";
import { handoff, isMine, now, putHandoff, unwish, wish } from "./store.js";
import { refresh } from "./sync.js";
import { moment, putAnswer } from "./threads.js";
import { customer } from "./words.js";

/** Which actions a handoff offers to this agent now. */
export function offered(handoff) {
  const waits = handoff.status === "waiting";
  return {
    accept: waits,
    takeOver: handoff.status === "active" && !isMine(handoff),
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

const toMe = () => ({ status: "active", agent: now.me });

/** Accepts a waiting handoff. Resolves to whether it succeeded. */
export function accept({ id }) {
  return act(id, toMe(), () => api.accept(id));
}

/** Takes a handoff over from another agent, after a confirmation. */
export async function takeOver(asked) {
  const sure = await ask({
    title: `Take over from ${asked.agent.name}?`,
    text: `${asked.agent.name} will no longer be able to write to ${customer(asked)}, and will see that you took over.`,
    yes: "Take over",
  });
  return sure && act(asked.id, toMe(), () => api.accept(asked.id, true));
}

/** Returns a handoff to the queue. */
export async function release({ id }) {
  const done = await act(id, { status: "waiting", agent: null }, () => api.release(id));
  if (done) toast("Returned to the queue.");
}

/** Hands a handoff over to a colleague or a team. */
export async function handOver(asked) {
  let receiver;
  await tried(async () => {
    receiver = await askForReceiver(asked);
    if (receiver === undefined) toast("There is nobody to whom it could be handed over.");
  });
  if (!receiver) return;
  const { agent, team } = receiver;
  const changes = agent ? { status: "active", agent: { name: agent } } : { status: "waiting", agent: null, team };
  const done = await act(asked.id, changes, () => api.handOver(asked.id, receiver));
  if (done) toast(`Handed over to ${agent ?? team}.`);
}

/** Ends a handoff, after a confirmation. */
export async function end(asked) {
  const sure = await ask({
    title: `End the conversation with ${customer(asked)}?`,
    text: "Messages that are still queued are sent first. After that, the AI Agent answers again.",
    yes: "End conversation",
    tone: "bad",
  });
  if (!sure) return;
  const changes = { status: "ended", ended_by: "agent", ended_at: new Date().toISOString(), agent: now.me };
  await act(asked.id, changes, () => api.end(asked.id));
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
