// Rows of different heights in a scroller that counts from the bottom (`column-reverse`), so that visible rows don't
// move when rows above them grow. Only a window of rows is in the document. Empty space stands for the rows above and
// below it.

import { mark } from "./dom.js";
import { drawRow, guessHeight, joinRow, makeRow } from "./rows.js";

/** Rows drawn at first, rows drawn with each further step, and the most that stay drawn. */
const FIRST = 40;
const STEP = 10;
const MOST = 120;
/** How close to the bottom counts as there. */
const BOTTOM_PX = 24;

/**
 * Shows rows in `list`, between the spacers `above` and `below`. `make(row)` returns what `makeRow` needs besides the
 * row: `{handoff, actions}`. `divided()` returns the row below the divider.
 */
export class RowWindow {
  #order = [];
  #from = 0;
  #to = 0;
  #elements = new Map();
  #heights = new Map();

  constructor({ scroller, list, above, below, make, divided }) {
    Object.assign(this, { scroller, list, above, below, make, divided });
    list.replaceChildren();
    scroller.scrollTop = 0;
    this.#room();
  }

  /** Whether the newest row is visible. */
  get atBottom() {
    return this.scroller.scrollTop > -BOTTOM_PX && this.#to === this.#order.length;
  }

  get last() {
    return this.#order.at(-1);
  }

  has(id) {
    return this.#elements.has(id);
  }

  /** A row has another id from now on. */
  rename(from, to) {
    for (const known of [this.#elements, this.#heights]) {
      if (known.has(from)) known.set(to, known.get(from));
      known.delete(from);
    }
  }

  /** Shows the end. */
  toBottom() {
    if (this.#to < this.#order.length) this.#jump(this.#order.length - FIRST, this.#order.length);
    this.scroller.scrollTop = 0;
  }

  /** Shows a row at the top. */
  toRow(row) {
    const index = this.#order.indexOf(row);
    if (!this.has(row.id)) this.#jump(index - FIRST / 2, index + FIRST);
    this.#align(row);
  }

  /** Shows rows in this order. The rows with the ids `changed` are new or have changed. */
  show(order, changed) {
    const atEnd = this.#to === this.#order.length;
    this.#stay(() => {
      for (const id of changed) this.#heights.delete(id);
      this.#order = order;
      const places = this.#places();
      this.#to = atEnd || places.length === 0 ? order.length : places.at(-1) + 1;
      this.#from = places.length > 0 ? places[0] : order.length - FIRST;
      if (atEnd) this.#from = Math.max(this.#from, this.#to - MOST);
      this.#draw(changed);
    });
  }

  /** The indexes of the drawn rows. */
  #places() {
    const places = [];
    this.#order.forEach((row, index) => this.#elements.has(row.id) && places.push(index));
    return places;
  }

  /** Draws again those parts of these rows that depend on the row before. */
  rejoin(rows) {
    this.#stay(() => this.#join(rows.map((row) => this.#order.indexOf(row))));
  }

  /** Draws rows that scrolling brings near, and removes rows that are far away. */
  scrolled() {
    const view = this.scroller.getBoundingClientRect();
    const drawn = this.list.getBoundingClientRect();
    if (drawn.bottom < view.top || drawn.top > view.bottom) return this.#jumpTo(view.top);
    if (this.#from > 0 && drawn.top > view.top - view.height) {
      this.#from -= STEP;
      this.#to = Math.min(this.#to, Math.max(0, this.#from) + MOST);
    } else if (this.#to < this.#order.length && drawn.bottom < view.bottom + view.height) {
      this.#to += STEP;
      this.#from = Math.max(this.#from, Math.min(this.#to, this.#order.length) - MOST);
    } else return;
    this.#stay(() => this.#draw([]));
  }

  /** Keeps visible rows in their place during a change. */
  #stay(change) {
    if (this.atBottom) return change();
    const anchor = this.#inSight();
    const was = anchor?.getBoundingClientRect().top;
    change();
    if (anchor?.isConnected) this.scroller.scrollTop += anchor.getBoundingClientRect().top - was;
  }

  /** Keeps visible rows in their place while something outside the list changes. */
  stay(change) {
    this.#stay(change);
  }

  /** The first drawn row that reaches below the scroller's top. */
  #inSight() {
    const { top } = this.scroller.getBoundingClientRect();
    const { children } = this.list;
    let [low, high] = [0, children.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (children[middle].getBoundingClientRect().bottom > top) high = middle;
      else low = middle + 1;
    }
    return children[low];
  }

  /** Draws the rows at a position far from the drawn ones. */
  #jumpTo(top) {
    let index = 0;
    for (let room = top - this.above.getBoundingClientRect().top; index < this.#order.length - 1; index += 1) {
      room -= this.#height(this.#order[index]);
      if (room < 0) break;
    }
    this.#jump(index - FIRST / 2, index + FIRST);
    this.#align(this.#order[index]);
  }

  #jump(from, to) {
    [this.#from, this.#to] = [from, to];
    this.#draw([]);
  }

  #align(row) {
    const { top } = this.scroller.getBoundingClientRect();
    this.scroller.scrollTop += this.#elements.get(row.id).getBoundingClientRect().top - top;
  }

  /** Updates the document: draws rows of the window that are new, missing, or in `changed`. */
  #draw(changed) {
    this.#from = Math.max(0, this.#from);
    this.#to = Math.min(this.#to, this.#order.length);
    const wanted = this.#order.slice(this.#from, this.#to);
    this.#drop(new Set(wanted.map((row) => row.id)));
    const touched = new Set();
    const asked = new Set(changed);
    let next = null;
    for (let index = this.#to - 1; index >= this.#from; index -= 1) {
      const row = this.#order[index];
      const element = this.#elements.get(row.id) ?? this.#make(row);
      if (element.row !== row) drawRow(element, row);
      if (element.nextSibling !== next || element.parentNode !== this.list) this.list.insertBefore(element, next);
      if (asked.has(row.id) || element.isNew) touched.add(index).add(index + 1);
      element.isNew = false;
      next = element;
    }
    this.#join(touched);
    this.#room();
  }

  #make(row) {
    const { handoff, actions } = this.make(row);
    const element = makeRow(row, handoff, actions);
    element.isNew = true;
    this.#elements.set(row.id, element);
    return element;
  }

  /** Removes rows that are no longer wanted, and remembers their heights. */
  #drop(wanted) {
    const gone = [...this.#elements].filter(([id]) => !wanted.has(id));
    for (const [id, element] of gone) this.#heights.set(id, element.getBoundingClientRect().height);
    for (const [id, element] of gone) {
      element.remove();
      this.#elements.delete(id);
    }
  }

  #join(indexes) {
    const divided = this.divided();
    for (const index of indexes) {
      const [previous, row] = [this.#order[index - 1], this.#order[index]];
      const element = this.#elements.get(row?.id);
      const joined = element && joinRow(element, previous, row === divided);
      const above = this.#elements.get(previous?.id);
      // Only the last row of a group shows its time.
      if (above) mark(above, "data-followed", joined);
    }
  }

  #height(row) {
    return this.#heights.get(row.id) ?? guessHeight(row);
  }

  /** Sets the heights of the spacers for the rows that aren't drawn. */
  #room() {
    const room = (rows) => `${rows.reduce((sum, row) => sum + this.#height(row), 0)}px`;
    this.above.style.height = room(this.#order.slice(0, this.#from));
    this.below.style.height = room(this.#order.slice(this.#to));
  }
}
