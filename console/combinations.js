// What acts on a conversation has a combination of keys, so that nothing that is typed can act by chance. Ctrl and Shift
// with a digit is free in browsers, screen readers and European keyboards: Ctrl+Alt is AltGr there, Alt opens menus or,
// on a Mac, writes signs, and Ctrl+Shift with a letter is mostly the browser's.

import { h } from "./dom.js";

const DIGITS = { accept: 1, takeOver: 1, release: 2, end: 3, note: 4, details: 5, search: 6 };

/** How a combination is written, key by key. */
export const keysOf = (name) => ["Ctrl", "Shift", String(DIGITS[name])];

/** Whether a key event is the combination called `name`. Where digits need Shift, it is the key that counts. */
export const isCombination = (name, event) =>
  event.ctrlKey && event.shiftKey && !event.altKey && !event.metaKey && event.code === `Digit${DIGITS[name]}`;

/** A button's words with the combination that does the same. */
export const labelled = (label, name) => [
  label,
  h("kbd", { class: "combination", "aria-hidden": "true" }, `Ctrl ⇧ ${DIGITS[name]}`),
];

/** The same for screen readers, as an attribute's value. */
export const forReaders = (name) => `Control+Shift+${DIGITS[name]}`;
