// The agent's settings for notifications and keys, stored in the browser.

import { switched } from "./attention.js";
import { setUp as setUpDialog, show } from "./dialogs.js";
import { at, h } from "./dom.js";
import { remembered } from "./memory.js";

const SWITCHES = [
  ["badge", "Number in the title", "Counts waiting conversations, and yours with unread messages"],
  ["sound", "Sound", "When a new conversation is waiting, one of your customers writes, or a conversation becomes yours or another's"],
  ["notifications", "Desktop notifications", "For the same events, while you are using another window"],
  ["shortcuts", "Single-key shortcuts", "Such as j and k in the list. Press ? to see all of them"],
];

export function setUp() {
  const rows = SWITCHES.map(([name, title, about]) =>
    h(
      "label",
      { class: "switch" },
      h(
        "span",
        {},
        h("span", { class: "switch-title" }, title),
        h("span", { class: "hint", id: `about-${name}` }, about),
      ),
      h("input", {
        type: "checkbox",
        role: "switch",
        "data-setting": name,
        "aria-describedby": `about-${name}`,
        onchange: change,
      }),
    ),
  );
  setUpDialog(
    "settings",
    "Settings",
    h("div", { class: "switches" }, rows),
    h("p", { class: "hint" }, "These settings are stored in this browser."),
  );
}

export function open() {
  for (const box of at("settings").querySelectorAll("[data-setting]")) box.checked = remembered[box.dataset.setting];
  show(at("settings"));
}

async function change({ target }) {
  const { setting } = target.dataset;
  target.checked = remembered[setting] = await switched(setting, target.checked);
}
