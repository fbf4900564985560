// The details panel: the customer, the fields of the start call, and the course of the handoff.

import { transcriptUrl } from "./api.js";
import { copy } from "./clipboard.js";
import { at, avatar, batched, h, icon } from "./dom.js";
import * as earlier from "./earlier.js";
import { gist, identity, isInGist } from "./gist.js";
import { formatParts, texts } from "./language.js";
import { link, markdown } from "./markdown.js";
import { remembered } from "./memory.js";
import { alias } from "./person.js";
import { handoff, now, on } from "./store.js";
import { exact, full } from "./time.js";
import { customer, endWords, fieldName, isFilled, outcomeWords } from "./words.js";

const WIDE = matchMedia("(min-width: 1180px)");
/** Fields that the panel shows at its top already. */
const IN_HEAD = ["end_user_name", "first_name", "last_name", "name", "end_user_email", "email"];
const EMAILS = ["end_user_email", "email"];

let shows = null;

export function setUp() {
  const update = batched(render);
  for (const topic of ["handoff", "open", "me"]) on(topic, update);
  at("details-toggle").addEventListener("click", () => toggle());
  at("details-close").addEventListener("click", () => toggle(false));
  at("details").addEventListener("keydown", (event) => event.key === "Escape" && !WIDE.matches && toggle(false));
  WIDE.addEventListener("change", () => open(WIDE.matches && remembered.details));
  open(WIDE.matches && remembered.details);
}

const isOpen = () => !at("details").hidden;

/** Opens or closes the panel. The choice is remembered if the panel is beside the conversation, not if it covers it. */
export function toggle(wanted = !isOpen()) {
  if (WIDE.matches) remembered.details = wanted;
  open(wanted);
  if (WIDE.matches) return;
  (wanted ? at("details-close") : at("details-toggle")).focus();
}

/** Closes the panel if it covers the conversation, for example when another one is opened. */
export function closeOverlay() {
  if (!WIDE.matches) open(false);
}

function open(wanted) {
  at("details").hidden = !wanted;
  at("details-toggle").setAttribute("aria-expanded", String(wanted));
  shows = null;
  render();
}

function render() {
  const open = now.open ? handoff(now.open) : null;
  if (!open) {
    for (const part of ["details-top", "details-earlier", "details-facts"]) at(part).replaceChildren();
    earlier.forget();
  }
  if (!open || !isOpen() || shows === open) return;
  shows = open;
  at("details-top").replaceChildren(...[person(open), gist(open)].filter(Boolean));
  at("details-facts").replaceChildren(contextSection(open), conversation(open));
  const others = earlier.section(open);
  if (!at("details-earlier").contains(others)) at("details-earlier").replaceChildren(others);
}

function person(open) {
  const email = EMAILS.map((key) => open.context[key]).find(
    (value) => typeof value === "string" && value && isFilled(value),
  );
  return h(
    "section",
    { class: "person" },
    avatar(customer(open)),
    h("p", { class: "person-name", dir: "auto" }, customer(open)),
    alias(open) && h("p", { class: "hint" }, formatParts(texts.people.in_ada, { name: h("bdi", {}, alias(open)) })),
    email && h("p", { class: "person-mail" }, link(`mailto:${email}`, email) ?? email),
    identity(open),
  );
}

function contextSection(open) {
  const entries = Object.entries(open.context).filter(
    ([key, value]) =>
      !(IN_HEAD.includes(key) && isFilled(value)) && !isInGist(open, key) && value !== null && value !== "",
  );
  if (entries.length === 0)
    return h(
      "section",
      {},
      h("h3", {}, texts.details.from_handover),
      h("p", { class: "hint" }, texts.details.no_fields),
    );
  return h(
    "section",
    {},
    h("h3", {}, texts.details.from_handover),
    fields(entries.flatMap(([key, value]) => flat(key, value))),
  );
}

/** Nested fields, one line each. */
function flat(key, value) {
  if (value === null || typeof value !== "object") return [[fieldName(key), shownValue(value)]];
  if (Array.isArray(value) && value.every((item) => item === null || typeof item !== "object")) {
    return [[fieldName(key), value.join(", ")]];
  }
  return Object.entries(value).flatMap(([name, inner]) =>
    flat(`${key} ${Array.isArray(value) ? Number(name) + 1 : name}`, inner),
  );
}

function shownValue(value) {
  if (typeof value === "boolean") return value ? texts.details.yes : texts.details.no;
  if (typeof value !== "string") return String(value);
  if (!isFilled(value)) return h("span", { class: "hint" }, texts.details.not_filled);
  return /^(https?:\/\/|[^\s@]+@[^\s@]+$)/.test(value) ? markdown(value) : value;
}

function fields(entries) {
  const rows = entries.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", { dir: "auto" }, value)));
  return h("dl", {}, rows);
}

const when = (time) => h("time", { datetime: time, title: exact(time) }, full(time));

function conversation(open) {
  const entries = [
    [texts.details.handed_over, when(open.created_at)],
    open.accepted_at && [texts.details.accepted, when(open.accepted_at)],
    open.agent && [open.status === "ended" ? texts.details.last_agent : texts.details.agent, open.agent.name],
    open.missed && [texts.details.told, open.missed.told ?? texts.details.nothing],
    open.ended_at && [texts.details.ended, [when(open.ended_at), h("span", { class: "hint" }, ` ${endWords(open)}.`)]],
    open.feedback && [texts.details.feedback, feedbackWords(open.feedback)],
    open.outcome && [texts.details.outcome, h("bdi", {}, outcomeWords(open.outcome))],
    open.team && [texts.common.team, open.team],
    [texts.common.ai_agent, open.ai_agent_domain],
    [texts.details.conversation_id, copyable(open.conversation_id)],
  ];
  const url = transcriptUrl(open.id);
  return h(
    "section",
    {},
    h("h3", {}, texts.page.conversation),
    fields(entries.filter(Boolean)),
    h(
      "p",
      {},
      h(
        "a",
        { href: url, target: "_blank", rel: "noopener", "data-action": "transcript" },
        icon("file"),
        texts.details.as_text,
      ),
    ),
  );
}

const feedbackWords = ({ rating, comment }) => [rating, comment].filter((part) => part !== null).join(": ");

function copyable(text) {
  const button = h(
    "button",
    {
      type: "button",
      class: "quiet square small",
      "aria-label": texts.details.copy_id,
      "data-action": "copy-id",
      onclick: () => copyId(text, button),
    },
    icon("copy"),
  );
  return [h("code", {}, text), button];
}

async function copyId(text, button) {
  if (!(await copy(text))) return;
  button.replaceChildren(icon("check"));
  setTimeout(() => button.replaceChildren(icon("copy")), 1500);
}
