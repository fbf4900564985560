// The open conversation: its header, its thread, and when it counts as read.

import * as actions from "./actions.js";
import * as api from "./api.js";
import { forReaders, keysOf, labelled } from "./combinations.js";
import * as composer from "./composer.js";
import * as details from "./details.js";
import { announce, at, avatar, batched, h, mark, textOf, toast } from "./dom.js";
import { isolated } from "./file-kinds.js";
import { showProgress } from "./file-row.js";
import { boxes } from "./kept-draft.js";
import { format, texts } from "./language.js";
import * as lightbox from "./lightbox.js";
import { offerWords } from "./offers.js";
import * as log from "./log.js";
import * as outbox from "./outbox.js";
import { called } from "./person.js";
import { handoff, isMine, now, on, set, unwish, wish } from "./store.js";
import { refresh } from "./sync.js";
import * as threads from "./threads.js";
import { ThreadView, threadState } from "./thread-view.js";
import { exact, span } from "./time.js";
import { left } from "./waiting.js";
import { author, customer, endWords, isOwn, outcomeWords, preview } from "./words.js";

const READ_AFTER_MS = 250;
/** The event stream reports the new read mark a moment after the answer. */
const SETTLES_MS = 1000;
const TICK_MS = 1000;
/** When to load again what could not be loaded. If the connection comes back earlier, it is loaded at once. */
const AGAIN_MS = 5000;

let view = null;
let readTimer = null;
/** The function that repeats the failed load, or null. */
let missing = null;
let missingTimer = null;
/** The element that shows the failure. It stays during the next attempt, so that its button keeps the focus. */
let missingState = null;

export function setUp() {
  composer.setUp(() => view?.answered());
  at("thread").addEventListener("scroll", () => view?.scrolled(), { passive: true });
  at("new-messages").addEventListener("click", () => {
    view?.toBottom();
    at("thread").focus();
  });
  at("back").addEventListener("click", () => (location.hash = "#/"));
  document.addEventListener("visibilitychange", () => !document.hidden && readSoon());
  on("connection", (connection) => connection === "open" && loadMissing());
  on("handoff", (id) => id === now.open && showHandoff());
  on("me", () => renderHead());
  on("rows", ({ id, rows }) => id === now.open && drawSoon(rows));
  on("thread", (id) => id === now.open && showThread());
  on("pending", (id) => id === now.open && drawSoon([]));
  on("progress", ({ key, part }) => {
    const place = at("pending").querySelector(`[data-row-id="${key}"]`);
    if (place) showProgress(place, part);
  });
  on("heard", hear);
  on("withdrawn", sayWhereItWent);
  on("gone", (id) => id === now.open && showMissing(id, null));
  on("hidden", (id) => id === now.open && showMissing(id, null, texts.conversation.hidden));
  setInterval(() => !document.hidden && renderStatus(), TICK_MS);
}

/**
 * Opens a handoff, or none with null. In the agent's own conversation, the composer gets the focus, except on touch
 * screens, where that would open the keyboard.
 */
export async function open(id) {
  if (id === now.open && id !== null) return;
  view = null;
  misses(null);
  set("open", id);
  log.clear();
  details.closeOverlay();
  at("conversation-none").hidden = id !== null;
  at("conversation-open").hidden = id === null;
  for (const list of ["messages", "pending"]) at(list).replaceChildren();
  if (id === null) return;
  at("conversation").focus({ preventScroll: true });
  composer.open();
  showState(h("div", { class: "skeleton", role: "status", "aria-label": texts.conversation.loading }));
  await load(id);
}

/** Loads the open conversation. Leaves the focus alone if the agent has moved it meanwhile. */
async function load(id) {
  const known = handoff(id) ?? (await refresh(id).catch(() => undefined));
  if (now.open !== id) return;
  if (!known) return showMissing(id, known);
  showHandoff();
  composer.open();
  const { activeElement } = document;
  const isHere = activeElement === document.body || at("conversation").contains(activeElement);
  if (isHere && isMine(known) && !matchMedia("(pointer: coarse)").matches) composer.write("reply");
  threads.open(known);
  showThread();
}

/** Shows the header. Loads the whole handoff if lists and events have only part of its context. */
function showHandoff() {
  renderHead();
  const { open } = now;
  if (handoff(open)?.context_truncated) refresh(open).catch(() => {});
}

function showMissing(id, known, words = texts.conversation.gone) {
  const isGone = known === null;
  if (!isGone) misses(() => load(id));
  if (!isGone && missingState?.isConnected) return;
  for (const part of ["conversation-head", "composer"]) at(part).hidden = true;
  // Rows that came just before must not be drawn over it.
  if (isGone) view = null;
  const text = isGone ? words : texts.conversation.failed;
  missingState = threadState(text, isGone ? null : () => load(id));
  showState(missingState);
  if (isGone) showKeptDrafts(id);
}

/** What the agent had begun to write there stays in view. */
function showKeptDrafts(id) {
  missingState.querySelector(".kept-drafts")?.remove();
  const kept = boxes(id, undefined, () => showKeptDrafts(id));
  if (kept.length > 0) missingState.append(h("div", { class: "kept-drafts" }, kept));
}

/** Remembers what could not be loaded; null for nothing. */
function misses(load) {
  missing = load;
  clearTimeout(missingTimer);
  if (load) missingTimer = setTimeout(loadMissing, AGAIN_MS);
}

function loadMissing() {
  const load = missing;
  misses(null);
  load?.();
}

function showState(node) {
  at("thread-state").replaceChildren(...(node ? [node] : []));
  at("thread-state").hidden = !node;
}

/** Shows the thread as it is in memory: loading, failed, or its rows. */
function showThread() {
  const open = handoff(now.open);
  const thread = threads.thread(now.open);
  if (!open || !thread) return;
  const again = () => threads.load(open);
  if (thread.error?.passes && !missing) misses(again);
  if (thread.state === "failed") return showState(threadState(texts.thread.failed, again));
  if (thread.state === "loading") return;
  showState(thread.rows.size === 0 ? threadState(texts.thread.empty) : null);
  if (view?.thread === thread) return view.scrolled();
  if (view && view.thread.id === thread.id) {
    view.thread = thread;
    return view.take([...thread.rows.keys()]);
  }
  view = new ThreadView({
    thread,
    handoff: open,
    actions: { retry: actions.retry, drop: actions.drop, fetchAgain: actions.retry, view: lightbox.view },
    bottom: readSoon,
  });
  showPending();
}

/** Rows that have changed since the last frame. */
const changed = new Set();

function drawSoon(ids) {
  for (const id of ids) changed.add(id);
  drawChanges();
}

/** Draws new rows and pending rows together, so that a message never shows twice. */
const drawChanges = batched(() => {
  const thread = threads.thread(now.open);
  const ids = [...changed];
  changed.clear();
  if (!thread || view?.thread !== thread) return showThread();
  if (ids.length > 0) {
    showState(thread.rows.size === 0 ? threadState(texts.thread.empty) : null);
    view.take(ids);
  }
  showPending();
});

function showPending() {
  view?.pending(outbox.waiting(now.open), pendingActions);
}

const pendingActions = {
  retry: (row) => outbox.again(row.id),
  drop: (row) => outbox.discard(row.id),
  cancel(id) {
    outbox.discard(id);
    at("composer-text").focus();
  },
};

/** Handles a message from the event stream. */
function hear(row) {
  if (row.author.role === "human_agent" && row.author.display_name === now.me?.name) outbox.arrived(row);
  if (isOwn(row) && row.content.type === "file" && row.delivery?.state === "failed")
    announce(
      format(texts.files.failed, { name: isolated(row.content.filename), error: row.delivery.error ?? "" }),
    );
  if (row.handoff_id !== now.open || row.author.role !== "end_user" || row.source === "transcript") return;
  const open = handoff(now.open);
  log.log(format(texts.preview.said, { author: author(row, open), text: preview(row, open) }));
}

/** A message is not shown here any more. If it has moved to this thread, that had it already. */
function sayWhereItWent({ handoff_id: id, withdrawn, moved_to: to }) {
  if (id === now.open && to !== id) toast(texts.withdrawn[withdrawn]);
}

/** Marks the visible messages as read, in the agent's own conversations only. */
function readSoon() {
  clearTimeout(readTimer);
  readTimer = setTimeout(async () => {
    const open = now.open && handoff(now.open);
    const isOver = open?.status === "ended" && (!open.agent || open.agent.name === now.me?.name);
    if (!open || !view?.atBottom || document.hidden || open.unread === 0 || !(isMine(open) || isOver)) return;
    const seqs = [...threads.thread(open.id).rows.values()].map((row) => row.seq);
    const changes = { unread: 0 };
    wish(open.id, changes);
    await api
      .read(
        open.id,
        seqs.reduce((one, other) => Math.max(one, other), 0),
      )
      .catch(() => {});
    setTimeout(() => unwish(open.id, changes), SETTLES_MS);
  }, READ_AFTER_MS);
}

// The header.

const renderHead = batched(() => {
  const open = now.open && handoff(now.open);
  if (!open || !now.me) return;
  for (const part of ["conversation-head", "composer"]) at(part).hidden = false;
  const name = called(open);
  if (at("conversation-name").textContent !== textOf(name)) {
    at("conversation-name").replaceChildren(...name);
    at("conversation-face").replaceChildren(avatar(customer(open)));
  }
  mark(at("conversation"), "data-status", open.status);
  mark(at("conversation"), "data-handoff-id", open.id);
  mark(at("conversation"), "data-mine", isMine(open));
  renderStatus();
  renderActions(open);
  at("doubtful").hidden = !open.doubtful || open.status === "ended";
  readSoon();
});

function renderStatus() {
  const open = now.open && handoff(now.open);
  if (!open) return;
  const words = {
    waiting: () => {
      const waits = format(texts.time.waiting_for, { time: span(open.created_at) });
      return [...offerWords(open), waits, left(open)].filter(Boolean).join(" · ");
    },
    active() {
      const { assigned_to_you: toYou, assigned: to } = texts.conversation;
      return isMine(open) ? toYou : format(to, { agent: open.agent?.name });
    },
    ended: () => [endWords(open), open.outcome && outcomeWords(open.outcome)].filter(Boolean).join(" · "),
  }[open.status]();
  const status = at("conversation-status");
  if (status.textContent !== words) status.textContent = words;
  status.title = exact(open.ended_at ?? open.accepted_at ?? open.created_at);
}

const BUTTONS = [
  ["accept", "main", (open) => actions.accept(open)],
  ["takeOver", "main", (open) => actions.takeOver(open)],
  ["decline", "", (open) => actions.decline(open)],
  ["release", "", (open) => actions.release(open)],
  ["handOver", "", (open) => actions.handOver(open)],
  ["end", "", (open) => actions.end(open)],
];

function renderActions(open) {
  const may = actions.offered(open);
  const wanted = BUTTONS.filter(([name]) => may[name]);
  const place = at("conversation-actions");
  if (place.dataset.offers === wanted.map(([name]) => name).join()) return;
  place.dataset.offers = wanted.map(([name]) => name).join();
  const had = place.contains(document.activeElement);
  place.replaceChildren(
    ...wanted.map(([name, style, act]) =>
      h(
        "button",
        {
          type: "button",
          class: style,
          "data-action": name,
          "aria-keyshortcuts": forReaders(name),
          title: keysOf(name).join("+"),
          onclick: () => act(handoff(now.open)),
        },
        labelled(texts.buttons[name], name),
      ),
    ),
  );
  // The pressed button is gone: the focus moves to what it opened.
  if (had) isMine(open) ? composer.write("reply") : at("conversation").focus();
}
