// What seems incomplete in a text that is about to be sent: the agent is asked before it is.

import { command, unfilled } from "./canned.js";
import { ask } from "./dialogs.js";
import { at } from "./dom.js";
import { format, texts } from "./language.js";
import { now } from "./store.js";

/** Asks for confirmation if the text in the composer seems incomplete. Resolves to whether it is sent as it is. */
export async function isMeant(words) {
  const doubts = doubtsIn(words);
  if (doubts.length === 0) return true;
  const to = now.open;
  const sure = await ask({
    title: texts.composer.as_is,
    text: `${doubts.map(doubtWords).join(". ")}.`,
    yes: texts.composer.as_is_yes,
  });
  const text = at("composer-text");
  const begin = text.value.indexOf(doubts[0].text);
  if (now.open !== to || begin < 0) return false;
  if (!sure) text.setSelectionRange(begin, begin + doubts[0].text.length);
  return sure;
}

/** What seems incomplete in a text: fields that were not filled in, and a canned reply that was not chosen. */
export function doubtsIn(words) {
  const meant = command(words);
  return [...unfilled(words).map((text) => ({ text })), ...(meant ? [{ text: meant, isCommand: true }] : [])];
}

/** One of these in words. */
export const doubtWords = ({ text, isCommand }) =>
  format(isCommand ? texts.composer.no_command : texts.composer.unfilled, { text });
