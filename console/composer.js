// The composer, for replies to the customer (with files) and notes for the team. It keeps a draft for each conversation
// and kind. When it is closed, it says why, and offers the action that opens it.

import { accept, answerable } from "./actions.js";
import * as attachments from "./attachments.js";
import { marked, mayFit, unfilled } from "./canned.js";
import { plainOnly } from "./channels.js";
import { forReaders, labelled } from "./combinations.js";
import { at, batched, h, mark } from "./dom.js";
import { doubtWords, doubtsIn, isMeant } from "./doubts.js";
import { boxes } from "./kept-draft.js";
import { format, formatParts, texts } from "./language.js";
import { plain } from "./markdown.js";
import { draft, keepDraft } from "./memory.js";
import { offeredToOther } from "./offers.js";
import * as outbox from "./outbox.js";
import { Picker } from "./picker.js";
import { handoff, isMine, now, on } from "./store.js";
import { customer, endWords, wellFormed } from "./words.js";

const MAX_CHARS = 50_000;
/** From this length on, it shows how many characters are left. */
const NEAR_MAX = 48_000;

let mode = "reply";
/** The conversation that is being accepted with a first message. */
let accepting = null;
let sent = () => {};
let picker = null;

/** Sets the composer up. `onSent(handoffId)` is called after something was handed to the outbox. */
export function setUp(onSent) {
  sent = onSent;
  const text = at("composer-text");
  picker = new Picker(text, changed);
  at("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    if (acceptsFirst()) acceptAndSend();
    else send();
  });
  text.addEventListener("input", changed);
  text.addEventListener("keydown", keys);
  text.addEventListener("scroll", () => (at("composer-marks").scrollTop = text.scrollTop));
  for (const button of at("composer-modes").children) {
    button.addEventListener("click", () => write(button.dataset.mode));
  }
  at("composer-canned").addEventListener("click", () => picker.openByButton());
  const update = batched(render);
  on("note-kept", (id) => id === now.open && write("note"));
  for (const topic of ["handoff", "open", "connection", "me", "attachments"]) on(topic, update);
}

/**
 * Enter sends. With Shift, during input composition (IME) and on touch screens, it starts a new line, and so it does where
 * sending accepts the conversation: that takes Ctrl+Enter.
 */
function keys(event) {
  if (picker.key(event)) return;
  const breaks = event.shiftKey || event.altKey || event.isComposing || event.keyCode === 229;
  const touch = matchMedia("(pointer: coarse)").matches && !event.ctrlKey && !event.metaKey;
  const combined = event.ctrlKey || event.metaKey;
  if (event.key === "Enter" && !breaks && acceptsFirst()) {
    if (!combined) return;
    event.preventDefault();
    if (!event.repeat) acceptAndSend();
  } else if (event.key === "Enter" && !breaks && !touch) {
    event.preventDefault();
    send();
  } else if (event.key === "Escape") {
    event.preventDefault();
    at("conversation").focus();
  }
}

/** Opens another conversation's draft. */
export function open() {
  picker.close();
  mode = "reply";
  restore();
}

/** Puts the cursor where a reply or a note is written. */
export function write(wanted) {
  mode = wanted;
  restore();
  at(isOpen() ? "composer-text" : "composer-open").focus();
}

/** Switches between writing a reply and writing a note. */
export const switchMode = () => write(mode === "note" ? "reply" : "note");

/** Whether the agent can write now. */
export const isOpen = () => !at("composer-text").hidden;

function restore() {
  const text = at("composer-text");
  text.value = now.open ? draft(now.me.name, now.open, mode) : "";
  render();
  fit();
  hints();
}

function changed() {
  if (now.open) keepDraft(now.me.name, now.open, mode, at("composer-text").value);
  fit();
  hints();
}

/** As high as its text, up to what the style sheet allows. */
function fit() {
  const text = at("composer-text");
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight + 2}px`;
}

/** What would be sent, if it can be and the agent means it; null otherwise. */
async function meantWords() {
  const words = wellFormed(at("composer-text").value).trim();
  return isSendable(words) && (await isMeant(words)) && isSendable(words) ? asShown(words) : null;
}

/** Accepts a waiting conversation, and then sends what is written. If that is refused, it stays a draft. */
async function acceptAndSend() {
  const id = now.open;
  const words = await meantWords();
  if (words === null || now.open !== id || !acceptsFirst()) return;
  const written = at("composer-text").value;
  accepting = id;
  hints();
  const done = await accept({ id });
  accepting = null;
  if (!now.me) return;
  if (done) {
    // What the agent has added meanwhile is the beginning of the next message.
    const is = draft(now.me.name, id, "reply");
    keepDraft(now.me.name, id, "reply", is.startsWith(written) ? is.slice(written.length).trimStart() : is);
    if (words) outbox.send(id, "reply", words);
    for (const file of attachments.take(id)) outbox.sendFile(id, file);
  }
  if (now.open !== id) return;
  write("reply");
  if (done) sent(id);
}

async function send() {
  const text = at("composer-text");
  const words = await meantWords();
  // It may wait again since the agent was asked.
  if (words === null || acceptsFirst()) return;
  if (words) outbox.send(now.open, mode, words);
  if (mode === "reply") for (const file of attachments.take(now.open)) outbox.sendFile(now.open, file);
  text.value = "";
  changed();
  text.focus();
  sent(now.open);
}

const isSendable = (words) =>
  Boolean(words || (mode === "reply" && attachments.some(now.open))) &&
  words.length <= MAX_CHARS &&
  accepting !== now.open &&
  !closedReason()?.blocks;

/** Whether a reply would be the first message of a handoff that waits. */
const acceptsFirst = () => closedReason()?.accepts ?? false;

/** Why no file can be attached now, in a sentence; null if one can. */
export function noFiles() {
  if (mode === "note") return texts.files.no_notes;
  const reason = closedReason();
  if (reason?.accepts) return texts.files.accept_first;
  return reason && !reason.drafts ? reason.words : null;
}

/**
 * Why nothing can be sent now: `{words, action}`; with `blocks` if sending is blocked, with `drafts` if the agent may go on
 * writing, and with `accepts` if sending accepts the conversation first. Null if it can be sent.
 */
function closedReason() {
  const open = now.open && handoff(now.open);
  if (!open) return { words: "", blocks: true };
  if (now.connection === "offline") return { words: texts.composer.offline, blocks: true, drafts: true };
  if (mode === "note" || isMine(open)) return null;
  const toOther = offeredToOther(open);
  const { accept, takeOver } = texts.buttons;
  if (toOther) return { words: format(texts.composer.offered, { agent: toOther }), action: takeOver, blocks: true };
  if (open.status === "waiting") return { words: texts.composer.waiting, action: accept, accepts: true };
  if (open.status === "active")
    return { words: format(texts.composer.taken, { agent: open.agent.name }), action: takeOver, blocks: true };
  return { words: format(texts.composer.over, { how: endWords(open) }), blocks: true };
}

function render() {
  const open = now.open && handoff(now.open);
  if (!open) return;
  const reason = closedReason();
  const form = at("composer");
  mark(form, "data-mode", mode);
  mark(form, "data-closed", reason ? (reason.drafts ? "offline" : open.status) : null);
  for (const button of at("composer-modes").children)
    mark(button, "aria-pressed", String(button.dataset.mode === mode));
  const writable = !reason || reason.drafts || reason.accepts;
  const text = at("composer-text");
  text.hidden = at("composer-tools").hidden = !writable;
  at("attachments").hidden = !writable || mode === "note";
  at("attach").hidden = mode === "note";
  at("composer-closed").hidden = !reason;
  renderKeptDraft(open, writable);
  at("composer-reason").textContent = reason?.words ?? "";
  const button = at("composer-open");
  button.hidden = !reason?.action;
  button.replaceChildren(...(reason?.action ? labelled(reason.action, "accept") : []));
  mark(button, "aria-keyshortcuts", forReaders("accept"));
  button.onclick = () => answerable(open.id)?.then((done) => done && write("reply"));
  const label = mode === "note" ? texts.composer.note_label : format(texts.composer.reply_to, { customer: customer(open) });
  mark(text, "aria-label", label);
  mark(text, "placeholder", mode === "note" ? texts.composer.note_placeholder : label);
  at("composer-send").replaceChildren(...sendLabel(reason));
  mark(at("composer-send"), "aria-keyshortcuts", reason?.accepts && "Control+Enter");
  hints();
}

function sendLabel(reason) {
  if (!reason?.accepts) return [mode === "note" ? texts.composer.add_note : texts.composer.send];
  const keys = h("kbd", { class: "combination", "aria-hidden": "true" }, `${texts.keys.ctrl} ⏎`);
  return [texts.composer.accept_and_send, keys];
}

/** A reply that can't be sent any more stays in view. */
function renderKeptDraft(open, writable) {
  const place = at("composer-draft");
  const text = writable ? "" : draft(now.me.name, open.id, "reply");
  const shows = text && `${open.id} ${text}`;
  if (place.dataset.shows === shows) return;
  place.dataset.shows = shows;
  place.replaceChildren(...(text ? boxes(open.id, ["reply"], restore) : []));
  place.hidden = place.children.length === 0;
}

function hints() {
  const { value } = at("composer-text");
  const left = MAX_CHARS - value.length;
  // While a command still matches a reply, the agent may be about to choose it.
  const doubts = doubtsIn(value.trim()).filter(({ text, isCommand }) => !isCommand || !mayFit(text));
  const hint = at("composer-hint");
  const words =
    left < 0
      ? format(texts.composer.too_long, { number: -left })
      : value.length > NEAR_MAX
        ? format(texts.composer.left, { number: left })
        : doubts.length > 0
          ? doubts.map(doubtWords).join(". ")
          : mode === "reply" && attachments.some(now.open)
            ? texts.composer.files_lost
            : plainHint();
  mark(hint, "data-tone", left < 0 ? "bad" : doubts.length > 0 ? "warn" : null);
  mark(at("composer"), "data-doubtful", doubts.length > 0);
  drawMarks(value);
  hint.replaceChildren(...(words ? [words] : keysHint()));
  at("composer-send").disabled = !isSendable(value.trim());
}

/** Marks the fields that have not been filled in, behind the text, where they stand. */
function drawMarks(text) {
  const place = at("composer-marks");
  place.replaceChildren(...(unfilled(text).length > 0 ? marked(text) : []));
  place.scrollTop = at("composer-text").scrollTop;
}

/** The name of the conversation's channel, if it shows no Markdown. */
const plainChannel = () => (mode === "reply" && now.open && plainOnly(handoff(now.open))) || null;

/** A text as the customer will see it. */
const asShown = (words) => (plainChannel() ? plain(words) : words);

const plainHint = () => (plainChannel() ? format(texts.composer.plain, { channel: plainChannel() }) : "");

function keysHint() {
  const { ctrl, shift, enter } = texts.keys;
  const accepts = acceptsFirst();
  return formatParts(accepts ? texts.composer.keys_accept : texts.composer.keys, {
    send: h("kbd", {}, accepts ? `${ctrl} ${enter}` : enter),
    line: h("kbd", {}, accepts ? enter : `${shift} ${enter}`),
    canned: h("kbd", {}, "/"),
  });
}
