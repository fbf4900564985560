// Who is on duty, who is away, and who is not here: a list behind a button.

import * as api from "./api.js";
import { at, h, mark, unseen } from "./dom.js";
import { format, texts } from "./language.js";
import { now, on, set } from "./store.js";

/** The list is loaded again after this time, and sooner while it is open. */
const AGAIN_MS = 60_000;
const SOON_MS = 10_000;

/** In the order in which they are listed. */
const DUTIES = ["on", "away", "gone"];
let loadedAt = 0;

export function setUp() {
  const [button, panel] = [at("colleagues-toggle"), at("colleagues")];
  button.addEventListener("click", () => toggle(panel.hidden));
  panel.addEventListener("keydown", leave);
  button.addEventListener("keydown", leave);
  const outside = ({ target }) => !target.closest?.("#colleagues, #colleagues-toggle") && toggle(false);
  for (const name of ["focusin", "pointerdown"]) document.addEventListener(name, outside);
  on("me", (me) => me && load());
  on("colleagues", render);
  document.addEventListener("visibilitychange", () => !document.hidden && now.me && load());
  setInterval(refresh, SOON_MS);
}

/** Loads who is here. */
export async function load() {
  loadedAt = Date.now();
  const list = await api.agents().catch(() => null);
  if (list && now.me) set("colleagues", list.data);
}

function refresh() {
  const after = at("colleagues").hidden ? AGAIN_MS : SOON_MS;
  if (now.me && now.connection === "open" && !document.hidden && Date.now() - loadedAt >= after) load();
}

function toggle(open) {
  const panel = at("colleagues");
  if (panel.hidden !== open) return;
  panel.hidden = !open;
  mark(at("colleagues-toggle"), "aria-expanded", String(open));
  if (open) load();
}

function leave(event) {
  if (event.key !== "Escape" || at("colleagues").hidden) return;
  event.stopPropagation();
  toggle(false);
  at("colleagues-toggle").focus();
}

function render() {
  const here = now.colleagues.filter(({ duty }) => duty === "on").length;
  at("colleagues-number").replaceChildren(String(here), unseen(` ${texts.colleagues.on_duty}`));
  at("colleagues-toggle").title = format(texts.colleagues.title, { number: here });
  const rank = ({ duty }) => DUTIES.indexOf(duty);
  at("colleagues-list").replaceChildren(...now.colleagues.toSorted((one, two) => rank(one) - rank(two)).map(entry));
}

function entry({ name, role, teams, duty }) {
  const shown = name === now.me?.name ? format(texts.people.yourself, { agent: name }) : name;
  const about = [role === "lead" && texts.colleagues.lead, ...(teams ?? [])].filter(Boolean).join(", ");
  return h(
    "li",
    { "data-duty": duty },
    h("span", { class: "duty-dot", "aria-hidden": "true" }),
    h("span", { class: "colleague", dir: "auto" }, shown),
    about && h("span", { class: "hint", dir: "auto" }, about),
    h("span", { class: "duty" }, texts.duties[duty]),
  );
}
