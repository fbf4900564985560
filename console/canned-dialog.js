// The dialog that manages canned replies: a list, and a form for one reply.

import * as api from "./api.js";
import { find, ownMark } from "./canned.js";
import { ask, setUp as setUpDialog, show } from "./dialogs.js";
import { at, h, icon, toast } from "./dom.js";
import { collate, format, formatParts, texts } from "./language.js";
import { now, on, set } from "./store.js";

let edited = null;
let parts = null;

export function setUp() {
  const list = h("ul", { class: "replies", "aria-label": texts.common.canned_replies });
  const search = h("input", {
    type: "search",
    "aria-label": texts.canned.search,
    placeholder: texts.common.search,
    oninput: draw,
  });
  const add = h(
    "button",
    { type: "button", "data-action": "add-reply", onclick: () => edit({ title: "", text: "", owner: null }, true) },
    icon("plus"),
    texts.canned.new,
  );
  const form = makeForm();
  setUpDialog(
    "canned-dialog",
    texts.common.canned_replies,
    h("div", { class: "columns" }, h("div", { class: "column" }, h("div", { class: "bar" }, search, add), list), form),
  );
  parts = { list, search, form };
  on("canned", draw);
}

function makeForm() {
  const title = h("input", { id: "reply-title", required: true, maxlength: 100, autocomplete: "off", dir: "auto" });
  const text = h("textarea", { id: "reply-text", required: true, maxlength: 50000, rows: 8, dir: "auto" });
  const personal = h("input", { id: "reply-personal", type: "checkbox", role: "switch" });
  const only = h("span", { class: "switch-title" }, texts.canned.only_for_me);
  const whose = h("label", { class: "switch", for: "reply-personal" }, only, personal);
  const owned = h("p", { class: "hint", id: "reply-owned" });
  const remove = h(
    "button",
    { type: "button", class: "quiet bad", "data-action": "delete-reply", onclick: removeReply },
    texts.canned.delete,
  );
  const problem = h("p", { class: "problem", role: "alert" });
  const form = h(
    "form",
    { class: "column", onsubmit: save },
    h("label", { for: "reply-title" }, texts.canned.title),
    title,
    h("label", { for: "reply-text" }, texts.canned.text),
    text,
    h("p", { class: "hint" }, fieldsHint()),
    whose,
    owned,
    problem,
    h(
      "div",
      { class: "buttons" },
      remove,
      h("button", { type: "button", class: "quiet", onclick: () => edit(null) }, texts.common.cancel),
      h("button", { class: "main" }, texts.canned.save),
    ),
  );
  Object.assign(form, { fields: { title, text, personal, whose, owned, remove, problem } });
  return form;
}

/** Which fields are filled in. */
function fieldsHint() {
  const ours = ["{name}", "{agent}", "{email}", "{conversation_id}"];
  const fields = h("span", {}, ours.flatMap((field, index) => [index > 0 && " ", h("code", {}, field)]));
  return formatParts(texts.canned.fields, { fields, example: h("code", {}, "{account_number}") });
}

/** Opens the dialog. */
export function manage() {
  edit(null);
  parts.search.value = "";
  draw();
  show(at("canned-dialog"));
}

function draw() {
  if (!parts) return;
  const found = find(parts.search.value);
  const rows = found.map((reply) =>
    h(
      "li",
      { "data-canned-id": reply.id },
      h(
        "button",
        {
          type: "button",
          class: "reply",
          "aria-current": reply.id === edited?.id ? "true" : null,
          onclick: () => edit(reply, true),
        },
        h("span", { class: "canned-title", dir: "auto" }, reply.title, ownMark(reply)),
        h("span", { class: "canned-text", dir: "auto" }, reply.text),
      ),
    ),
  );
  const none = now.canned.length === 0 ? texts.canned.none_yet : texts.common.nothing_found;
  parts.list.replaceChildren(...(rows.length > 0 ? rows : [h("li", { class: "hint" }, none)]));
}

/** Shows a reply in the form; null closes the form. */
function edit(reply, focus = false) {
  edited = reply;
  const { form } = parts;
  const { title, text, personal, whose, owned, remove, problem } = form.fields;
  form.hidden = reply === null;
  title.value = reply?.title ?? "";
  text.value = reply?.text ?? "";
  problem.textContent = "";
  personal.checked = false;
  // Whose a reply is never changes.
  whose.hidden = Boolean(reply?.id);
  owned.textContent = !reply?.id ? "" : reply.owner ? texts.canned.is_yours : texts.canned.is_shared;
  remove.hidden = !reply?.id;
  at("canned-dialog").toggleAttribute("data-editing", reply !== null);
  draw();
  if (focus) title.focus();
}

async function save(event) {
  event.preventDefault();
  const { title, text, personal, problem } = parts.form.fields;
  const reply = { title: title.value.trim(), text: text.value };
  try {
    const saved = await (edited.id
      ? api.saveCannedReply(edited.id, reply)
      : api.addCannedReply({ ...reply, personal: personal.checked }));
    const others = now.canned.filter((one) => one.id !== saved.id);
    set(
      "canned",
      [...others, saved].sort((one, other) => collate(one.title, other.title)),
    );
    edit(null);
    toast(texts.canned.saved);
  } catch (error) {
    problem.textContent = error.message;
  }
}

async function removeReply() {
  const reply = edited;
  const sure = await ask({
    title: format(texts.canned.delete_title, { title: reply.title }),
    text: reply.owner ? texts.canned.delete_own : texts.canned.delete_shared,
    yes: texts.canned.delete,
    tone: "bad",
  });
  if (!sure) return;
  try {
    await api.deleteCannedReply(reply.id);
    set(
      "canned",
      now.canned.filter((one) => one.id !== reply.id),
    );
    edit(null);
  } catch (error) {
    parts.form.fields.problem.textContent = error.message;
  }
}
