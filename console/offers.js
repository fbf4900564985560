// Offers: a waiting handoff that one agent alone may accept for a while. An offer ends by its own time, whether the relay has
// said so yet or not.

import { batched } from "./dom.js";
import { format, texts } from "./language.js";
import { handoffs, now, on, tell } from "./store.js";

/** A timer that is a little early must not find the offer still standing. */
const SPARE_MS = 20;

let timer = null;

/** Looks at a handoff again when its offer has lapsed. */
export function setUp() {
  for (const topic of ["handoff", "queue", "me"]) on(topic, batched(wait));
}

/** Sets the timer for the offer that lapses first. */
function wait() {
  clearTimeout(timer);
  const standing = now.me ? [...handoffs()].filter((one) => offer(one)) : [];
  if (standing.length === 0) return;
  const next = Math.min(...standing.map((one) => end(one)));
  const lapsing = standing.filter((one) => end(one) === next);
  timer = setTimeout(() => lapsing.forEach(({ id }) => tell("handoff", id)), next - Date.now() + SPARE_MS);
}

const end = (handoff) => new Date(handoff.offer.until).getTime();

/** The offer `{agent, until}` that a waiting handoff has now; null if there is none. */
export function offer(handoff, at = Date.now()) {
  if (handoff.status !== "waiting" || !handoff.offer) return null;
  return end(handoff) > at ? handoff.offer : null;
}

/** Whether a handoff is offered to the agent who is signed in. */
export const isOfferedToMe = (handoff) => now.me !== null && offer(handoff)?.agent.name === now.me.name;

/** The name of the colleague to whom a handoff is offered; null if there is none. */
export function offeredToOther(handoff) {
  const name = offer(handoff)?.agent.name ?? null;
  return name === now.me?.name ? null : name;
}

/** What is said of a waiting handoff's offer, and of the agent who left it behind. */
export function offerWords(handoff) {
  const standing = offer(handoff);
  return [
    standing &&
      (isOfferedToMe(handoff)
        ? format(texts.offers.to_you, { number: secondsLeft(standing) })
        : format(texts.offers.to_other, { agent: standing.agent.name })),
    handoff.status === "waiting" && handoff.left_by && format(texts.offers.left_by, { agent: handoff.left_by.name }),
  ].filter(Boolean);
}

/** The seconds for which an offer still stands. */
const secondsLeft = ({ until }) => Math.max(0, Math.ceil((new Date(until) - Date.now()) / 1000));
