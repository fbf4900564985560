// How long a customer has been waiting, and until when: as text, and as how urgent that is.

import { format, texts } from "./language.js";
import { exact, span } from "./time.js";

/** The waiting times from which the page marks a wait as long, and as too long. */
const LONG_MS = 2 * 60_000;
const TOO_LONG_MS = 5 * 60_000;
/** A deadline is near in the last minutes, or in the last third of a shorter wait. */
const NEAR_MS = 5 * 60_000;
const NEAR_SHARE = 1 / 3;

/** How long a waiting handoff has left, in words, once its deadline is near; null before that. */
export function left(handoff, now = Date.now()) {
  if (handoff.status !== "waiting" || !handoff.deadline) return null;
  const [begin, end] = [new Date(handoff.created_at), new Date(handoff.deadline)];
  if (end - now > Math.min(NEAR_MS, (end - begin) * NEAR_SHARE)) return null;
  return end > now ? format(texts.time.left, { time: span(now, end) }) : texts.time.ends_now;
}

/** Since when the customer waits for an agent, or for an answer of the one who has the handoff; null if they don't. */
export const since = (handoff) =>
  handoff.status === "waiting" ? handoff.created_at : handoff.waiting_for_answer_since;

/** Since when they wait, and when the conversation ends without an agent, if that is near. */
function about(handoff, begin, rest) {
  const { waiting_since: waiting, unanswered_since: unanswered, ends_at: ends } = texts.time;
  const since = format(handoff.status === "waiting" ? waiting : unanswered, { time: exact(begin) });
  return rest ? `${since}. ${format(ends, { time: exact(handoff.deadline) })}` : since;
}

/** What a row says of a wait: its text, how urgent it is (`short`, `long`, `too-long`), and an explanation. */
export function wait(handoff, now = Date.now()) {
  const begin = since(handoff);
  if (!begin) return null;
  const rest = left(handoff, now);
  const waited = now - new Date(begin);
  return {
    since: begin,
    text: [span(begin, now), rest].filter(Boolean).join(" · "),
    level: rest || waited > TOO_LONG_MS ? "too-long" : waited > LONG_MS ? "long" : "short",
    about: about(handoff, begin, rest),
  };
}
