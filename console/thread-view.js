// The thread on the page. It begins at its end and grows upwards while nothing else is to do, so that long ones open
// at once. Its scroller counts from the bottom (`column-reverse`): what grows above moves nothing in sight.

import { at, h } from "./dom.js";
import { drawRow, joinRow, makeRow, pendingRow } from "./rows.js";
import { now } from "./store.js";
import { before } from "./threads.js";
import { count } from "./words.js";

/** Rows drawn at once, and rows drawn with each further step. */
const FIRST = 60;
const STEP = 60;
/** Rows drawn without being scrolled to. */
const IDLE_ROWS = 600;
/** How close to the bottom counts as there. */
const BOTTOM_PX = 24;

const idle = window.requestIdleCallback ?? ((act) => setTimeout(act, 30));

/** Whether a row counts as unread until it is read. */
const countsAsUnread = (row) =>
  row.author.role === "end_user" && (row.source === "webhook" || row.source === "recovered");

/** The thread of one handoff in `#messages`. `events`: `bottom()` when its end comes into sight. */
export class ThreadView {
  #elements = new Map();
  #order = [];
  /** Place in the order of the first row that is drawn. */
  #from = 0;
  #readUpTo = null;
  #missed = 0;
  #growing = false;

  constructor({ thread, handoff, actions, bottom }) {
    Object.assign(this, { thread, handoff, actions, bottom });
    this.scroller = at("thread");
    this.list = at("messages");
    this.list.replaceChildren();
    at("pending").replaceChildren();
    this.scroller.scrollTop = 0;
    this.#readUpTo = handoff.unread > 0 && Number.isInteger(handoff.read_seq) ? handoff.read_seq : null;
    this.#showMissed();
    if (thread.rows.size > 0) this.take([...thread.rows.keys()]);
  }

  /** Whether the newest message is in sight. */
  get atBottom() {
    return this.scroller.scrollTop > -BOTTOM_PX;
  }

  toBottom() {
    this.scroller.scrollTop = 0;
    this.scrolled();
  }

  /** Looks at what scrolling means: the end is in sight, or more is needed at the top. */
  scrolled() {
    if (this.atBottom) {
      this.#missed = 0;
      this.bottom();
    }
    this.#showMissed();
    this.#growSoon();
  }

  /** Takes over rows that are new or have changed. */
  take(ids) {
    const { rows } = this.thread;
    const begins = this.#elements.size === 0;
    const fresh = ids.filter((id) => !this.#elements.has(id) || this.#moved(rows.get(id)));
    this.#stay(() => {
      for (const id of ids) {
        const element = this.#elements.get(id);
        if (element && !this.#moved(rows.get(id))) drawRow(element, rows.get(id));
      }
      if (fresh.length > 0) this.#place(fresh, begins);
    });
    if (begins) this.#toUnread();
    else this.#notice(fresh.map((id) => rows.get(id)));
    this.#growSoon();
  }

  #moved(row) {
    const drawn = this.#elements.get(row.id)?.row;
    return drawn && (drawn.at !== row.at || drawn.seq !== row.seq);
  }

  /** Puts rows where they belong, and draws those that stand behind the first drawn one. */
  #place(ids, begins) {
    const { rows } = this.thread;
    for (const id of ids) {
      this.#elements.get(id)?.remove();
      this.#elements.delete(id);
    }
    const first = this.#order.slice(this.#from).find((row) => this.#elements.has(row.id));
    this.#order = [...rows.values()].sort((one, other) => (before(one, other) ? -1 : 1));
    const known = first ? this.#order.findIndex((row) => row.id === first.id) : -1;
    this.#from = known >= 0 ? this.#reach(known, ids) : begins ? this.#beginning() : Math.max(0, this.#order.length - FIRST);
    this.#draw();
  }

  /** Rows that came live just above what is drawn are drawn too, so that nothing of the end is missing. */
  #reach(known, ids) {
    return ids.length < STEP && this.thread.whole && this.#from === 0 ? 0 : known;
  }

  #beginning() {
    const unread = this.#firstUnread();
    const wanted = this.#order.length - FIRST;
    return Math.max(0, unread ? Math.min(wanted, this.#order.indexOf(unread) - 5) : wanted);
  }

  #firstUnread() {
    if (this.#readUpTo === null) return undefined;
    return this.#order.find((row) => row.seq > this.#readUpTo && countsAsUnread(row));
  }

  /** Draws what should be drawn and isn't, from the end to the beginning. */
  #draw() {
    const touched = [];
    let next = null;
    for (let index = this.#order.length - 1; index >= this.#from; index -= 1) {
      const row = this.#order[index];
      let element = this.#elements.get(row.id);
      if (!element) {
        element = makeRow(row, this.handoff, this.actions);
        this.#elements.set(row.id, element);
        this.list.insertBefore(element, next);
        touched.push(index, index + 1);
      }
      next = element;
    }
    this.#join(touched);
  }

  #join(indexes) {
    const unread = this.#firstUnread();
    for (const index of new Set(indexes)) {
      const element = this.#elements.get(this.#order[index]?.id);
      if (element) joinRow(element, this.#order[index - 1], this.#order[index] === unread);
    }
  }

  /** Keeps what is in sight where it is while something changes below it. */
  #stay(change) {
    if (this.atBottom) return change();
    const top = this.scroller.getBoundingClientRect().top;
    const anchor = this.#inSight(top);
    const was = anchor?.getBoundingClientRect().top;
    change();
    if (anchor?.isConnected) this.scroller.scrollTop += anchor.getBoundingClientRect().top - was;
  }

  /** The first row that reaches below `top`. */
  #inSight(top) {
    const { children } = this.list;
    let [low, high] = [0, children.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (children[middle].getBoundingClientRect().bottom > top) high = middle;
      else low = middle + 1;
    }
    return children[low];
  }

  /** Opens at the first unread message if the end doesn't show it. */
  #toUnread() {
    const divider = document.getElementById("unread-divider");
    const top = this.scroller.getBoundingClientRect().top;
    if (divider && divider.getBoundingClientRect().top < top) divider.scrollIntoView({ block: "start" });
    this.scrolled();
  }

  /** Counts what came out of sight, and draws the divider above what came unseen. */
  #notice(rows) {
    const live = rows.filter((row) => row && row.heard > 0 && row.source !== "transcript");
    const seen = this.atBottom && !document.hidden;
    if (seen) return this.bottom();
    this.#missed += this.atBottom ? 0 : live.filter((row) => row.author.role !== "system").length;
    const unread = live.filter(countsAsUnread);
    if (this.#readUpTo === null && unread.length > 0) {
      this.#divide(Math.min(...unread.map((row) => row.seq)) - 1);
    }
    this.#showMissed();
  }

  /** Draws the divider behind what is read up to `seq`; null takes it away. */
  #divide(seq) {
    const old = this.#firstUnread();
    this.#readUpTo = seq;
    this.#join([old, this.#firstUnread()].filter(Boolean).map((row) => this.#order.indexOf(row)));
  }

  /** The agent has answered: nothing is unread. */
  answered() {
    this.#divide(null);
    this.toBottom();
  }

  #showMissed() {
    const pill = at("new-messages");
    pill.hidden = this.atBottom;
    at("new-messages-text").textContent = this.#missed > 0 ? count(this.#missed, "new message") : "To the newest";
    pill.toggleAttribute("data-new", this.#missed > 0);
  }

  #growSoon() {
    const { scrollTop, clientHeight, scrollHeight } = this.scroller;
    const nearTop = scrollHeight + scrollTop - clientHeight < clientHeight * 3;
    const wanted = this.#from > 0 && (nearTop || this.#elements.size < IDLE_ROWS);
    at("thread-top").hidden = this.thread.whole && this.#from === 0;
    if (!wanted || this.#growing) return;
    this.#growing = true;
    const act = () => {
      this.#growing = false;
      if (!this.list.isConnected || this.gone) return;
      this.#from = Math.max(0, this.#from - STEP);
      this.#draw();
      this.#growSoon();
    };
    if (nearTop) requestAnimationFrame(act);
    else idle(act);
  }

  /** Draws what is on its way to the relay. */
  pending(items, actions) {
    const list = at("pending");
    const rows = items.map((item) => pendingRow(item, now.me.name));
    const made = rows.map((row, index) => {
      const element = makeRow(row, this.handoff, actions);
      joinRow(element, rows[index - 1] ?? this.#order.at(-1), false);
      return element;
    });
    this.#stay(() => list.replaceChildren(...made));
  }

  /** Another thread takes its place. */
  leave() {
    this.gone = true;
  }
}

/** What stands in the thread's place while there is none. */
export function threadState(text, retry) {
  return h("div", { class: "empty" }, h("p", {}, text), retry && h("button", { type: "button", onclick: retry }, "Try again"));
}
