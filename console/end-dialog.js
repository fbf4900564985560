// The dialog that ends a conversation: what came of it, and a note. Both may be left out.

import { ask } from "./dialogs.js";
import { h } from "./dom.js";
import { format, texts } from "./language.js";
import { now } from "./store.js";
import { customer, outcomeWords } from "./words.js";

/** Keys choose the first nine. */
const DIGITS = 9;

/** Asks how a handoff ends. Resolves to `{outcome, note}`, or to null if it does not end. */
export async function askForEnding(handoff) {
  const outcomes = now.outcomes.map((outcome, index) => chip(outcome, outcomeWords(outcome), index + 1));
  const chips = h("div", { class: "chips", onkeydown: chooseByDigit }, chip("", texts.end.not_said, 0), outcomes);
  const note = h("textarea", { id: "end-note", maxlength: 50000, rows: 3, dir: "auto" });
  const sure = await ask({
    title: format(texts.end.title, { customer: customer(handoff) }),
    text: texts.end.about,
    fields: [
      outcomes.length > 0 && h("fieldset", { class: "outcomes" }, h("legend", {}, texts.end.outcome), chips),
      h("label", { for: "end-note" }, texts.common.note_for_colleagues),
      note,
    ],
    yes: texts.end.yes,
    tone: "bad",
  });
  if (!sure) return null;
  const chosen = chips.querySelector(":checked")?.value;
  return { outcome: chosen || undefined, note: note.value.trim() || undefined };
}

function chip(value, label, number) {
  const isFirst = number === 0;
  return h(
    "label",
    { class: "chip" },
    h("input", { type: "radio", name: "outcome", value, checked: isFirst, autofocus: isFirst }),
    number > 0 && number <= DIGITS && h("kbd", { "aria-hidden": "true" }, String(number)),
    h("span", { dir: "auto" }, label),
  );
}

function chooseByDigit(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !/^\d$/.test(event.key)) return;
  const radio = event.currentTarget.querySelectorAll("input")[Number(event.key)];
  if (!radio) return;
  radio.checked = true;
  radio.focus();
}
