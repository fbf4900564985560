// The agents' page. After every change the server sends a tick; this page then asks for all that it shows.
// The chat's id stands in the address, so that a reload continues it.

const EVENT = "application/vnd.amazonaws.connect.event.";
const STATES = {
  created: "starting",
  streaming: "starting",
  connected: "waiting",
  ended: "ended",
};
const NOTICES = {
  "participant.joined": (who) => `${who} joined`,
  "participant.left": (who) => `${who} left`,
  "participant.autodisconnection": (who) => `${who} was silent for too long`,
  "transfer.succeeded": () => "Transferred",
  "transfer.failed": () => "The transfer failed",
  "chat.ended": () => "The chat has ended",
};

const element = (id) => document.getElementById(id);
let selected = location.hash.slice(1);
/** What is shown, so that nothing is drawn twice and a reader's selection stays. */
let shown = "";

async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const response = await fetch(`/agent${path}`, options);
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? `status ${response.status}`);
  return answer;
}

/** Shows a line above the chat; `null` takes it away. */
function warn(text) {
  element("warning").textContent = text;
  element("warning").hidden = text === null;
}

async function act(action, body = {}) {
  try {
    const answer = await ask(`/contacts/${encodeURIComponent(selected)}/${action}`, body);
    warn(null);
    return answer;
  } catch (error) {
    warn(`That could not be done: ${error.message}.`);
    return null;
  }
}

function make(tag, className, ...content) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...content);
  return made;
}

function stateOf(contact) {
  if (contact.in_disconnect_flow) return "ending";
  const names = contact.agents.map((agent) => agent.DisplayName);
  return names.length ? `with ${names.join(", ")}` : STATES[contact.state];
}

async function refresh() {
  const { contacts } = await ask("/contacts");
  const chat = selected ? await ask(`/contacts/${encodeURIComponent(selected)}`).catch(() => null) : null;
  const next = JSON.stringify([contacts, chat, selected]);
  if (next === shown) return;
  shown = next;
  showContacts(contacts);
  showChat(chat);
}

function showContacts(contacts) {
  const list = element("contacts");
  const focused = document.activeElement?.dataset?.contact;
  const rows = contacts.toReversed().map((contact) => {
    const button = make("button", "", contact.display_name, make("small", "", stateOf(contact)));
    button.type = "button";
    button.dataset.contact = contact.initial_contact_id;
    button.setAttribute("aria-current", String(contact.initial_contact_id === selected));
    button.addEventListener("click", () => (location.hash = contact.initial_contact_id));
    return make("li", "", button);
  });
  list.replaceChildren(...rows);
  element("none").hidden = rows.length > 0;
  if (focused) list.querySelector(`[data-contact="${CSS.escape(focused)}"]`)?.focus();
}

function showChat(chat) {
  element("chat").hidden = chat === null;
  element("choose").hidden = chat !== null;
  if (chat === null) return;
  const { contact, transcript } = chat;
  element("title").textContent = contact.display_name;
  element("state").textContent = stateOf(contact);
  showAbout(contact);
  showMessages(transcript);
  const ended = contact.state === "ended";
  const isAgent = contact.agents.length > 0;
  for (const id of ["text", "send", "attach", "transfer", "leave"]) element(id).disabled = ended || !isAgent;
  for (const id of ["join", "end"]) element(id).disabled = ended;
}

function showAbout({ attributes, initial_message: initial }) {
  const pairs = Object.entries(attributes).flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)]);
  element("attributes").replaceChildren(...pairs);
  element("initial").textContent = initial ?? "";
}

function showMessages(transcript) {
  const list = element("messages");
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const known = new Map([...list.children].map((row) => [row.dataset.key, row]));
  const rows = transcript.map((item) => {
    const key = item.Id + (item.Attachments?.[0]?.Status ?? "");
    const row = known.get(key) ?? rowOf(item);
    row.dataset.key = key;
    return row;
  });
  // Rows that stay where they are aren't read out again.
  for (const [key, row] of known) if (!rows.some((kept) => kept.dataset.key === key)) row.remove();
  rows.forEach((row, at) => list.children[at] === row || list.insertBefore(row, list.children[at] ?? null));
  if (atEnd) list.scrollTop = list.scrollHeight;
}

function rowOf(item) {
  if (item.Type === "EVENT") {
    const kind = item.ContentType.replace(EVENT, "");
    return make("li", "notice", NOTICES[kind]?.(item.DisplayName) ?? kind);
  }
  const ours = item.ParticipantRole !== "CUSTOMER";
  const content = item.Type === "ATTACHMENT" ? item.Attachments.map(fileOf) : [item.Content];
  return make("li", ours ? "ours" : "theirs", make("span", "who", item.DisplayName), ...content);
}

function fileOf(file) {
  if (file.Status !== "APPROVED") return `${file.AttachmentName} (${file.Status.toLowerCase().replace("_", " ")})`;
  const anchor = make("a", "", file.AttachmentName);
  anchor.href = `/agent/attachments/${encodeURIComponent(file.AttachmentId)}`;
  anchor.download = file.AttachmentName;
  return anchor;
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

element("composer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = element("text").value.trim();
  if (!text) return;
  element("text").value = "";
  const content_type = element("markdown").checked ? "text/markdown" : "text/plain";
  // What could not be sent comes back, unless something new is being written.
  if (!(await act("say", { text, content_type })) && !element("text").value) element("text").value = text;
});

element("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    element("composer").requestSubmit();
  }
});

let typed = 0;
element("text").addEventListener("input", () => {
  if (Date.now() - typed < 3000) return;
  typed = Date.now();
  act("type");
});

element("attach").addEventListener("click", () => element("file").click());
element("file").addEventListener("change", async () => {
  const [file] = element("file").files;
  element("file").value = "";
  if (!file) return;
  const mime_type = file.type || "application/octet-stream";
  act("attach", { filename: file.name, mime_type, base64: await base64(file) });
});

element("join").addEventListener("click", async () => {
  await act("join", { name: element("name").value.trim() || "Ann" });
  element("text").focus();
});
element("transfer").addEventListener("click", () => act("transfer", { to: element("to").value.trim() || "Ben" }));
element("leave").addEventListener("click", () => act("leave"));
element("end").addEventListener("click", () => act("end"));

const refreshOrWarn = () => refresh().catch(() => warn("The connection is lost. Trying again…"));
window.addEventListener("hashchange", () => {
  selected = location.hash.slice(1);
  warn(null);
  refreshOrWarn();
});

const ticks = new EventSource("/agent/events");
let due = null;
ticks.onmessage = () => {
  // Many changes come together.
  due ??= setTimeout(() => {
    due = null;
    refreshOrWarn();
  }, 100);
};
ticks.onopen = () => warn(null);
ticks.onerror = () => {
  warn("The connection is lost. Trying again…");
  // After a refusal browsers don't try again.
  if (ticks.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 2000);
};
