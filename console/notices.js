// Notices that stay until the agent dismisses them, also after a reload: a conversation is no longer theirs, or has become
// theirs, or a message of theirs was not sent. All tabs show the same ones.

import { at, h, icon } from "./dom.js";
import { copyButton, kept } from "./kept-draft.js";
import { texts } from "./language.js";
import { keepNotices, keptNotices, onOtherTab } from "./memory.js";
import { handoff, now, on } from "./store.js";

/** The elements by key. */
const shown = new Map();
let acts = null;

/**
 * Sets the notices up. `giveBack(handoff)` gives a handoff back, and resolves to whether it did; `sendAgain(notice)` sends the
 * message again of which a notice says that it failed.
 */
export function setUp(given) {
  acts = given;
  on("me", render);
  onOtherTab("notices", render);
}

const keyOf = ({ id, kind, row = "" }) => `${kind} ${id} ${row}`;

/**
 * Shows a notice of a handoff `id`, or of its message `row`: `{id, kind, words, row}`. `kind` is `lost`, `given`, `returned` or
 * `failed`. A newer one of the same handoff, kind and message takes the place of an older one.
 */
export function notify(notice) {
  change((all) => [...all.filter((one) => keyOf(one) !== keyOf(notice)), notice]);
}

/** Takes notices of a handoff away that are not true any more. */
export function withdraw(id, kind, row) {
  const notice = { id, kind, row };
  if (keptNotices(now.me.name).some((one) => keyOf(one) === keyOf(notice))) dismiss(notice);
}

const dismiss = (notice) => change((all) => all.filter((one) => keyOf(one) !== keyOf(notice)));

function change(make) {
  keepNotices(now.me.name, make(keptNotices(now.me.name)));
  render();
}

function render() {
  const all = now.me ? keptNotices(now.me.name) : [];
  const keys = new Set(all.map(keyOf));
  for (const [key, element] of shown) {
    if (keys.has(key) && all.some((one) => keyOf(one) === key && one.words === element.dataset.words)) continue;
    element.remove();
    shown.delete(key);
  }
  for (const notice of all) {
    const key = keyOf(notice);
    if (shown.has(key)) continue;
    shown.set(key, element(notice));
    at("toasts").append(shown.get(key));
  }
}

function element(notice) {
  const { id, kind, words } = notice;
  const open = () => {
    location.hash = `#/c/${id}`;
    dismiss(notice);
  };
  const back = async () => {
    const one = handoff(id);
    if (one && (await acts.giveBack(one))) dismiss(notice);
  };
  const button = (name, label, act) =>
    h("button", { type: "button", class: "small", "data-action": name, onclick: act }, label);
  return h(
    "div",
    { class: "toast notice-of-handoff", "data-kind": kind, "data-words": words, "data-handoff-id": id },
    h("p", { dir: "auto" }, words),
    h(
      "div",
      { class: "bar" },
      kind === "lost" && kept(id).map((mode) => copyButton(id, mode)),
      button("open", texts.common.open, open),
      kind === "failed" && button("send-again", texts.common.send_again, () => acts.sendAgain(notice)),
      kind === "given" && button("give-back", texts.give_back.yes, back),
    ),
    h(
      "button",
      { type: "button", class: "quiet small", "aria-label": texts.common.dismiss, onclick: () => dismiss(notice) },
      icon("close"),
    ),
  );
}
