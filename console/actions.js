// What an agent does with a handoff. Each shows at once, and corrects itself if the relay refuses.

import * as api from "./api.js";
import { ask } from "./dialogs.js";
import { toast } from "./dom.js";
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

/** Takes a waiting handoff. Resolves to whether it went well. */
export function accept({ id }) {
  return act(id, toMe(), () => api.accept(id));
}

/** Takes a handoff from another agent, after a question. */
export async function takeOver(asked) {
  const sure = await ask({
    title: `Take over from ${asked.agent.name}?`,
    text: `${asked.agent.name} can then no longer write to ${customer(asked)}, and sees that you have taken over.`,
    yes: "Take over",
  });
  return sure && act(asked.id, toMe(), () => api.accept(asked.id, true));
}

/** Gives a handoff back to the queue. */
export async function release({ id }) {
  const done = await act(id, { status: "waiting", agent: null }, () => api.release(id));
  if (done) toast("It is back in the queue.");
}

/** Ends a handoff, after a question. */
export async function end(asked) {
  const sure = await ask({
    title: `End the conversation with ${customer(asked)}?`,
    text: "What you have written is still sent. After that the AI Agent answers again.",
    yes: "End conversation",
    tone: "bad",
  });
  if (!sure) return;
  const changes = { status: "ended", ended_by: "agent", ended_at: new Date().toISOString(), agent: now.me };
  await act(asked.id, changes, () => api.end(asked.id));
}

/** Accepts, or takes over: what it takes to answer. */
export function answerable(id) {
  const asked = handoff(id);
  if (!asked) return;
  const may = offered(asked);
  if (may.accept) return accept(asked);
  if (may.takeOver) return takeOver(asked);
}

/** Sends a failed message, or fetches a failed file, again. */
export async function retry(row) {
  const asked = moment();
  await tried(async () => putAnswer(await api.retry(row.handoff_id, row.id), asked));
}

/** Puts a failed message aside. */
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
