// Draws one row of a thread. A row keeps its element; changes are drawn into it.

import { avatar, h, icon, mark } from "./dom.js";
import { fileBubble, guessFileHeight } from "./file-row.js";
import { direction, format, texts } from "./language.js";
import { link, markdown } from "./markdown.js";
import { atClock, dayName, dayOf, exact } from "./time.js";
import { author, eventWords, isOwn } from "./words.js";

/** Messages of one author within this time share a heading. */
const TOGETHER_MS = 4 * 60_000;
/** Longer texts are cut, with a button that shows all of it. */
const LONG_CHARS = 4000;
const CHARS_A_LINE = 60;
const LINE_PX = 22;

/** Whether a row is shown as a plain line, not as a person's message. */
const isLine = (row) => row.content.type === "event" || row.content.type === "presence" || row.author.role === "system";

/** Which side of the conversation a row is drawn on, and how. */
function kind(row) {
  if (isLine(row)) return "line";
  if (row.content.type === "note") return "note";
  if (row.author.role === "end_user") return "customer";
  if (row.author.role === "ai_agent") return "ai";
  return isOwn(row) ? "own" : "colleague";
}

/**
 * Makes a row's element, an `li`. `actions` has `retry(row)` and `drop(row)`, and for files `view(row)`, `fetchAgain` or
 * `cancel(id)`.
 */
export function makeRow(row, handoff, actions) {
  const element = h("li", { class: "entry" });
  element.drawing = { handoff, actions };
  drawRow(element, row);
  return element;
}

/** Draws a row as it is now. */
export function drawRow(element, row) {
  const { handoff, actions } = element.drawing;
  const was = element.row;
  element.row = row;
  const attributes = {
    "data-row-id": row.id,
    "data-seq": row.seq,
    "data-kind": kind(row),
    "data-type": row.content.type,
    "data-role": row.author.role,
    "data-source": row.source,
    "data-state": row.delivery?.state,
    "data-late": row.late,
    "data-arriving": row.arriving,
  };
  for (const [name, value] of Object.entries(attributes)) mark(element, name, value);
  const same = was && sameWords(was, row);
  const body = same ? element.drawing.body : isLine(row) ? null : bubble(row, actions);
  element.drawing.body = body;
  element.drawing.main = isLine(row) ? line(row, handoff) : message(row, handoff, body, actions);
  arrange(element);
}

const sameWords = (one, other) => allWords(one) === allWords(other);
const allWords = ({ content, upload, delivery }) =>
  content.body ?? JSON.stringify([content, upload?.note, upload && delivery?.state]);

/** The estimated height of a row, in pixels. */
export const guessHeight = (row) =>
  48 +
  (row.content.type === "file"
    ? guessFileHeight(row)
    : Math.ceil(Math.min(row.content.body?.length ?? 0, LONG_CHARS) / CHARS_A_LINE) * LINE_PX);

/**
 * Draws what depends on the row before: a new day, a heading, and the divider above the first unread row. Returns
 * whether the two rows share a heading.
 */
export function joinRow(element, previous, isFirstUnread) {
  const { row } = element;
  const newDay = !previous || dayOf(previous.at) !== dayOf(row.at);
  const joined = Boolean(!newDay && !isFirstUnread && previous && goesOn(previous, row));
  const { drawing } = element;
  if (drawing.newDay !== newDay || drawing.joined !== joined || drawing.firstUnread !== isFirstUnread) {
    Object.assign(drawing, { newDay, joined, firstUnread: isFirstUnread });
    arrange(element);
  }
  return joined;
}

const goesOn = (one, other) =>
  !isLine(one) &&
  !isLine(other) &&
  kind(one) === kind(other) &&
  one.author.display_name === other.author.display_name &&
  Math.abs(new Date(other.at) - new Date(one.at)) < TOGETHER_MS;

function arrange(element) {
  const { row, drawing } = element;
  mark(element, "data-joined", drawing.joined);
  const parts = [];
  if (drawing.newDay) parts.push(h("p", { class: "day" }, h("time", { datetime: row.at }, dayName(row.at))));
  if (drawing.firstUnread) parts.push(h("p", { class: "unread-divider", id: "unread-divider" }, texts.thread.new));
  element.replaceChildren(...parts, drawing.main);
}

function line(row, handoff) {
  const words = row.content.type === "event" ? eventWords(row.content, handoff) : (row.content.body ?? "");
  return h(
    "p",
    { class: "line" },
    // The page's own texts have its direction, whatever that of the name with which they begin.
    h("span", { dir: row.content.type === "event" ? direction : "auto" }, words),
    time(row),
    row.delivery && row.delivery.state !== "confirmed" && row.delivery.state !== "sent" && lineState(row.delivery),
    marks(row),
  );
}

const lineState = ({ state, error }) =>
  h(
    "span",
    { class: "line-state" },
    state === "failed"
      ? format(texts.thread.notify_failed, { error: error ?? texts.thread.refused })
      : texts.thread.notifying,
  );

function message(row, handoff, body, actions) {
  const name = author(row, handoff);
  return h(
    "div",
    { class: "message" },
    kind(row) !== "own" && h("div", { class: "face" }, avatar(name, row.author.role)),
    h("div", { class: "stack" }, heading(row, name), body, foot(row), failure(row, actions)),
  );
}

function heading(row, name) {
  const roles = { ai: texts.common.ai_agent, note: texts.thread.note_role };
  const role = roles[kind(row)];
  return h(
    "p",
    { class: "author" },
    h("span", { class: "author-name", dir: "auto" }, name),
    role && role !== name && h("span", { class: "author-role" }, kind(row) === "note" && icon("lock"), role),
  );
}

const time = (row) => h("time", { datetime: row.at, title: exact(row.at) }, atClock(row.at));

function foot(row) {
  return h("p", { class: "foot" }, time(row), marks(row), state(row));
}

function marks(row) {
  return [
    row.late &&
      h("span", { class: "mark", title: texts.thread.late_title }, texts.thread.late),
    row.source === "recovered" &&
      h("span", { class: "mark", title: texts.thread.recovered_title }, texts.thread.recovered),
  ];
}

const STATE_ICONS = {
  sending: "clock",
  queued: "clock",
  sent: "check",
  confirmed: "checks",
  failed: "alert",
  dropped: "close",
};

function state(row) {
  const name = row.delivery?.state;
  if (!name) return null;
  return h(
    "span",
    { class: "state", "data-state": name, title: texts.state_titles[name] },
    icon(STATE_ICONS[name]),
    h("span", {}, texts.states[name] ?? name),
  );
}

function failure(row, actions) {
  if (row.delivery?.state !== "failed") return null;
  return h(
    "div",
    { class: "failure" },
    h("p", {}, row.delivery.error ?? texts.thread.not_sent),
    !row.upload?.final &&
      h(
        "button",
        { type: "button", class: "small", "data-action": "retry", onclick: () => actions.retry(row) },
        icon("again"),
        texts.common.send_again,
      ),
    h(
      "button",
      { type: "button", class: "small quiet", "data-action": "drop", onclick: () => actions.drop(row) },
      texts.thread.drop,
    ),
  );
}

// The content of a message.

function bubble(row, actions) {
  const { content } = row;
  if (content.type === "file") return fileBubble(row, actions);
  const says = { text: words, note: words, link: linked }[content.type] ?? unknown;
  return h("div", { class: "bubble", dir: "auto" }, says(content));
}

function words({ body }) {
  if (body.length <= LONG_CHARS) return markdown(body);
  const text = h("div", {}, markdown(whole(body.slice(0, LONG_CHARS))));
  const button = h(
    "button",
    { type: "button", class: "small", "data-action": "show-all" },
    format(texts.thread.show_all, { number: body.length }),
  );
  button.addEventListener("click", () => {
    text.replaceChildren(...markdown(body));
    button.remove();
  });
  return [text, button];
}

/** Removes a lone surrogate at the end, and adds an ellipsis. */
const whole = (text) => text.replace(/[\uD800-\uDBFF]$/, "") + "…";

function linked({ url, link_text: text }) {
  return h("p", { class: "link-card" }, icon("link"), link(url, text || url) ?? text ?? url);
}

function unknown({ original_type: type, error }) {
  const words = error
    ? format(texts.thread.unreadable, { error })
    : format(texts.thread.unknown_type, { type: type ?? "unknown" });
  return h("p", { class: "unknown" }, words);
}

/** A pending text or file, as a row at the end of the thread. */
export function pendingRow(item, me) {
  const { text, file, preview, note, part, final } = item;
  const words = { type: item.mode === "note" ? "note" : "text", body: text };
  return {
    id: item.key,
    seq: 0,
    at: item.at,
    author: { role: "human_agent", display_name: me },
    content: file ? { type: "file", ...file } : words,
    upload: file && { preview, note, part, final },
    source: "agent",
    delivery: item.error ? { state: "failed", error: item.error } : { state: "sending" },
    late: false,
  };
}
