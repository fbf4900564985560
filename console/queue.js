// The queue: four lists and a search. Only visible rows are drawn, so that thousands of rows scroll smoothly.

import { announce, at, avatar, batched, h, icon, mark, textOf, unseen } from "./dom.js";
import { LISTS, lists, search, searchFor, searchOn, several } from "./lists.js";
import { remembered } from "./memory.js";
import { called } from "./person.js";
import { handoff, now, on } from "./store.js";
import { ended, load, loadMoreEnded } from "./sync.js";
import { brief, exact, span } from "./time.js";
import { VirtualList } from "./virtual.js";
import { agentName, aiAgent, count, customer, preview } from "./words.js";

const SEARCH_AFTER_MS = 200;
const TICK_MS = 1000;
/** The waiting times from which the page marks a wait as long, and as too long. */
const LONG_MS = 2 * 60_000;
const TOO_LONG_MS = 5 * 60_000;
/** The next page is loaded when this many rows or fewer are left below the visible part. */
const AHEAD = 30;

let chosen = "waiting";
let view = null;
/** The row from which `j` and `k` move. */
let cursor = null;

/** Sets the queue up in its place in the page. */
export function setUp() {
  chosen = LISTS[remembered.list] ? remembered.list : "waiting";
  view = new VirtualList({ scroller: at("queue-scroller"), list: at("queue-list"), make, update, height });
  at("queue-scroller").addEventListener("scroll", loadAhead, { passive: true });
  at("queue-list").addEventListener("focusin", ({ target }) => {
    cursor = target.closest("li")?.dataset.handoffId ?? cursor;
  });
  setUpTabs();
  setUpSearch();
  at("queue-retry").addEventListener("click", () =>
    search.text ? searchOn() : chosen === "ended" ? loadMoreEnded() : load(),
  );
  on("connection", (connection) => connection === "open" && search.state === "failed" && searchOn());
  for (const topic of ["handoff", "queue", "open", "me", "ended", "search"]) on(topic, batched(render));
  setInterval(() => !document.hidden && view.render(), TICK_MS);
  render();
}

function setUpTabs() {
  const tabs = Object.entries(LISTS).map(([name, list]) =>
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
      list.title,
      h("span", { class: "number" }),
    ),
  );
  at("queue-tabs").append(...tabs);
  at("queue-tabs").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
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
    timer = setTimeout(() => searchFor(field.value.trim()), field.value ? SEARCH_AFTER_MS : 0);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && field.value) {
      event.stopPropagation();
      field.value = "";
      searchFor("");
    } else if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      step(1);
    }
  });
}

/** Shows one of the four lists. */
export function choose(name) {
  remembered.list = chosen = name;
  if (search.text) {
    at("search").value = "";
    searchFor("");
  }
  cursor = null;
  at("queue-scroller").scrollTop = 0;
  render();
}

/** Moves the focus by `by` rows. */
export function step(by) {
  const { items } = view;
  if (items.length === 0) return;
  const from = view.indexOf(cursor ?? now.open);
  const index = from < 0 ? (by > 0 ? 0 : items.length - 1) : Math.min(items.length - 1, Math.max(0, from + by));
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
  if (search.text) return search.ids.map(handoff).filter(Boolean);
  return lists()[chosen];
}

function render() {
  if (!now.me) return view.show([]);
  if (chosen === "ended" && !search.text && ended.state === "idle" && ended.end === null) loadMoreEnded();
  renderTabs();
  const items = shownItems();
  view.show(items);
  renderState(items.length);
  loadAhead();
}

function renderTabs() {
  const all = lists();
  for (const tab of at("queue-tabs").children) {
    const { list } = tab.dataset;
    const selected = list === chosen && !search.text;
    mark(tab, "aria-selected", selected ? "true" : "false");
    mark(tab, "tabindex", list === chosen ? "0" : "-1");
    const number = list === "ended" ? 0 : all[list].length;
    tab.lastChild.textContent = number > 0 ? String(number) : "";
    mark(tab, "data-unread", list === "mine" && all.mine.some((one) => one.unread > 0));
  }
  mark(at("queue-panel"), "aria-labelledby", `tab-${chosen}`);
}

/** Shows that the list is loading, is empty, or could not be loaded. */
function renderState(length) {
  const state = search.text ? search.state : chosen === "ended" ? ended.state : now.queue;
  const loading = state === "loading" && length === 0;
  at("queue-skeleton").hidden = !loading;
  at("queue-failed").hidden = state !== "failed";
  const isEmpty = length === 0 && !loading && state !== "failed";
  at("queue-empty").hidden = !isEmpty;
  const [title, text] = search.text
    ? [
        `Nothing found for “${search.text}”`,
        "The search covers names, e-mail addresses, handover fields and IDs.",
      ]
    : LISTS[chosen].empty;
  if (isEmpty)
    at("queue-empty").replaceChildren(icon(search.text ? "search" : "inbox"), h("h2", {}, title), h("p", {}, text));
  mark(at("queue-panel"), "aria-busy", state === "loading" ? "true" : "false");
}

function loadAhead() {
  const { scrollTop, clientHeight } = at("queue-scroller");
  if (view.items.length * height() - scrollTop - clientHeight > AHEAD * height()) return;
  if (search.text) {
    if (search.state === "idle") searchOn();
  } else if (chosen === "ended" && ended.state === "idle" && ended.end !== null) loadMoreEnded();
}

// A row.

const showsMore = () =>
  several("ai_agent_domain") || several("team") || chosen === "everyone" || chosen === "ended" || Boolean(search.text);
const height = () => (showsMore() ? 84 : 68);

function make(item) {
  const parts = {
    face: h("span", { class: "face" }),
    name: h("span", { class: "name", dir: "auto" }),
    time: h("time", { class: "when" }),
    preview: h("span", { class: "preview", dir: "auto" }),
    unread: h("span", { class: "unread" }),
    more: h("span", { class: "more" }),
  };
  const link = h("a", { class: "row", href: `#/c/${item.id}` }, Object.values(parts));
  const element = h("li", { "data-handoff-id": item.id }, link);
  element.parts = parts;
  return element;
}

function update(element, item) {
  const { parts } = element;
  renderTime(parts.time, item);
  const link = element.firstChild;
  mark(link, "aria-current", item.id === now.open ? "true" : null);
  const extra = showsMore() ? moreWords(item).join(" · ") : "";
  if (element.shows === item && element.extra === extra) return;
  Object.assign(element, { shows: item, extra });
  mark(element, "data-status", item.status);
  const name = called(item);
  if (parts.name.textContent !== textOf(name)) {
    parts.name.replaceChildren(...name);
    parts.face.replaceChildren(avatar(customer(item)));
  }
  parts.preview.textContent = preview(item.last_message, item);
  mark(parts.preview, "dir", item.last_message?.content.type === "event" ? "ltr" : "auto");
  const unread = item.status === "ended" ? 0 : item.unread;
  mark(link, "data-unread", unread > 0);
  parts.unread.replaceChildren(...(unread > 0 ? [unread > 99 ? "99+" : String(unread), unseen(" unread")] : []));
  parts.more.textContent = extra;
}

function moreWords(item) {
  const words = [];
  if (item.status === "waiting" && search.text) words.push("Waiting");
  if (item.status === "active" && (chosen !== "mine" || search.text))
    words.push(item.agent.name === now.me?.name ? "You" : item.agent.name);
  if (item.status === "ended") words.push(item.agent ? `Ended · ${agentName(item.agent.name)}` : "Ended");
  if (several("ai_agent_domain")) words.push(aiAgent(item));
  if (several("team") && item.team) words.push(item.team);
  return words;
}

function renderTime(element, item) {
  const waits = item.status === "waiting";
  const time = waits || item.status === "ended" ? item.created_at : (item.last_message?.at ?? item.created_at);
  const waited = Date.now() - new Date(time);
  const text = waits ? span(time) : brief(time);
  if (element.textContent !== text) element.textContent = text;
  mark(element, "data-wait", waits ? (waited > TOO_LONG_MS ? "too-long" : waited > LONG_MS ? "long" : "short") : null);
  if (element.dateTime === time) return;
  element.dateTime = time;
  element.title = `${waits ? "Waiting since " : ""}${exact(time)}`;
}

/** Tells screen readers that a conversation is new in the queue. */
export function announceWaiting(item) {
  announce(`${customer(item)} is waiting. ${count(lists().waiting.length, "conversation")} in the queue.`);
}
