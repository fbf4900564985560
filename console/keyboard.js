// Keys for the whole page. Only combinations act on a conversation; single letters never do. If one of the agent's own
// conversations is open, letters go into its composer, wherever the focus is. Otherwise they move through the list, if
// the focus is there.

import * as actions from "./actions.js";
import { isCombination, isForPalette, keysOf } from "./combinations.js";
import * as composer from "./composer.js";
import { anyOpen, setUp as setUpDialog, show } from "./dialogs.js";
import * as details from "./details.js";
import { at, h } from "./dom.js";
import { format, texts } from "./language.js";
import { LISTS } from "./lists.js";
import { remembered } from "./memory.js";
import * as palette from "./palette.js";
import * as queue from "./queue.js";
import { handoff, isMine, now } from "./store.js";

const open = () => (now.open ? handoff(now.open) : undefined);
const isOffered = (name) => {
  const asked = open();
  return asked !== undefined && actions.offered(asked)[name];
};
const ifOffered = (name) => isOffered(name) && actions[name](open());
const isOpen = () => now.open !== null;

const answer = async () => {
  if (now.open && (await actions.answerable(now.open))) composer.write("reply");
};

/** Each combination: its name, its action; and when it does something, unless it always does. */
const COMBINATIONS = [
  ["accept", answer, () => isOffered("accept") || isOffered("takeOver")],
  ["decline", () => ifOffered("decline"), () => isOffered("decline")],
  ["release", () => ifOffered("release"), () => isOffered("release")],
  ["handOver", () => ifOffered("handOver"), () => isOffered("handOver")],
  ["end", () => ifOffered("end"), () => isOffered("end")],
  ["next", () => actions.openNext()],
  ["unanswered", () => actions.openUnanswered()],
  ["note", () => isOpen() && composer.switchMode(), isOpen],
  ["details", () => isOpen() && details.toggle(), isOpen],
  ["search", () => at("search").focus()],
];

/** Keys for the list: the keys, their description, their action. */
const KEYS = [
  [["j", "ArrowDown"], texts.list_keys.next, () => queue.step(1)],
  [["k", "ArrowUp"], texts.list_keys.previous, () => queue.step(-1)],
  [["Home"], texts.list_keys.first, () => queue.step(-Infinity)],
  [["End"], texts.list_keys.last, () => queue.step(Infinity)],
  [["Enter"], texts.list_keys.open, null],
  [["1", "2", "3", "4", "5"], texts.list_keys.lists, (key) => queue.choose(Object.keys(LISTS)[key - 1])],
  [["/"], texts.list_keys.search, () => at("search").focus()],
  [["?"], texts.list_keys.help, () => help()],
  [["Escape"], texts.list_keys.back, () => queue.focusRow(now.open)],
];

const WRITES = "input, textarea, select, [contenteditable]";
/** Keys that move within tabs and menus. */
const MOVES = /^(Arrow|Home$|End$)/;
/** What Space presses. */
const PRESSED = "a, button, audio, video";

export function setUp() {
  document.addEventListener("keydown", pressed);
  at("keys").addEventListener("click", help);
  const combinations = COMBINATIONS.map(([name]) => [[keysOf(name)], texts.combinations[name]]);
  const single = KEYS.map(([keys, words]) => [keys.map((key) => [shownKey(key)]), words]);
  setUpDialog(
    "help",
    texts.common.keyboard_shortcuts,
    h("h3", {}, texts.keys.anywhere),
    list([[[[texts.keys.ctrl, "K"]], texts.combinations.palette], ...combinations]),
    h("h3", {}, texts.keys.in_list),
    list(single),
    h("p", { class: "hint" }, texts.keys.about),
  );
}

const list = (rows) =>
  h(
    "dl",
    { class: "keys" },
    rows.map(([ways, words]) => h("div", {}, h("dt", {}, ways.flatMap(way)), h("dd", {}, words))),
  );

const way = (keys, index) => [index > 0 && " ", ...keys.flatMap((key, place) => [place > 0 && " ", h("kbd", {}, key)])];

const { enter, escape, home, end } = texts.keys;
const SHOWN = { ArrowDown: "↓", ArrowUp: "↑", Enter: enter, Escape: escape, Home: home, End: end };
const shownKey = (key) => SHOWN[key] ?? key;

/** What the palette offers of all this: what would do something now, with its keys. */
export const commands = () => [
  ...COMBINATIONS.filter(([, , may]) => !may || may()).map(([name, act]) => {
    return { label: texts.combinations[name], keys: keysOf(name), act };
  }),
  ...Object.keys(LISTS).map((name) => {
    const label = format(texts.palette.list, { list: texts.lists[name] });
    return { label, keys: [], act: () => queue.choose(name) };
  }),
];

/** Opens the list of keys. */
export function help() {
  show(at("help"));
}

function pressed(event) {
  const { key, target } = event;
  if (!now.me || event.defaultPrevented || anyOpen()) return;
  if (isForPalette(event)) {
    event.preventDefault();
    palette.open();
    return;
  }
  const combined = COMBINATIONS.find(([name]) => isCombination(name, event))?.[1];
  if (combined) {
    event.preventDefault();
    if (!event.repeat) combined();
    return;
  }
  if (target.closest(WRITES) || isModified(event)) return;
  const shown = open();
  if (isTyped(key) && shown && isMine(shown)) {
    // The browser then types the letter into the focused field.
    if (composer.isOpen() && !(key === " " && target.closest(PRESSED))) at("composer-text").focus();
    return;
  }
  const act = KEYS.find(([keys]) => keys.includes(key))?.[2];
  if (!act || !isForList(key, target)) return;
  event.preventDefault();
  act(key);
}

/** AltGr types characters, also on keyboards that report it as Ctrl and Alt. */
const isModified = (event) => !event.getModifierState("AltGraph") && (event.ctrlKey || event.metaKey || event.altKey);

/** Whether a key types something, including an accent for the next letter. */
const isTyped = (key) => key.length === 1 || key === "Dead";

/** Letters work in the list, and anywhere if no conversation is open. Arrow keys also work if nothing has the focus. */
function isForList(key, target) {
  if (key === "Escape") return true;
  if (target.closest("#queue [role=tablist], [role=menu]") && MOVES.test(key)) return false;
  if (target.closest("#queue")) return key.length > 1 || remembered.shortcuts;
  return key.length > 1 ? target === document.body : remembered.shortcuts && !now.open;
}
