// Questions and other windows above the page. A <dialog> keeps the focus in it and gives it back.

import { at, h, icon } from "./dom.js";

/** Opens a dialog of the page; a click beside it closes it. */
export function show(dialog) {
  if (dialog.open) return;
  dialog.showModal();
}

/** Has clicks on the backdrop and on buttons with `data-close` close a dialog. */
function closable(dialog) {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
  });
}

/** A key that was on its way before the question could be read doesn't answer it. */
const READ_MS = 400;

/** Has keys count only once the question has been there for a moment, and from their beginning. Escape always does. */
function ignoreEarlyKeys(dialog) {
  const begun = new Set();
  setTimeout(() => dialog.setAttribute("data-ready", ""), READ_MS);
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return;
    if (dialog.hasAttribute("data-ready") && (!event.repeat || begun.has(event.code))) begun.add(event.code);
    else event.preventDefault();
  });
  // Browsers press a button with Space when the key comes up.
  dialog.addEventListener("keyup", (event) => !begun.delete(event.code) && event.preventDefault());
}

/** Asks before something that can't be undone. Resolves to whether the answer was yes. */
export function ask({ title, text, yes, tone = "plain" }) {
  const dialog = h(
    "dialog",
    { class: "ask", "aria-labelledby": "ask-title", "aria-describedby": "ask-text", role: "alertdialog" },
    h(
      "form",
      { method: "dialog" },
      h("h2", { id: "ask-title" }, title),
      h("p", { id: "ask-text" }, text),
      h(
        "div",
        { class: "buttons" },
        h("button", { value: "no", class: "quiet", autofocus: true }, "Cancel"),
        h("button", { value: "yes", class: tone === "bad" ? "bad" : "main", "data-action": "confirm" }, yes),
      ),
    ),
  );
  closable(dialog);
  ignoreEarlyKeys(dialog);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    });
  });
}

/** The head of a larger dialog: its title, and the button that closes it. */
export const head = (id, title) =>
  h(
    "header",
    {},
    h("h2", { id }, title),
    h("button", { type: "button", class: "quiet square", "data-close": true, "aria-label": "Close" }, icon("close")),
  );

/** Whether some dialog is open: the keys are its own then. */
export const anyOpen = () => document.querySelector("dialog[open]") !== null;

/** Sets up a dialog that is part of the page. */
export function setUp(id, title, ...content) {
  const dialog = at(id);
  dialog.setAttribute("aria-labelledby", `${id}-title`);
  dialog.append(head(`${id}-title`, title), ...content);
  closable(dialog);
  return dialog;
}
