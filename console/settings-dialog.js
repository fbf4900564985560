// The agent's settings for notifications and keys, stored in the browser.

import { switched, tryOut } from "./attention.js";
import { setUp as setUpDialog, show } from "./dialogs.js";
import { at, h } from "./dom.js";
import { remembered } from "./memory.js";

/** Each setting: its title, and what it does. */
const SWITCHES = {
  badge: ["Number in the title", "Counts the people who wait for your answer, or whose conversation is offered to you"],
  sound: ["Sound", "When somebody waits or is offered to you, a customer of yours writes, your message fails, or a conversation becomes yours or another's"],
  notifications: ["Desktop notifications", "For the same events, while you are using another window"],
  shortcuts: ["Single-key shortcuts", "Such as j and k in the list. Press ? to see all of them"],
};

/** A switch for a setting; `place` makes its id different from that of the same switch elsewhere. */
export function makeSwitch(name, place) {
  const [title, about] = SWITCHES[name];
  const id = `${place}-about-${name}`;
  return h(
    "label",
    { class: "switch" },
    h("span", {}, h("span", { class: "switch-title" }, title), h("span", { class: "hint", id }, about)),
    h("input", { type: "checkbox", role: "switch", "data-setting": name, "aria-describedby": id, onchange: change }),
  );
}

/** A button that tries out what is on of sound and notifications. */
export const testButton = () => h("button", { type: "button", "data-action": "test", onclick: tryOut }, "Test");

export function setUp() {
  const rows = Object.keys(SWITCHES).map((name) => makeSwitch(name, "settings"));
  setUpDialog(
    "settings",
    "Settings",
    h("div", { class: "switches" }, rows),
    h("p", { class: "bar" }, testButton(), h("span", { class: "hint" }, "These settings are stored in this browser.")),
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
