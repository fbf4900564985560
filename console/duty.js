// Whether the agent takes handoffs: a button that says so, and changes it.

import * as api from "./api.js";
import { at, h, mark, toast, unseen } from "./dom.js";
import { load } from "./colleagues.js";
import { texts } from "./language.js";
import { now, on } from "./store.js";
import { tellTabs } from "./stream.js";

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
    tellTabs("duty-changed");
    toast(isAway ? texts.duty.is_away : texts.duty.is_on);
    await load();
  } catch (error) {
    toast(error.message, "bad");
  }
}

function render(away) {
  isAway = away;
  const button = at("duty");
  mark(button, "data-duty", isAway ? "away" : "on");
  button.title = isAway ? texts.duty.away_title : texts.duty.on_title;
  const dot = h("span", { class: "duty-dot", "aria-hidden": "true" });
  const act = unseen(`. ${isAway ? texts.duty.be_on : texts.duty.be_away}`);
  button.replaceChildren(dot, h("span", {}, isAway ? texts.duties.away : texts.duties.on), act);
}

/** The same for the palette: `{label, keys, act}`. */
export const command = () => ({ label: isAway ? texts.duty.be_on : texts.duty.be_away, keys: [], act: toggle });
