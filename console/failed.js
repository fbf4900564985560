// Tells agents of a message of theirs that was not sent, wherever they are in the console. What the relay reports, the tab tells
// that reads the event stream; what the relay refuses to take, the tab that sent it.

import * as actions from "./actions.js";
import { alertTo } from "./attention.js";
import { at } from "./dom.js";
import { format, texts } from "./language.js";
import { attention, keptNotices } from "./memory.js";
import { notify, withdraw } from "./notices.js";
import * as outbox from "./outbox.js";
import { handoff, handoffs, isMine, now, on } from "./store.js";
import { isReader } from "./stream.js";
import { customer, isOwn } from "./words.js";

const KIND = "failed";

export function setUp() {
  on("heard", look);
  on("queue", (state) => state === "ready" && lookAtLast());
  on("refused", ({ handoff: id, key, error }) => tell({ id, row: key, isUnsent: true }, error));
  on("pending", forgetSent);
}

/** Looks at a message of this agent, as the relay has reported it. */
function look(row) {
  if (!now.me || !isReader() || !isOwn(row) || !row.delivery) return;
  const { handoff_id: id, id: key, delivery } = row;
  if (delivery.state === "failed") tell({ id, row: key }, delivery.error);
  else withdraw(id, KIND, key);
}

/** What failed while the page was closed, as far as lists say so. */
function lookAtLast() {
  for (const { last_message: last } of [...handoffs()].filter(isMine)) if (last?.delivery?.state === "failed") look(last);
}

/** Whether the agent sees the end of a conversation's thread, where the message stands. */
const isInView = (id) => attention.get()?.open === id && (now.open !== id || at("new-messages").hidden);

/** Tells of `{id, row}`: a handoff's message, by its row or, if it `isUnsent`, by its key in the outbox. */
function tell(which, error) {
  const one = handoff(which.id);
  if (isInView(which.id)) return;
  const values = { customer: one && customer(one), error: error ?? texts.notices.was_refused };
  notify({ ...which, kind: KIND, words: format(one ? texts.notices.failed_to : texts.notices.failed, values) });
  if (one) alertTo(one, texts.alerts.failed);
}

/** What this tab has sent, or given up, after the relay had refused it. */
function forgetSent(id) {
  if (!now.me) return;
  const told = keptNotices(now.me.name).filter((one) => one.id === id && one.isUnsent);
  for (const { row } of told) if (!outbox.isRefused(row)) withdraw(id, KIND, row);
}

/** Sends the message of a notice again. */
export function sendAgain({ id, row, isUnsent }) {
  if (isUnsent) outbox.again(row);
  else actions.retry({ handoff_id: id, id: row });
}
