// Keys for the whole page. Single letters work outside text fields, and can be switched off.

import * as actions from "./actions.js";
import * as composer from "./composer.js";
import { anyOpen, setUp as setUpDialog, show } from "./dialogs.js";
import * as details from "./details.js";
import { at, h } from "./dom.js";
import { remembered } from "./memory.js";
import * as queue from "./queue.js";
import { handoff, now } from "./store.js";

const open = () => (now.open ? handoff(now.open) : undefined);
const ifOffered = (name) => {
  const asked = open();
  if (asked && actions.offered(asked)[name]) actions[name](asked);
};

const answer = async () => {
  if (now.open && (await actions.answerable(now.open))) composer.write("reply");
};

/** Each with its keys, what it does in words, and what it does. */
const KEYS = [
  [["j", "ArrowDown"], "next conversation", () => queue.step(1)],
  [["k", "ArrowUp"], "previous conversation", () => queue.step(-1)],
  [["Enter"], "open it", null],
  [["r"], "reply", () => now.open && composer.write("reply")],
  [["n"], "write a note", () => now.open && composer.write("note")],
  [["a"], "accept, or take over", answer],
  [["g"], "give back to the queue", () => ifOffered("release")],
  [["e"], "end", () => ifOffered("end")],
  [["d"], "show or hide details", () => now.open && details.toggle()],
  [["1", "2", "3", "4"], "the four lists", (key) => queue.choose(["waiting", "mine", "everyone", "ended"][key - 1])],
  [["/"], "search; in the composer: canned replies", () => at("search").focus()],
  [["Escape"], "back to the list", () => queue.focusRow(now.open)],
  [["?"], "this list", () => help()],
];

const WRITES = "input, textarea, select, [contenteditable]";

export function setUp() {
  document.addEventListener("keydown", pressed);
  const rows = KEYS.map(([keys, words]) =>
    h(
      "div",
      {},
      h(
        "dt",
        {},
        keys.flatMap((key, index) => [index > 0 && " ", h("kbd", {}, shownKey(key))]),
      ),
      h("dd", {}, words),
    ),
  );
  setUpDialog(
    "help",
    "Keyboard",
    h("dl", { class: "keys" }, rows),
    h("p", { class: "hint" }, "Single keys can be switched off in the settings."),
  );
}

const shownKey = (key) => ({ ArrowDown: "↓", ArrowUp: "↑", Escape: "Esc" })[key] ?? key;

/** Opens the list of keys. */
export function help() {
  show(at("help"));
}

function pressed(event) {
  const { key, target } = event;
  if (!now.me || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || anyOpen()) return;
  if (target.closest(WRITES)) return;
  const inQueue = target === document.body || target.closest("#queue");
  if (key.startsWith("Arrow") && (!inQueue || target.closest("[role=tablist], [role=menu]"))) return;
  if (key.length === 1 && !remembered.shortcuts) return;
  const act = KEYS.find(([keys]) => keys.includes(key))?.[2];
  if (!act) return;
  event.preventDefault();
  act(key);
}
