// The queue: the lists and a search. Only visible rows are drawn, so that thousands of rows scroll smoothly.

import { announce, at, batched, h, icon, mark, unseen } from "./dom.js";
import { chosenFilters, clearFilters, fitting } from "./filters.js";
import * as filterMenu from "./filter-menu.js";
import { arrows, format, texts } from "./language.js";
import { LISTS, arranged, forgetEnded, found, lists, search, searchFor, searchOn } from "./lists.js";
import { remembered } from "./memory.js";
import * as row from "./queue-row.js";
import { now, on } from "./store.js";
import { load, loadMore, past } from "./sync.js";
import { VirtualList } from "./virtual.js";
import { customer } from "./words.js";

const SEARCH_AFTER_MS = 50;
const TICK_MS = 1000;
/** The next page is loaded when this many rows or fewer are left below the visible part. */
const AHEAD = 30;

/** Of a filtered list of handoffs that are over, or a filtered search, this many pages are looked through before the agent asks for more. */
const PAGES = 5;

let chosen = "waiting";
let reach = PAGES;
let view = null;
/** The row from which `j` and `k` move. */
let cursor = null;

/** The row that the Tab key reaches: the list is one stop, and keys move within it. */
const stop = () => [cursor, now.open].find((id) => view.indexOf(id) >= 0) ?? view.items[0]?.id;

/** Sets the queue up in its place in the page. */
export function setUp() {
  chosen = LISTS[remembered.list] ? remembered.list : "waiting";
  const update = (element, item) => {
    row.update(element, item, search.text ? "search" : chosen);
    mark(element.firstChild, "tabindex", item.id === stop() ? "0" : "-1");
  };
  const { make, height } = row;
  view = new VirtualList({ scroller: at("queue-scroller"), list: at("queue-list"), make, update, height, keeps: stop });
  at("queue-scroller").addEventListener("scroll", loadAhead, { passive: true });
  at("queue-list").addEventListener("focusin", ({ target }) => {
    cursor = target.closest("li")?.dataset.handoffId ?? cursor;
    view.render();
  });
  setUpTabs();
  setUpSearch();
  filterMenu.setUp();
  filterMenu.show(chosen);
  at("queue-more").addEventListener("click", () => {
    reach += PAGES;
    loadAhead();
  });
  at("queue-retry").addEventListener("click", () =>
    search.text ? searchOn() : past[chosen] ? loadMore(chosen) : load(),
  );
  on("connection", (connection) => connection === "open" && search.state === "failed" && searchOn());
  on("filters", () => (reach = PAGES));
  const topics = ["filters", "handoff", "queue", "open", "me", "fields", "past", "present", "search"];
  for (const topic of topics) on(topic, batched(render));
  setInterval(() => !document.hidden && view.render(), TICK_MS);
  render();
}

function setUpTabs() {
  const tabs = Object.keys(LISTS).map((name) =>
    h(
      "button",
      {
        type: "button",
        role: "tab",
        id: `tab-${name}`,
        "data-list": name,
        "aria-controls": "queue-panel",
        onclick: () => choose(name),
      },
      texts.lists[name],
      " ",
      h("span", { class: "number" }),
    ),
  );
  at("queue-tabs").append(...tabs);
  at("queue-tabs").addEventListener("keydown", (event) => {
    const step = { [arrows.forth]: 1, [arrows.back]: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = tabs[(tabs.findIndex((tab) => tab.dataset.list === chosen) + step + tabs.length) % tabs.length];
    choose(next.dataset.list);
    next.focus();
  });
}

function setUpSearch() {
  const field = at("search");
  let timer = null;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => find(field.value.trim()), field.value ? SEARCH_AFTER_MS : 0);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && field.value) {
      event.stopPropagation();
      field.value = "";
      find("");
    } else if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      step(1);
    }
  });
}

function find(text) {
  reach = PAGES;
  searchFor(text);
}

/** Shows one of the lists. */
export function choose(name) {
  remembered.list = chosen = name;
  if (search.text) {
    at("search").value = "";
    searchFor("");
  }
  cursor = null;
  reach = PAGES;
  at("queue-scroller").scrollTop = 0;
  filterMenu.show(name);
  render();
}

/** Moves the focus by `by` rows; without end to the first or the last one. */
export function step(by) {
  const { items } = view;
  if (items.length === 0) return;
  const from = view.indexOf(cursor ?? now.open);
  const index = from < 0 && Number.isFinite(by) ? (by > 0 ? 0 : items.length - 1) : Math.min(items.length - 1, Math.max(0, from + by));
  cursor = items[index].id;
  view.reveal(index)?.querySelector("a").focus({ preventScroll: true });
}

/** Puts the focus back on the row of the handoff that is or was open, or on the list. */
export function focusRow(id) {
  const index = view.indexOf(id);
  if (index >= 0) view.reveal(index).querySelector("a").focus({ preventScroll: true });
  else at(`tab-${chosen}`).focus();
}

function shownItems() {
  if (search.text) return fitting(found());
  return arranged(chosen);
}

function render() {
  if (!now.me) return view.show([]);
  if (!search.text && past[chosen]?.state === "idle" && past[chosen].end === null) loadMore(chosen);
  renderTabs();
  const items = shownItems();
  view.show(items);
  renderState(items.length);
  loadAhead();
  forgetEnded(chosen);
}

function renderTabs() {
  for (const tab of at("queue-tabs").children) {
    const { list } = tab.dataset;
    const selected = list === chosen && !search.text;
    mark(tab, "aria-selected", selected ? "true" : "false");
    mark(tab, "tabindex", list === chosen ? "0" : "-1");
    const [number, what] = counted(list);
    if (tab.lastChild.dataset.number === String(number)) continue;
    tab.lastChild.dataset.number = number;
    tab.lastChild.replaceChildren(...(number > 0 ? [number > 999 ? "999+" : String(number), unseen(` ${what}`)] : []));
  }
  mark(at("queue-panel"), "aria-labelledby", `tab-${chosen}`);
}

/** What the number beside a list counts: the people who wait, and the messages that the agent has not read. */
function counted(list) {
  if (list === "waiting") return [lists().waiting.length, texts.queue.waiting];
  if (list === "mine") return [lists().mine.reduce((sum, one) => sum + one.unread, 0), texts.queue.unread];
  return [0, ""];
}

/** Shows that the list is loading, is empty, or could not be loaded. */
function renderState(length) {
  const state = search.text ? search.state : (past[chosen]?.state ?? now.queue);
  const loading = state === "loading" && length === 0;
  at("queue-skeleton").hidden = !loading;
  at("queue-failed").hidden = state !== "failed";
  const isEmpty = length === 0 && !loading && state !== "failed";
  at("queue-empty").hidden = !isEmpty;
  const [title, text, button] = emptiness();
  if (isEmpty)
    at("queue-empty").replaceChildren(
      icon(search.text ? "search" : "inbox"),
      h("h2", {}, title),
      h("p", {}, text),
      ...(button ? [button] : []),
    );
  mark(at("queue-panel"), "aria-busy", state === "loading" ? "true" : "false");
}

/** Why no row is shown: a title, a sentence, and what to do. */
function emptiness() {
  const [all, without] = search.text
    ? [found(), texts.queue.found_without_filters]
    : [lists()[chosen], texts.queue.without_filters];
  if (isFiltered() && (!search.text || all.length > 0))
    return [texts.queue.nobody_fits, format(without, { number: all.length }), clear()];
  if (search.text) return [format(texts.queue.nothing_found, { text: search.text }), texts.queue.search_about];
  return [texts.empty[chosen], texts.empty_about[chosen]];
}

const clear = () => h("button", { type: "button", class: "small", onclick: clearFilters }, texts.queue.clear_filters);
const isFiltered = () => chosenFilters().length > 0;

function loadAhead() {
  const source = search.text ? search : past[chosen];
  const goesOn = source && isFiltered() && !source.whole && source.pages >= reach;
  at("queue-more").hidden = !goesOn;
  if (goesOn) return;
  const { scrollTop, clientHeight } = at("queue-scroller");
  if (view.items.length * row.height() - scrollTop - clientHeight > AHEAD * row.height()) return;
  if (source?.state !== "idle" || source.pages === 0) return;
  if (search.text) searchOn();
  else loadMore(chosen);
}

/** Tells screen readers that a conversation is new in the queue. */
export function announceWaiting(item) {
  announce(format(texts.queue.announced, { customer: customer(item), number: lists().waiting.length }));
}
