// Shows the pictures of a conversation one at a time, as large as the window.

import { show } from "./dialogs.js";
import { at, h, icon, mark } from "./dom.js";
import { plainName } from "./file-kinds.js";
import { isPicture } from "./file-row.js";
import { arrows, format, texts } from "./language.js";
import { now, on } from "./store.js";
import { before, thread } from "./threads.js";

/** The row whose picture is shown. */
let shown = null;

export function setUp() {
  const dialog = at("lightbox");
  dialog.setAttribute("aria-labelledby", "lightbox-name");
  const button = (action, label, name, act) =>
    h(
      "button",
      { type: "button", class: "quiet square", "data-action": action, "aria-label": label, onclick: act },
      icon(name),
    );
  dialog.append(
    h(
      "header",
      {},
      h("h2", { id: "lightbox-name" }, h("bdi", { class: "file-name" })),
      h("p", { id: "lightbox-place", "aria-live": "polite" }),
      h("a", { id: "lightbox-download", "aria-label": texts.common.download }, icon("download")),
      button("close", texts.common.close, "close", () => dialog.close()),
    ),
    h("div", { id: "lightbox-stage" }),
    button("previous", texts.files.previous, "back", () => step(-1)),
    button("next", texts.files.next, "forth", () => step(1)),
  );
  dialog.querySelector("[data-action=close]").autofocus = true;
  const stops = [...dialog.querySelectorAll("a, button")];
  dialog.addEventListener("keydown", (event) => {
    if (event.key === arrows.back) step(-1);
    if (event.key === arrows.forth) step(1);
    // Keeps Tab inside the dialog: after the last element, browsers move the focus to their own toolbars.
    const [last, first] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
    if (event.key !== "Tab" || document.activeElement !== last) return;
    event.preventDefault();
    first.focus();
  });
  dialog.addEventListener(
    "click",
    ({ target }) => (target === dialog || target.id === "lightbox-stage") && dialog.close(),
  );
  dialog.addEventListener("close", closed);
  on("open", () => dialog.close());
}

/** Shows a row's picture. */
export function view(row) {
  render(row);
  show(at("lightbox"));
}

/** The pictures in the order of the thread. */
const pictures = () =>
  [...(thread(now.open)?.rows.values() ?? [])].filter(isPicture).sort((one, other) => (before(one, other) ? -1 : 1));

const placeOf = (list) => list.findIndex((row) => row.id === shown?.id);

function step(by) {
  const list = pictures();
  const next = list[placeOf(list) + by];
  if (next) render(next);
}

function render(row) {
  shown = row;
  const { url, filename } = row.content;
  const list = pictures();
  const place = placeOf(list);
  const name = plainName(filename);
  at("lightbox-name").firstChild.textContent = name;
  const where = format(texts.files.place, { number: place + 1, all: list.length });
  at("lightbox-place").textContent = list.length > 1 ? where : "";
  mark(at("lightbox-download"), "href", `${url}?download=1`);
  mark(at("lightbox-download"), "download", name);
  const image = h("img", { src: url, alt: name });
  image.addEventListener("error", () =>
    image.replaceWith(h("p", {}, texts.files.picture_not_shown)),
  );
  at("lightbox-stage").replaceChildren(image);
  for (const [action, neighbour] of [
    ["previous", list[place - 1]],
    ["next", list[place + 1]],
  ]) {
    // Without a neighbour, the button stays, so that it keeps the focus.
    mark(at("lightbox").querySelector(`[data-action=${action}]`), "aria-disabled", !neighbour && "true");
    if (neighbour) new Image().src = neighbour.content.url;
  }
}

function closed() {
  const { id } = shown ?? {};
  shown = null;
  at("lightbox-stage").replaceChildren();
  at("lightbox-name").firstChild.textContent = "";
  // The row may have been drawn again meanwhile. Then nothing has the focus.
  if (document.activeElement !== document.body) return;
  (document.querySelector(`[data-row-id="${id}"] .picture`) ?? at("thread")).focus();
}
