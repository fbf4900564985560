// How the page calls for attention, as the agent wants it. Kept in this browser.

import { switched } from "./attention.js";
import { setUp as setUpDialog, show } from "./dialogs.js";
import { at, h } from "./dom.js";
import { remembered } from "./memory.js";

const SWITCHES = [
  ["badge", "Number in the title", "How many wait, and how many of yours have unread messages"],
  ["sound", "Sound", "When someone new waits, or one of your customers writes"],
  ["notifications", "Desktop notifications", "The same, while you are looking elsewhere"],
  ["shortcuts", "Single-key shortcuts", "Such as j and k in the list; all keys are under ?"],
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
    h("p", { class: "hint" }, "Kept in this browser."),
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
