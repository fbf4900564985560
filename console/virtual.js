// A list of thousands of rows of equal height. Only visible rows are in the document.

import { mark } from "./dom.js";

/** Rows kept above and below the visible ones. */
const SPARE = 6;

/**
 * Shows `items` in `list`, which scrolls in `scroller`. `make(item)` returns a row's element, an `li`; `update(element,
 * item)` brings it up to date; `height()` is a row's height in pixels; the row with the id `keeps()` stays in the document.
 */
export class VirtualList {
  #elements = new Map();
  #items = [];
  #ids = new Map();

  constructor({ scroller, list, make, update, height, keeps }) {
    Object.assign(this, { scroller, list, make, update, height, keeps });
    scroller.addEventListener("scroll", () => this.render(), { passive: true });
    new ResizeObserver(() => this.render()).observe(scroller);
  }

  /** Shows other items. Each has an `id`. */
  show(items) {
    if (items !== this.#items) {
      this.#items = items;
      this.#ids = new Map(items.map((item, index) => [item.id, index]));
    }
    this.render();
  }

  get items() {
    return this.#items;
  }

  indexOf(id) {
    return this.#ids.get(id) ?? -1;
  }

  /** Brings the visible rows up to date. */
  render() {
    const height = this.height();
    const { scrollTop, clientHeight } = this.scroller;
    const first = Math.max(0, Math.floor(scrollTop / height) - SPARE);
    const last = Math.min(this.#items.length, Math.ceil((scrollTop + clientHeight) / height) + SPARE);
    this.list.style.height = `${this.#items.length * height}px`;
    const wanted = new Map();
    for (let index = first; index < last; index += 1) wanted.set(this.#items[index].id, index);
    // A row that has the focus stays in the document, even outside the visible part.
    const focused = document.activeElement?.closest("li[data-handoff-id]")?.dataset.handoffId;
    for (const id of [focused, this.keeps()]) if (this.#ids.has(id)) wanted.set(id, this.#ids.get(id));
    for (const [id, element] of this.#elements) {
      if (wanted.has(id)) continue;
      element.remove();
      this.#elements.delete(id);
    }
    for (const [id, index] of wanted) this.#place(id, index, height);
    this.#arrange();
  }

  /** Screen readers and the Tab key follow the order in the document. An element that moves there loses the focus. */
  #arrange() {
    const inOrder = [...this.#elements].sort(([one], [other]) => this.indexOf(one) - this.indexOf(other));
    const elements = inOrder.map(([, element]) => element);
    if (elements.every((element, index) => this.list.children[index] === element)) return;
    const focused = elements.findIndex((element) => element.contains(document.activeElement));
    for (const element of elements.slice(0, Math.max(focused, 0))) this.list.insertBefore(element, elements[focused]);
    this.list.append(...elements.slice(focused + 1));
  }

  #place(id, index, height) {
    const item = this.#items[index];
    const element = this.#elements.get(id) ?? this.make(item);
    this.update(element, item);
    mark(element, "aria-setsize", this.#items.length);
    mark(element, "aria-posinset", index + 1);
    element.style.transform = `translateY(${index * height}px)`;
    this.#elements.set(id, element);
  }

  /** Scrolls to a row and returns its element. */
  reveal(index) {
    const height = this.height();
    const top = index * height;
    const { scroller } = this;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top + height > scroller.scrollTop + scroller.clientHeight) {
      scroller.scrollTop = top + height - scroller.clientHeight;
    }
    this.render();
    return this.#elements.get(this.#items[index].id);
  }
}
