// Actions on a conversation use key combinations, so that normal typing can't trigger one. Ctrl+Shift with a digit or a dot is
// free in browsers and screen readers, and on European keyboards. The alternatives are taken: Ctrl+Alt is AltGr on
// these keyboards, Alt opens menus or (on a Mac) types symbols, and browsers use Ctrl+Shift with most letters.

import { h } from "./dom.js";
import { texts } from "./language.js";

const DIGITS = { accept: 1, takeOver: 1, release: 2, end: 3, note: 4, details: 5, search: 6, handOver: 7, next: 8, decline: 9 };
/** Digits are used up; the dot is free as well. */
const DOT = "unanswered";

/** How a combination is written, key by key. */
export const keysOf = (name) => [texts.keys.ctrl, texts.keys.shift, keyOf(name)];

const keyOf = (name) => (name === DOT ? "." : String(DIGITS[name]));

/** Whether a key event is the combination `name`. Compares the physical key: some layouts need Shift for digits. */
export const isCombination = (name, event) =>
  event.ctrlKey && event.shiftKey && !event.altKey && !event.metaKey && isKey(name, event);

const isKey = (name, { key, code }) =>
  name === DOT ? key === "." || code === "Period" : code === `Digit${DIGITS[name]}`;

/** Whether a key event opens the command palette. */
export const isForPalette = (event) =>
  (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && isK(event);

/** On a keyboard without Latin letters, the key that has this one elsewhere. */
const isK = ({ key, code }) => key.toLowerCase() === "k" || (code === "KeyK" && !/^[a-z]$/i.test(key));

/** A button's label with its key combination. */
export const labelled = (label, name) => [
  label,
  h("kbd", { class: "combination", "aria-hidden": "true" }, `${texts.keys.ctrl} ⇧ ${keyOf(name)}`),
];

/** The same for screen readers, as an attribute's value. */
export const forReaders = (name) => `Control+Shift+${keyOf(name)}`;
