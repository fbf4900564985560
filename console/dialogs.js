// Confirmations and other dialogs. A <dialog> keeps the focus inside, and returns it when it closes.

import { at, h, icon } from "./dom.js";
import { texts } from "./language.js";

/** Opens a dialog of the page; a click beside it closes it. */
export function show(dialog) {
  if (dialog.open) return;
  dialog.showModal();
}

/** Makes clicks on the backdrop and on buttons with `data-close` close a dialog. */
function closable(dialog) {
  let pressedBeside = false;
  dialog.addEventListener("pointerdown", ({ target }) => (pressedBeside = target === dialog));
  dialog.addEventListener("click", ({ target }) => {
    // Selecting text may end beside the dialog. What is written there is given up by a button alone.
    const beside = target === dialog && pressedBeside && !hasText(dialog);
    if (beside || target.closest("[data-close]")) dialog.close();
  });
}

const hasText = (dialog) =>
  [...dialog.querySelectorAll("textarea, input:not([type])")].some(({ value, defaultValue }) => value !== defaultValue);

/** Key presses within this time don't count: the agent can't have read the question yet. */
const READ_MS = 400;

/** Ignores keys that were pressed before the question could be read. Escape always works. */
function ignoreEarlyKeys(dialog) {
  const begun = new Set();
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return;
    if (dialog.hasAttribute("data-ready") && (!event.repeat || begun.has(event.code))) begun.add(event.code);
    else event.preventDefault();
  });
  // Browsers activate a button when Space is released.
  dialog.addEventListener("keyup", (event) => !begun.delete(event.code) && event.preventDefault());
}

/** Among fields, Ctrl+Enter confirms, once the question could be read, and Enter alone never does. */
function confirmWithKeys(dialog) {
  dialog.addEventListener("keydown", (event) => {
    const { target } = event;
    if (event.key !== "Enter" || event.isComposing || target.closest("button")) return;
    const confirms = event.ctrlKey || event.metaKey;
    if (confirms || target.matches("input")) event.preventDefault();
    if (confirms && !event.repeat && dialog.hasAttribute("data-ready")) dialog.close("yes");
  });
}

/**
 * Asks for confirmation of something that can't be undone, perhaps with fields to fill in. Resolves to whether the agent
 * confirmed.
 */
export function ask({ title, text, yes, tone = "plain", fields = [] }) {
  const dialog = h(
    "dialog",
    { class: "ask", "aria-labelledby": "ask-title", "aria-describedby": "ask-text", role: "alertdialog" },
    h(
      "form",
      { method: "dialog" },
      h("h2", { id: "ask-title" }, title),
      h("p", { id: "ask-text" }, text),
      fields,
      h(
        "div",
        { class: "buttons" },
        h("button", { value: "no", class: "quiet", autofocus: fields.length === 0 }, texts.common.cancel),
        h(
          "button",
          { value: "yes", class: tone === "bad" ? "bad" : "main", "data-action": "confirm" },
          yes,
          fields.length > 0 && h("kbd", { class: "combination", "aria-hidden": "true" }, `${texts.keys.ctrl} ⏎`),
        ),
      ),
    ),
  );
  closable(dialog);
  setTimeout(() => dialog.setAttribute("data-ready", ""), READ_MS);
  if (fields.length === 0) ignoreEarlyKeys(dialog);
  else confirmWithKeys(dialog);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    });
  });
}

/** The header of a larger dialog: its title, and the button that closes it. */
export const head = (id, title) =>
  h(
    "header",
    {},
    h("h2", { id }, title),
    h("button", { type: "button", class: "quiet square", "data-close": true, "aria-label": texts.common.close }, icon("close")),
  );

/** Whether a dialog is open and gets all keys. */
export const anyOpen = () => document.querySelector("dialog[open]") !== null;

/** Sets up a dialog that is part of the page. */
export function setUp(id, title, ...content) {
  const dialog = at(id);
  dialog.setAttribute("aria-labelledby", `${id}-title`);
  dialog.append(head(`${id}-title`, title), ...content);
  closable(dialog);
  return dialog;
}
