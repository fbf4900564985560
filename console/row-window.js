// Rows of different heights in a scroller that counts from the bottom (`column-reverse`): what grows above moves
// nothing in sight. Only a window of rows is in the document; room is kept for those above and below it.

import { mark } from "./dom.js";
import { drawRow, guessHeight, joinRow, makeRow } from "./rows.js";

/** Rows drawn at first, rows drawn with each further step, and the most that stay drawn. */
const FIRST = 40;
const STEP = 10;
const MOST = 120;
/** How close to the bottom counts as there. */
const BOTTOM_PX = 24;

/**
 * Shows rows in `list`, between the rooms `above` and `below`. `make(row)` says what `makeRow` needs beside the row:
 * `{handoff, actions}`; `divided()` gives the row that the divider stands above.
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

  /** Whether the newest row is in sight. */
  get atBottom() {
    return this.scroller.scrollTop > -BOTTOM_PX && this.#to === this.#order.length;
  }

  get last() {
    return this.#order.at(-1);
  }

  has(id) {
    return this.#elements.has(id);
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

  /** Takes an order of rows, of which `changed` ids are new, or other than before. */
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

  /** Where those stand that are drawn. */
  #places() {
    const places = [];
    this.#order.forEach((row, index) => this.#elements.has(row.id) && places.push(index));
    return places;
  }

  /** Draws anew what depends on the rows before these. */
  rejoin(rows) {
    this.#stay(() => this.#join(rows.map((row) => this.#order.indexOf(row))));
  }

  /** Draws what scrolling brings near, and drops what it leaves far behind. */
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

  /** Keeps what is in sight where it is while something changes. */
  #stay(change) {
    if (this.atBottom) return change();
    const anchor = this.#inSight();
    const was = anchor?.getBoundingClientRect().top;
    change();
    if (anchor?.isConnected) this.scroller.scrollTop += anchor.getBoundingClientRect().top - was;
  }

  /** Keeps what is in sight where it is while something outside the list changes. */
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

  /** Draws what stands at a place that was scrolled to in one go. */
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

  /** Brings the document to the window: rows that are in it and `changed`, new or missing are drawn. */
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

  /** Takes out what is no longer wanted, and remembers its height. */
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
      // The time stands under the last of those that belong together.
      if (above) mark(above, "data-followed", joined);
    }
  }

  #height(row) {
    return this.#heights.get(row.id) ?? guessHeight(row);
  }

  /** Keeps room for what isn't drawn. */
  #room() {
    const room = (rows) => `${rows.reduce((sum, row) => sum + this.#height(row), 0)}px`;
    this.above.style.height = room(this.#order.slice(0, this.#from));
    this.below.style.height = room(this.#order.slice(this.#to));
  }
}
