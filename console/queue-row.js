// A row of the queue: who it is, why they wait, and how long they have waited.

import { channel } from "./channels.js";
import { h, icon, mark, textOf, unseen } from "./dom.js";
import { chosenFields, summary } from "./fields.js";
import { format, texts } from "./language.js";
import { search, several } from "./lists.js";
import { isOfferedToMe, offerWords } from "./offers.js";
import { called } from "./person.js";
import { names, othersIn, words as doings } from "./presence.js";
import { now } from "./store.js";
import { brief, exact } from "./time.js";
import { wait } from "./waiting.js";
import { agentName, aiAgent, fieldName, preview } from "./words.js";

const PHONE = matchMedia("(max-width: 719px)");
/** The heights in `queue.css`, in rem. */
const HEIGHT = 2.75;
const HEIGHT_ON_PHONES = 3.5;

/** A row's height in pixels. */
export const height = () =>
  (PHONE.matches ? HEIGHT_ON_PHONES : HEIGHT) * parseFloat(getComputedStyle(document.documentElement).fontSize);

export function make(item) {
  const part = (name, props) => h("span", { class: name, ...props });
  const parts = {
    channel: part("channel"),
    name: part("name", { dir: "auto" }),
    facts: part("facts", { dir: "auto" }),
    time: h("time", { class: "when" }),
    preview: part("preview"),
    offer: part("offer"),
    more: part("more"),
    present: part("present"),
    unread: part("unread"),
  };
  const { name, facts, time, preview: words, offer, more, present, unread } = parts;
  const link = h(
    "a",
    { class: "row", href: `#/c/${item.id}` },
    parts.channel,
    h("span", { class: "first" }, name, facts, time),
    h("span", { class: "second" }, words, present, offer, more, unread),
  );
  const element = h("li", { "data-handoff-id": item.id }, link);
  element.parts = parts;
  return element;
}

/** Brings a row up to date; `list` is the name of the list that shows it, or `search`. */
export function update(element, item, list) {
  const { parts } = element;
  renderTime(parts.time, item);
  renderPresent(parts.present, item);
  renderOffer(parts.offer, item);
  const link = element.firstChild;
  mark(link, "aria-current", item.id === now.open ? "true" : null);
  const more = moreWords(item, list).join(" · ");
  const found = list === "search" ? search.found.get(item.id) : undefined;
  if (element.shows === item && element.more === more && element.found === found) return;
  Object.assign(element, { shows: item, more, found });
  mark(element, "data-status", item.status);
  const name = called(item);
  if (textOf(name) !== parts.name.textContent) parts.name.replaceChildren(...name);
  renderChannel(parts.channel, item);
  renderFacts(parts.facts, item);
  if (found) parts.preview.replaceChildren(h("bdi", {}, foundWords(found)));
  else renderPreview(parts.preview, item);
  const unread = item.status === "ended" ? 0 : item.unread;
  mark(link, "data-unread", unread > 0);
  const number = unread > 99 ? "99+" : String(unread);
  parts.unread.replaceChildren(...(unread > 0 ? [number, unseen(` ${texts.queue.unread}`)] : []));
  parts.more.textContent = more;
}

/** Who has it in view or writes in it. */
function renderPresent(place, item) {
  const list = othersIn(item.id);
  const text = doings(list).join(". ");
  if (place.title === text) return;
  place.title = text;
  const writes = list.some((one) => one.state === "writing");
  place.replaceChildren(
    ...(text
      ? [icon(writes ? "pen" : "eye"), h("bdi", { "aria-hidden": "true" }, names(list)), unseen(text)]
      : []),
  );
}

/** To whom it is offered, and for how long, or who has left it behind. */
function renderOffer(place, item) {
  const words = offerWords(item).join(" · ");
  if (place.textContent === words) return;
  place.textContent = words;
  mark(place, "data-mine", isOfferedToMe(item));
}

function renderChannel(place, item) {
  const known = channel(item);
  if (place.title === (known?.title ?? "")) return;
  place.title = known?.title ?? "";
  place.replaceChildren(...(known ? [icon(known.icon), unseen(`${known.title}: `)] : []));
}

function renderFacts(place, item) {
  const fields = chosenFields(item);
  const text = fields.map(([, value]) => value).join(" · ");
  if (place.textContent === text) return;
  place.textContent = text;
  place.title = fields.map(([key, value]) => format(texts.queue.named, { name: fieldName(key), value })).join("\n");
}

/** What stands where the searched text is. */
const foundWords = ({ field, text }) => (field ? format(texts.queue.named, { name: field, value: text }) : text);

/** Why somebody waits: what they have written since the handoff, else the summary, else their words before it. */
function renderPreview(place, item) {
  const isSummed = item.status === "waiting" && item.unread === 0 && summary(item) !== null;
  const text = isSummed ? summary(item) : lastWords(item);
  place.replaceChildren(...(isSummed ? [icon("spark"), unseen(`${texts.queue.summary}: `)] : []), h("bdi", {}, text));
}

function lastWords(item) {
  const { told, told_nothing: nothing } = texts.queue;
  if (item.missed) return item.missed.told ? format(told, { text: item.missed.told }) : nothing;
  if (item.status !== "waiting") return preview(item.last_message, item);
  return item.last_end_user_message ? preview(item.last_end_user_message, item) : texts.queue.not_written;
}

function moreWords(item, list) {
  const words = [];
  if (item.status === "waiting" && list === "search") words.push(texts.status.waiting);
  if (item.status === "active" && list !== "mine")
    words.push(item.agent.name === now.me?.name ? texts.people.you : item.agent.name);
  if (item.status === "ended") words.push(...over(item, list));
  if (several("ai_agent_domain")) words.push(aiAgent(item));
  if (several("team") && item.team) words.push(item.team);
  return words;
}

/** How it ended, unless the list says that of all its rows; and who had it. */
function over(item, list) {
  const how = item.missed ? "missed" : "ended";
  return [how !== list && texts.status[how], item.agent && agentName(item.agent.name)].filter(Boolean);
}

/** When something happened last that counts for the list. */
function happened(item) {
  if (item.missed) return item.missed.at;
  return item.status === "ended" ? item.created_at : (item.last_message?.at ?? item.created_at);
}

function renderTime(element, item) {
  const waits = wait(item);
  const time = waits?.since ?? happened(item);
  const text = waits?.text ?? brief(time);
  if (element.textContent !== text) element.textContent = text;
  mark(element, "data-wait", waits?.level ?? null);
  const about = waits?.about ?? exact(time);
  if (element.dateTime === time && element.title === about) return;
  element.dateTime = time;
  element.title = about;
}
