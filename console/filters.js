// Which handoffs of a list are shown, and in which order. The browser remembers both until the agent signs out.

import { channel } from "./channels.js";
import { fieldValue } from "./fields.js";
import { collate, tag, texts } from "./language.js";
import { keepView, keptView } from "./memory.js";
import { tell } from "./store.js";
import { since } from "./waiting.js";
import { fieldName } from "./words.js";

/** What handoffs can be filtered by besides fields of the start call. */
const FACTS = {
  channel: { title: texts.filters.channel, of: (one) => channel(one)?.title },
  team: { title: texts.common.team, of: (one) => one.team },
  ai_agent: { title: texts.common.ai_agent, of: (one) => one.ai_agent_domain },
};
const FIELD = "field:";
/** Longer values, such as summaries, are no groups that anybody looks for. */
const VALUE_CHARS = 60;

const compare = (one, other) => (one < other ? -1 : one > other ? 1 : 0);
const activity = (one) => one.last_message?.at ?? one.created_at;
const oldestFirst = (one, other) => compare(one.created_at, other.created_at) || compare(one.id, other.id);
const newestFirst = (one, other) => oldestFirst(other, one);
/** Those that nobody keeps waiting come last. */
const waitingFirst = (one, other) =>
  compare(since(one) ?? "~", since(other) ?? "~") || compare(activity(other), activity(one));

/** The orders of a list, by name. */
export const ORDERS = {
  longest: { by: oldestFirst },
  answer: { by: waitingFirst },
  latest: { by: (one, other) => compare(activity(other), activity(one)) || newestFirst(one, other) },
  newest: { by: newestFirst },
};

/** What was kept before there were other languages is English. */
const kept = { language: "en", filters: {}, orders: {}, ...keptView() };
const { orders } = kept;
/** Values are what the lists show: those of another language would fit nothing. */
const filters = kept.language === tag ? kept.filters : {};

function changed() {
  keepView({ language: tag, filters, orders });
  tell("filters");
}

/** The filters that are set: `[key, value]` each. */
export const chosenFilters = () => Object.entries(filters);
export const filterOf = (key) => filters[key] ?? "";

/** Shows only handoffs with this value; all of them for an empty one. */
export function filterBy(key, value) {
  if (value) filters[key] = value;
  else delete filters[key];
  changed();
}

export function clearFilters() {
  for (const key of Object.keys(filters)) delete filters[key];
  changed();
}

/** The name of a list's order, of those that it may have: the first unless the agent chose another. */
export const orderOf = (list, names) => (names.includes(orders[list]) ? orders[list] : names[0]);

export function orderBy(list, name) {
  orders[list] = name;
  changed();
}

/** Those that fit the filters. */
export function fitting(handoffs) {
  const wanted = chosenFilters();
  if (wanted.length === 0) return handoffs;
  return handoffs.filter((one) => wanted.every(([key, value]) => valueOf(key, one) === value));
}

export const filterName = (key) => FACTS[key]?.title ?? fieldName(key.slice(FIELD.length));

/** The key of a field of the start call. */
export const keyOfField = (field) => FIELD + field;

function valueOf(key, one) {
  if (FACTS[key]) return FACTS[key].of(one) ?? null;
  const field = key.slice(FIELD.length);
  return Object.hasOwn(one.context, field) ? fieldValue(field, one.context[field]) : null;
}

/** The values of some handoffs, each with how many have it, and the chosen one; sorted by name. */
export function values(key, handoffs) {
  const counts = new Map(filters[key] ? [[filters[key], 0]] : []);
  for (const one of handoffs) {
    const value = valueOf(key, one);
    if (value !== null && value.length <= VALUE_CHARS) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts].sort(([one], [other]) => collate(one, other));
}

/** The keys by which some handoffs can be told apart: facts, then `fields`, then all other fields that they have. */
export function keys(handoffs, fields) {
  const all = new Set(handoffs.flatMap((one) => Object.keys(one.context)));
  const others = [...all].filter((field) => !fields.includes(field)).sort();
  const differ = (key) => {
    const groups = values(key, handoffs);
    return groups.length > 1 || (groups.length === 1 && groups[0][1] < handoffs.length);
  };
  return {
    first: [...fields.map(keyOfField), ...Object.keys(FACTS)].filter(differ),
    others: others.map(keyOfField).filter(differ),
  };
}
