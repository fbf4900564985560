// The list of canned replies above the composer: `/` opens it, typing filters it, Enter or Tab inserts one.

import { announce, at, h, mark } from "./dom.js";
import { fill, find, marked, ownMark } from "./canned.js";
import { manage } from "./canned-dialog.js";
import { format, texts } from "./language.js";
import { handoff, now } from "./store.js";

/** A slash at the beginning or after a space, and what is typed after it. */
const COMMAND = /(?:^|\s)\/([^/\n]{0,40})$/;
const SHOWN = 50;

export class Picker {
  #found = [];
  #active = 0;
  /** The position of the slash; null while the list is closed. */
  #from = null;

  /** Works on a text field; `changed()` is called after it wrote into it. */
  constructor(field, changed) {
    Object.assign(this, { field, changed });
    field.addEventListener("input", () => this.#look());
    field.addEventListener("click", () => this.#look());
    // The button takes the focus, and gives it back.
    field.addEventListener("blur", () => setTimeout(() => document.activeElement === field || this.close()));
    at("canned-list").addEventListener("mousedown", (event) => event.preventDefault());
  }

  /** Opens it with a slash at the cursor, as if it had been typed. */
  openByButton() {
    const { field } = this;
    field.focus();
    const space = /\S$/.test(field.value.slice(0, field.selectionStart)) ? " " : "";
    field.setRangeText(`${space}/`, field.selectionStart, field.selectionEnd, "end");
    this.changed();
    this.#look();
  }

  /** Handles a key if the list is open. Returns whether it did. */
  key(event) {
    if (this.#from === null) return false;
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (steps[event.key] && this.#found.length > 0) this.#activate(this.#active + steps[event.key]);
    else if ((event.key === "Enter" || event.key === "Tab") && this.#found.length > 0)
      this.#take(this.#found[this.#active]);
    else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  close() {
    this.#from = null;
    at("canned").hidden = true;
    mark(this.field, "aria-activedescendant", null);
  }

  #look() {
    const { field } = this;
    const typed =
      field.selectionStart === field.selectionEnd && COMMAND.exec(field.value.slice(0, field.selectionStart));
    if (!typed) return this.close();
    const opens = this.#from === null;
    this.#from = field.selectionStart - typed[1].length - 1;
    this.#found = find(typed[1]).slice(0, SHOWN);
    // No reply matches: the slash is part of the text.
    if (this.#found.length === 0 && typed[1] !== "") return this.close();
    this.#draw();
    if (opens) announce(format(texts.canned.found, { number: this.#found.length }));
  }

  #draw() {
    const options = this.#found.map((reply, index) =>
      h(
        "li",
        { role: "option", id: `canned-${index}`, "data-canned-id": reply.id, onclick: () => this.#take(reply) },
        h("span", { class: "canned-title", dir: "auto" }, reply.title, ownMark(reply)),
        h("span", { class: "canned-text", dir: "auto" }, this.#filled(reply)),
      ),
    );
    at("canned-list").replaceChildren(...options);
    at("canned-list").hidden = options.length === 0;
    at("canned-none").hidden = options.length > 0;
    at("canned-preview").hidden = options.length === 0;
    at("canned").hidden = false;
    this.#activate(0);
  }

  #activate(index) {
    const options = at("canned-list").children;
    if (options.length === 0) return;
    this.#active = (index + options.length) % options.length;
    for (const option of options) mark(option, "aria-selected", String(option === options[this.#active]));
    mark(this.field, "aria-activedescendant", options[this.#active].id);
    options[this.#active].scrollIntoView({ block: "nearest" });
    at("canned-preview").replaceChildren(...marked(this.#filled(this.#found[this.#active])));
  }

  /** A reply as it would stand in the open conversation. */
  #filled(reply) {
    return fill(reply.text, handoff(now.open));
  }

  #take(reply) {
    const { field } = this;
    const filled = this.#filled(reply);
    field.focus();
    field.setSelectionRange(this.#from, field.selectionStart);
    // Only so can the agent undo it. What a program sets ends what the browser can undo.
    if (!document.execCommand("insertText", false, filled)) {
      field.setRangeText(filled, field.selectionStart, field.selectionEnd, "end");
    }
    this.close();
    this.changed();
  }
}

/** Sets up the button that opens the dialog for managing replies. */
export function setUp() {
  at("canned-manage").addEventListener("mousedown", (event) => event.preventDefault());
  at("canned-manage").addEventListener("click", () => manage());
}
