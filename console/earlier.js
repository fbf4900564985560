// Other handoffs of the same conversation or customer: how each went, and what agents noted.

import * as api from "./api.js";
import { h } from "./dom.js";
import { chosenFields } from "./fields.js";
import { format, texts } from "./language.js";
import { putHandoff } from "./store.js";
import { exact, full } from "./time.js";
import { author, endWords } from "./words.js";

/** How many of a conversation, and how many of a customer, are shown. */
const MOST = 20;
/** How many are shown before the agent asks for more. */
const AT_ONCE = 3;
/** Rows of a thread that are loaded at once. */
const PAGE = 500;

let shown = null;

/** The section for an open handoff. It stays the same element while the same customer is shown. */
export function section(handoff) {
  const key = `${handoff.id} ${handoff.end_user.id}`;
  if (shown?.key !== key) {
    shown = { key, element: h("section", { class: "earlier", hidden: true }) };
    load(handoff, shown);
  }
  return shown.element;
}

/** Forgets what was loaded: no conversation is open. */
export function forget() {
  shown = null;
}

async function load(handoff, place) {
  const of = [{ conversation_id: handoff.conversation_id }, { end_user: handoff.end_user.id }];
  const known = of.filter((params) => Object.values(params)[0]);
  try {
    const pages = await Promise.all(known.map((params) => api.handoffs({ ...params, limit: MOST })));
    if (shown !== place) return;
    const all = new Map(pages.flatMap((page) => page.data).map((one) => [one.id, one]));
    all.delete(handoff.id);
    all.forEach(putHandoff);
    const newestFirst = [...all.values()].sort((one, other) => (one.created_at < other.created_at ? 1 : -1));
    const isLater = (one) => one.created_at > handoff.created_at;
    fill(place.element, newestFirst.filter(isLater), newestFirst.filter((one) => !isLater(one)));
  } catch {
    if (shown === place) fail(handoff, place);
  }
}

function fill(element, later, earlier) {
  element.hidden = later.length + earlier.length === 0;
  element.replaceChildren(
    ...[
      [texts.earlier.later, later],
      [texts.earlier.earlier, earlier],
    ]
      .filter(([, handoffs]) => handoffs.length > 0)
      .flatMap(([title, handoffs]) => [h("h3", {}, title), ...entries(handoffs)]),
  );
  // What was noted last is what an agent wants to know first.
  const newest = earlier.length > 0 && element.querySelector(`[data-handoff-id="${earlier[0].id}"] details`);
  if (newest) newest.open = true;
}

/** The newest ones; the rest is folded. */
function entries(handoffs) {
  const [first, rest] = [handoffs.slice(0, AT_ONCE), handoffs.slice(AT_ONCE)];
  const list = (some) => h("ol", {}, some.map(entry));
  const more = h("summary", {}, format(texts.earlier.more, { number: rest.length }));
  const folded = rest.length > 0 && h("details", {}, more, list(rest));
  return [list(first), folded].filter(Boolean);
}

function fail(handoff, place) {
  const again = () => load(handoff, place);
  place.element.hidden = false;
  place.element.replaceChildren(
    h("h3", {}, texts.earlier.earlier),
    h("p", { class: "hint" }, texts.earlier.failed),
    h("button", { type: "button", class: "small", onclick: again }, texts.common.try_again),
  );
}

const STANDS = {
  waiting: () => texts.earlier.waiting,
  active: (one) => format(texts.earlier.active, { agent: one.agent.name }),
  ended: endWords,
};

function entry(one) {
  const facts = chosenFields(one).map(([, text]) => text);
  const notes = h("div", { class: "notes" });
  const toggled = () => folded.open && loadNotes(one, notes);
  const folded = h("details", { ontoggle: toggled }, h("summary", {}, texts.earlier.notes), notes);
  const began = h("time", { datetime: one.created_at, title: exact(one.created_at) }, full(one.created_at));
  return h(
    "li",
    { "data-handoff-id": one.id },
    h("a", { href: `#/c/${one.id}` }, began),
    h("p", { class: "hint", dir: "auto" }, [STANDS[one.status](one), ...facts].join(" · ")),
    folded,
  );
}

/** Loads the notes of a handoff once. */
async function loadNotes(one, place) {
  if (place.dataset.state) return;
  place.dataset.state = "loading";
  place.replaceChildren(h("p", { class: "hint" }, texts.common.loading));
  try {
    const notes = [];
    for (let after = 0; after !== null;) {
      const page = await api.messages(one.id, after, PAGE);
      notes.push(...page.data.filter((row) => row.content.type === "note"));
      after = page.next_after;
    }
    place.replaceChildren(...(notes.length > 0 ? notes.map(note) : [h("p", { class: "hint" }, texts.earlier.no_notes)]));
  } catch {
    delete place.dataset.state;
    place.replaceChildren(h("p", { class: "hint" }, texts.earlier.notes_failed));
  }
}

const note = (row) =>
  h("blockquote", { dir: "auto" }, row.content.body, h("footer", { class: "hint" }, `${author(row)}, ${full(row.at)}`));
