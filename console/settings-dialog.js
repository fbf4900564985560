// The agent's settings for notifications and keys, stored in the browser.

import { switched, tryOut } from "./attention.js";
import { setUp as setUpDialog, show } from "./dialogs.js";
import { at, h } from "./dom.js";
import { texts } from "./language.js";
import { choice } from "./languages.js";
import { remembered } from "./memory.js";

const SWITCHES = ["badge", "sound", "notifications", "shortcuts"];

/** A switch for a setting; `place` makes its id different from that of the same switch elsewhere. */
export function makeSwitch(name, place) {
  const id = `${place}-about-${name}`;
  return h(
    "label",
    { class: "switch" },
    h(
      "span",
      {},
      h("span", { class: "switch-title" }, texts.switches[name]),
      h("span", { class: "hint", id }, texts.switches_about[name]),
    ),
    h("input", { type: "checkbox", role: "switch", "data-setting": name, "aria-describedby": id, onchange: change }),
  );
}

/** A button that tries out what is on of sound and notifications. */
export const testButton = () =>
  h("button", { type: "button", "data-action": "test", onclick: tryOut }, texts.settings.test);

export function setUp() {
  const rows = SWITCHES.map((name) => makeSwitch(name, "settings"));
  setUpDialog(
    "settings",
    texts.common.settings,
    h("div", { class: "switches" }, choice("settings"), rows),
    h("p", { class: "bar" }, testButton(), h("span", { class: "hint" }, texts.settings.stored)),
  );
}

/** Has the switches of a part of the page show what is set. */
export function showSettings(part) {
  for (const box of part.querySelectorAll("[data-setting]")) box.checked = remembered[box.dataset.setting];
}

export function open() {
  showSettings(at("settings"));
  show(at("settings"));
}

async function change({ target }) {
  const { setting } = target.dataset;
  target.checked = remembered[setting] = await switched(setting, target.checked);
}
