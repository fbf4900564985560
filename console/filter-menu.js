// Where agents choose how a list is filtered and sorted, and see by what.

import { at, h, icon, mark } from "./dom.js";
import * as filters from "./filters.js";
import { format, texts } from "./language.js";
import { LISTS, found, lists, search } from "./lists.js";
import { now, on } from "./store.js";

/** The list that is shown. */
let list = "waiting";
/** A field that the agent has picked to filter by, before they have picked a value. */
let picked = null;

export function setUp() {
  at("filter-toggle").addEventListener("click", () => toggle(at("filters").hidden));
  at("filters").addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    toggle(false);
    at("filter-toggle").focus();
  });
  for (const topic of ["filters", "search"]) on(topic, render);
}

function toggle(wanted) {
  at("filters").hidden = !wanted;
  at("filter-toggle").setAttribute("aria-expanded", String(wanted));
  picked = null;
  render();
  if (wanted) at("filters").querySelector("select")?.focus();
}

/** Shows what the list `name` can be filtered by, or during a search, what that has found. */
export function show(name) {
  list = name;
  render();
}

function render() {
  renderChips();
  if (at("filters").hidden) return;
  const focused = document.activeElement?.closest("#filters [name]")?.name;
  const handoffs = search.text ? found() : lists()[list];
  const { first, others } = filters.keys(handoffs, now.fields);
  const chosen = others.filter((key) => filters.filterOf(key) || key === picked);
  const rest = others.filter((key) => !chosen.includes(key));
  const nothing = h("p", { class: "hint" }, texts.filters.nothing);
  const choices = [
    ...(!search.text && LISTS[list].orders.length > 1 ? [order()] : []),
    ...[...first, ...chosen].map((key) => filter(key, handoffs)),
    ...(rest.length > 0 ? [further(rest)] : []),
  ];
  at("filters").replaceChildren(...(choices.length > 0 ? choices : [nothing]));
  if (focused) at("filters").querySelector(`[name="${CSS.escape(focused)}"]`)?.focus();
}

function choice(name, title, options, value, onchange) {
  const items = options.map(([key, text]) => h("option", { value: key, selected: key === value }, text));
  const select = h("select", { name, onchange: () => onchange(select.value) }, items);
  return h("label", {}, h("span", {}, title), select);
}

function order() {
  const { orders } = LISTS[list];
  const options = orders.map((name) => [name, texts.orders[name]]);
  const chosen = filters.orderOf(list, orders);
  return choice("order", texts.filters.sort_by, options, chosen, (name) => filters.orderBy(list, name));
}

function filter(key, handoffs) {
  const shown = (value, number) => format(texts.filters.value, { value, number });
  const options = filters.values(key, handoffs).map(([value, number]) => [value, shown(value, number)]);
  const chosen = filters.filterOf(key);
  const all = [["", texts.filters.all], ...options];
  return choice(key, filters.filterName(key), all, chosen, (value) => filters.filterBy(key, value));
}

/** All other fields of the start call. */
function further(keys) {
  const options = keys.map((key) => [key, filters.filterName(key)]);
  return choice("further", texts.filters.another, [["", texts.filters.none], ...options], "", (key) => {
    picked = key || null;
    render();
    if (picked) at("filters").querySelector(`[name="${CSS.escape(picked)}"]`).focus();
  });
}

function renderChips() {
  const chosen = filters.chosenFilters();
  const place = at("filter-chips");
  place.hidden = chosen.length === 0;
  mark(at("filter-toggle"), "data-active", chosen.length > 0);
  const { title, title_set: set } = texts.filters;
  mark(at("filter-toggle"), "aria-label", chosen.length > 0 ? format(set, { number: chosen.length }) : title);
  const shown = JSON.stringify(chosen);
  if (place.dataset.shown === shown) return;
  place.dataset.shown = shown;
  const had = place.contains(document.activeElement);
  place.replaceChildren(...chosen.map(chip));
  if (had) (place.querySelector("button") ?? at("filter-toggle")).focus();
}

function chip([key, value]) {
  const name = format(texts.queue.named, { name: filters.filterName(key), value });
  const label = format(texts.filters.remove, { filter: name });
  const remove = () => filters.filterBy(key, "");
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", class: "small", title: name, "aria-label": label, onclick: remove },
      h("span", { dir: "auto" }, value),
      icon("close"),
    ),
  );
}
