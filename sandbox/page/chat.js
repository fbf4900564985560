// The customer's chat window. The server sends the whole conversation after every change; this page shows it.
// The conversation's id stands in the address, so that a reload continues it.

import { fileContent } from "./files.js";
import { forgetFiles, takeFiles } from "./uploads.js";

const API = "/chat/api/conversations";
const ASK_FOR_A_PERSON = "I'd like to talk to a person, please.";
const NOTICES = {
  waiting: "You are waiting for a person",
  handoff_ended: "The conversation with our team has ended",
  conversation_ended: "You have ended the chat",
};

const element = (id) => document.getElementById(id);
const chat = element("chat");
const list = element("messages");
const input = element("text");

let conversation = location.hash.slice(1);
let stream = null;
/** Row key → shown element: rows never change, so each is made once. */
const rows = new Map();

async function post(path, body) {
  const options = { method: "POST" };
  if (body !== undefined) {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  const response = await fetch(API + path, options);
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response;
}

/** Shows a line above the messages; `null` takes it away. */
function warn(text) {
  element("warning").textContent = text;
  element("warning").hidden = text === null;
}

const path = (action) => `/${encodeURIComponent(conversation)}${action}`;

async function begin() {
  const response = await post("");
  conversation = (await response.json()).id;
  history.replaceState(null, "", `#${conversation}`);
  listen();
}

function listen() {
  stream?.close();
  forgetFiles();
  rows.clear();
  list.replaceChildren();
  stream = new EventSource(API + path("/events"));
  stream.onmessage = (event) => {
    warn(null);
    const first = rows.size === 0;
    show(JSON.parse(event.data));
    if (first) input.focus();
  };
  stream.onerror = () => {
    warn("The connection is lost. Trying again…");
    // The server doesn't know the conversation (any more), or is away for longer than the browser tries.
    if (stream.readyState === EventSource.CLOSED) retry();
  };
}

/** Starts over, now or as soon as the server is back. */
function retry() {
  begin().catch(() => setTimeout(retry, 2000));
}

function show(state) {
  const ended = state.status === "ended";
  const phase = ended ? "ended" : state.phase.with;
  // Asked before anything changes its height.
  const atEnd = isAtEnd();
  chat.dataset.status = state.status;
  chat.dataset.phase = phase;
  showHeader(phase, state.phase);
  const last = showRows(state);
  for (const id of ["text", "send", "attach", "end"]) element(id).disabled = ended;
  element("person").disabled = phase !== "ai_agent";
  element("person").hidden = phase !== "ai_agent";
  element("end").hidden = ended;
  element("composer").hidden = ended;
  element("restart").hidden = !ended;
  if (atEnd || last?.role === "end_user") toEnd();
}

/** Whether the last line is in sight. Kept, because a picture that has loaded is taller at once. */
let followsEnd = true;
list.addEventListener("scroll", () => {
  followsEnd = isAtEnd();
});

// Files that are being sent take room from the list.
new ResizeObserver(() => followsEnd && toEnd()).observe(list);

function isAtEnd() {
  return list.scrollHeight - list.scrollTop - list.clientHeight < 80;
}

function toEnd() {
  list.scrollTop = list.scrollHeight;
  followsEnd = true;
}

function showHeader(phase, { name, queue }) {
  const person = phase === "person";
  element("title").textContent = person ? name : "Acme assistant";
  element("avatar").textContent = (person ? name : "Acme").trim().charAt(0).toUpperCase();
  element("state").textContent = {
    ai_agent: "AI assistant",
    starting: "Connecting you…",
    waiting: `Waiting for a person${place(queue)}`,
    person: `You are talking with ${name}`,
    ended: "This chat has ended",
  }[phase];
}

function place(queue) {
  if (queue?.unit === "position") {
    return queue.amount === 0 ? " · you are next" : ` · ${queue.amount} before you`;
  }
  if (queue?.unit === "time") return ` · about ${Math.max(1, Math.round(queue.amount / 60))} min`;
  return "";
}

/** Adds what is new; returns the last line if it is a message. */
function showRows({ messages, notices }) {
  const lines = [
    ...messages.map((message) => ({ key: message.message_id, at: message.created_at, message })),
    ...notices.map((notice) => ({ key: notice.at + notice.kind, at: notice.at, notice })),
  ];
  // No two lines of a conversation share their time, and times of this form sort as text.
  lines.sort((one, other) => (one.at < other.at ? -1 : 1));
  let before = null;
  for (const line of lines) {
    if (!rows.has(line.key)) {
      const row = line.message ? messageRow(line.message, before) : noticeRow(line.notice);
      rows.set(line.key, row);
      list.append(row);
    }
    before = line.message ?? null;
  }
  return before;
}

function make(tag, className, ...content) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...content);
  return made;
}

function noticeRow({ kind }) {
  const row = make("li", "notice", NOTICES[kind] ?? kind);
  row.dataset.kind = kind;
  return row;
}

function messageRow(message, before) {
  const row = make("li", "message");
  row.dataset.role = message.role;
  row.dataset.id = message.message_id;
  const sameAuthor = before?.role === message.role && before.display_name === message.display_name;
  row.classList.toggle("follows", sameAuthor);
  const bubble = make("div", "bubble", bubbleContent(message));
  bubble.dataset.type = message.content.type;
  const sent = new Date(message.created_at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  bubble.title = sent;
  row.append(make("span", "author", message.display_name ?? ""), bubble);
  return row;
}

function bubbleContent({ content, file }) {
  if (content.type === "file") return fileContent(content, file?.size, () => followsEnd && toEnd());
  if (content.type === "link") return link(content.url, content.link_text ?? content.url);
  return content.body ?? `(${content.type})`;
}

/** A link that opens beside the chat; other schemes than the web's stay text. */
function link(url, text) {
  if (!/^https?:\/\//i.test(url)) return text;
  const anchor = make("a", "", text);
  anchor.href = url;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer";
  return anchor;
}

async function say(text) {
  try {
    await post(path("/messages"), { text });
    return true;
  } catch {
    warn("Your message could not be sent.");
    return false;
  }
}

element("composer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = input.value.trim();
  if (!text) return;
  input.value = "";
  // What could not be sent comes back, unless something new is being written.
  if (!(await say(text)) && !input.value) input.value = text;
});

element("person").addEventListener("click", () => {
  element("person").disabled = true;
  say(ASK_FOR_A_PERSON);
});

element("end").addEventListener("click", () => {
  post(path("/end")).catch(() => warn("The chat could not be ended."));
});

element("restart").addEventListener("click", retry);

takeFiles(() => API + path("/files"));

window.addEventListener("hashchange", () => {
  if (location.hash.slice(1) === conversation) return;
  conversation = location.hash.slice(1);
  if (conversation) listen();
  else retry();
});

if (conversation) listen();
else retry();
