// Offers sound and desktop notifications, once in a browser: until the agent has chosen, or goes on to a conversation. It
// stands beside the list, and above it where there is room for the list alone.

import { at, h } from "./dom.js";
import { texts } from "./language.js";
import { remembered } from "./memory.js";
import { makeSwitch, showSettings, testButton } from "./settings-dialog.js";
import { now, on } from "./store.js";

const PHONE = matchMedia("(max-width: 719px)");

export function setUp() {
  place();
  PHONE.addEventListener("change", place);
  at("welcome").append(
    h("h3", { id: "welcome-title" }, texts.settings.welcome),
    h("div", { class: "switches" }, makeSwitch("sound", "welcome"), makeSwitch("notifications", "welcome")),
    h("p", { class: "hint" }, texts.settings.later),
    h(
      "div",
      { class: "buttons" },
      testButton(),
      h("button", { type: "button", class: "main", "data-action": "welcomed", onclick: done }, texts.settings.done),
    ),
  );
  on("me", render);
  on("open", (id) => id && now.me && offered());
}

function place() {
  if (PHONE.matches) at("queue-panel").before(at("welcome"));
  else at("conversation-none").append(at("welcome"));
}

function render() {
  at("welcome").hidden = !now.me || remembered.introduced;
  showSettings(at("welcome"));
}

function offered() {
  remembered.introduced = true;
  render();
}

function done() {
  offered();
  (PHONE.matches ? at("queue-tabs").querySelector("[tabindex='0']") : at("conversation")).focus();
}
