// Whether the agent takes handoffs: a button that says so, and changes it.

import * as api from "./api.js";
import { at, h, mark, toast, unseen } from "./dom.js";
import { load } from "./colleagues.js";
import { now, on } from "./store.js";

let isAway = false;

export function setUp() {
  on("colleagues", (all) => render(all.some(({ name, duty }) => name === now.me?.name && duty === "away")));
  at("duty").addEventListener("click", toggle);
}

/** Switches between on duty and away. */
async function toggle() {
  try {
    await api.setDuty(isAway ? "on" : "away");
    render(!isAway);
    toast(isAway ? "You are away: colleagues see that, and you are not counted as on duty." : "You are on duty.");
    await load();
  } catch (error) {
    toast(error.message, "bad");
  }
}

function render(away) {
  isAway = away;
  const button = at("duty");
  mark(button, "data-duty", isAway ? "away" : "on");
  button.title = isAway ? "You take no conversations. Click to be on duty." : "You take conversations. Click to be away.";
  const dot = h("span", { class: "duty-dot", "aria-hidden": "true" });
  const act = unseen(isAway ? ". Be on duty" : ". Be away");
  button.replaceChildren(dot, h("span", {}, isAway ? "Away" : "On duty"), act);
}

/** The same for the palette: `{label, keys, act}`. */
export const command = () => ({ label: isAway ? "be on duty" : "be away", keys: [], act: toggle });
