// Whether the agent takes handoffs: a switch in the account menu.

import * as api from "./api.js";
import { at, mark, toast } from "./dom.js";
import { now, on } from "./store.js";

let isAway = false;

export function setUp() {
  on("me", (me) => me && look());
}

/** Switches between on duty and away. */
export async function toggle() {
  try {
    await api.setDuty(isAway ? "on" : "away");
    render(!isAway);
    toast(isAway ? "You are away: colleagues see that, and you are not counted as on duty." : "You are on duty.");
  } catch (error) {
    toast(error.message, "bad");
  }
}

async function look() {
  const { data } = await api.agents().catch(() => ({ data: [] }));
  render(data.some(({ name, duty }) => name === now.me?.name && duty === "away"));
}

function render(away) {
  isAway = away;
  mark(document.querySelector("#account-menu [data-action=away]"), "aria-checked", String(isAway));
  mark(at("account"), "data-away", isAway);
  at("account-duty").textContent = isAway ? "Away" : "";
}
