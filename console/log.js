// New messages for screen readers: a log that grows by one line at a time, however many messages come in a second.

import { at, h } from "./dom.js";
import { format, texts } from "./language.js";

/** So long a screen reader has for one line. What comes meanwhile is the next line, together. */
const SPEAKS_MS = 2000;
/** Older lines are in the thread. */
const KEPT = 20;

let unsaid = [];
let speaks = false;

/** Logs a message of the open conversation. */
export function log(text) {
  unsaid.push(text);
  if (!speaks) sayNext();
}

/** Forgets what another conversation's log has. */
export function clear() {
  unsaid = [];
  at("log").replaceChildren();
}

function sayNext() {
  speaks = unsaid.length > 0;
  if (!speaks) return;
  const last = unsaid.at(-1);
  const line = unsaid.length === 1 ? last : format(texts.thread.last_of_new, { number: unsaid.length, text: last });
  unsaid = [];
  const lines = at("log");
  lines.append(h("p", {}, line));
  if (lines.children.length > KEPT) lines.firstChild.remove();
  setTimeout(sayNext, SPEAKS_MS);
}
