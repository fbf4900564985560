// The thread on the page: its rows in order, the unread divider, and the count of new messages below the visible part.

import { at, h } from "./dom.js";
import { format, texts } from "./language.js";
import { RowWindow } from "./row-window.js";
import { drawRow, joinRow, makeRow, pendingRow } from "./rows.js";
import { now } from "./store.js";
import { before } from "./threads.js";

/** Whether a row counts as unread until it is read. */
const countsAsUnread = (row) =>
  row.author.role === "end_user" && (row.source === "webhook" || row.source === "recovered");

/** What a pending row shows, except its upload progress. */
const looks = (row) => JSON.stringify({ ...row, upload: row.upload && { ...row.upload, part: 0 } });

/** The thread of one handoff. `bottom()` is called when its end becomes visible. */
export class ThreadView {
  #order = [];
  /** The divider is above the first unread row after this `seq`; null for none. */
  #readUpTo = null;
  #missed = 0;

  constructor({ thread, handoff, actions, bottom }) {
    Object.assign(this, { thread, handoff, actions, bottom });
    this.#readUpTo = handoff.unread > 0 && Number.isInteger(handoff.read_seq) ? handoff.read_seq : null;
    this.rows = new RowWindow({
      scroller: at("thread"),
      list: at("messages"),
      above: at("room-above"),
      below: at("room-below"),
      make: () => ({ handoff, actions }),
      divided: () => this.#firstUnread(),
    });
    at("pending").replaceChildren();
    this.take([...thread.rows.keys()]);
    const unread = this.#firstUnread();
    const top = at("thread").getBoundingClientRect().top;
    const divider = document.getElementById("unread-divider");
    if (unread && !(divider?.getBoundingClientRect().top > top)) this.rows.toRow(unread);
    this.scrolled();
  }

  get atBottom() {
    return this.rows.atBottom;
  }

  toBottom() {
    this.rows.toBottom();
    this.scrolled();
  }

  /** Handles scrolling: draws more rows, and notices when the end is visible. */
  scrolled() {
    this.rows.scrolled();
    if (this.atBottom) {
      this.#missed = 0;
      this.bottom();
    }
    this.#show();
  }

  /** Shows rows that are new, have changed, or are gone. A row that takes the place of an arriving one keeps its element. */
  take(ids) {
    const { rows } = this.thread;
    const known = new Set(this.#order.map((row) => row.id));
    const fresh = ids.filter((id) => rows.has(id) && !known.has(id)).map((id) => rows.get(id));
    const settled = fresh.filter((row) => known.has(row.was));
    for (const row of settled) this.rows.rename(row.was, row.id);
    const wasAtBottom = this.atBottom;
    this.#order = [...rows.values()].sort((one, other) => (before(one, other) ? -1 : 1));
    this.rows.show(this.#order, ids);
    if (known.size > 0) this.#notice(fresh, settled, wasAtBottom);
    this.#show();
  }

  #firstUnread() {
    if (this.#readUpTo === null) return undefined;
    return this.#order.find((row) => row.seq > this.#readUpTo && countsAsUnread(row));
  }

  /**
   * Counts new rows outside the visible part, and draws the divider above the first unread one. Those that are `settled`
   * were counted when they arrived.
   */
  #notice(rows, settled, wasAtBottom) {
    const live = rows.filter((row) => row.live);
    if (wasAtBottom && !document.hidden) return this.bottom();
    const counts = (row) => row.author.role !== "system" && !settled.includes(row);
    if (!wasAtBottom) this.#missed += live.filter(counts).length;
    const unread = live.filter((row) => countsAsUnread(row) && !row.arriving);
    if (this.#readUpTo === null && unread.length > 0) this.#divide(Math.min(...unread.map((row) => row.seq)) - 1);
  }

  /** Draws the divider after the rows up to `seq`; null removes it. */
  #divide(seq) {
    const old = this.#firstUnread();
    this.#readUpTo = seq;
    this.rows.rejoin([old, this.#firstUnread()].filter(Boolean));
  }

  /** The agent has answered: nothing is unread. */
  answered() {
    this.#divide(null);
    this.toBottom();
  }

  #show() {
    const pill = at("new-messages");
    pill.hidden = this.atBottom;
    const { new_messages: some, to_newest: none } = texts.thread;
    at("new-messages-text").textContent = this.#missed > 0 ? format(some, { number: this.#missed }) : none;
    pill.toggleAttribute("data-new", this.#missed > 0);
    at("thread-top").hidden = this.thread.whole;
  }

  /** Draws the pending rows. */
  pending(items, actions) {
    const rows = items.map((item) => pendingRow(item, now.me.name));
    const place = at("pending");
    const drawn = new Map([...place.children].map((element) => [element.row.id, element]));
    this.rows.stay(() => {
      const made = rows.map((row, index) => {
        const element = drawn.get(row.id) ?? makeRow(row, this.handoff, actions);
        if (looks(element.row) !== looks(row)) drawRow(element, row);
        joinRow(element, rows[index - 1] ?? this.rows.last, false);
        return element;
      });
      // Elements that are in place already are not moved, so that the focus stays.
      const same = made.length === place.children.length && made.every((one, index) => one === place.children[index]);
      if (!same) place.replaceChildren(...made);
    });
  }
}

/** The placeholder for a thread that can't be shown. */
export function threadState(text, retry) {
  return h(
    "div",
    { class: "empty" },
    h("p", {}, text),
    retry && h("button", { type: "button", onclick: retry }, texts.common.try_again),
  );
}
