// What the agent had begun to write, in a conversation where they can't send it any more.

import { copy } from "./clipboard.js";
import { h, icon, toast } from "./dom.js";
import { texts } from "./language.js";
import { draft, keepDraft } from "./memory.js";
import { now } from "./store.js";

const MODES = ["reply", "note"];

/** The kinds of drafts that a conversation has. */
export const kept = (id, modes = MODES) => modes.filter((mode) => draft(now.me.name, id, mode).trim());

/** A button that copies a draft. */
export const copyButton = (id, mode) =>
  h(
    "button",
    {
      type: "button",
      class: "small",
      "data-action": "copy-draft",
      onclick: () => copyDraft(id, mode),
    },
    icon("copy"),
    mode === "note" ? texts.drafts.copy_note : texts.drafts.copy_reply,
  );

function copyDraft(id, mode) {
  const text = draft(now.me.name, id, mode);
  if (text) copy(text);
  else toast(texts.drafts.none);
}

/** Shows drafts of a conversation, each with its buttons. `dropped` is called after one was discarded. */
export function boxes(id, modes, dropped) {
  return kept(id, modes).map((mode) => {
    const drop = () => {
      keepDraft(now.me.name, id, mode, "");
      dropped();
    };
    return h(
      "section",
      { class: "kept-draft", "data-mode": mode, "aria-label": texts.kept_drafts[mode] },
      h("h3", {}, texts.kept_drafts[mode]),
      h("blockquote", { dir: "auto", tabindex: "0" }, draft(now.me.name, id, mode)),
      h(
        "p",
        { class: "bar" },
        copyButton(id, mode),
        h("button", { type: "button", class: "quiet small", "data-action": "drop-draft", onclick: drop }, texts.drafts.discard),
      ),
    );
  });
}
