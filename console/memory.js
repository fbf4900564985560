// What the browser stores: settings, drafts, and messages that the relay has not acknowledged yet.

const SETTINGS = "handoff-relay.settings";
const DEFAULTS = {
  list: "waiting",
  details: true,
  badge: true,
  sound: false,
  notifications: false,
  /** Whether sound and notifications have been offered. */
  introduced: false,
  shortcuts: true,
  /** Whether an agent has signed in with this browser before. Without storage, the page asks the relay each time. */
  signedIn: !hasStorage(),
  /** Whether an agent has signed out, and the relay does not know it yet. */
  signsOut: false,
};

function hasStorage() {
  try {
    return Boolean(globalThis.localStorage);
  } catch {
    return false;
  }
}

/** What could not be stored, for as long as the page is open. */
const unstored = new Map();

function read(key, storage = "localStorage") {
  if (unstored.has(key)) return unstored.get(key);
  try {
    return JSON.parse(globalThis[storage].getItem(key));
  } catch {
    return null;
  }
}

function write(key, value, storage = "localStorage") {
  try {
    if (value === null) globalThis[storage].removeItem(key);
    else globalThis[storage].setItem(key, JSON.stringify(value));
    unstored.delete(key);
  } catch {
    // Without storage, the page works, but a reload loses this.
    unstored.set(key, value);
  }
}

const settings = { ...DEFAULTS, ...read(SETTINGS) };

/** The settings. Changes are stored. */
export const remembered = new Proxy(settings, {
  set(_, name, value) {
    settings[name] = value;
    write(SETTINGS, settings);
    return true;
  },
});

// Another tab has changed a setting.
window.addEventListener("storage", ({ key }) => key === SETTINGS && Object.assign(settings, read(SETTINGS)));

const draftKey = (agent, handoff, mode) => `handoff-relay.draft.${agent}.${handoff}.${mode}`;

/** An agent's draft in a conversation; `mode` is `reply` or `note`. */
export const draft = (agent, handoff, mode) => read(draftKey(agent, handoff, mode)) ?? "";
export const keepDraft = (agent, handoff, mode, text) => write(draftKey(agent, handoff, mode), text || null);

const pendingKey = (agent) => `handoff-relay.pending.${agent}`;

/** Messages without an answer yet: `{key, handoff, mode, text, at}`. */
export const pending = (agent) => read(pendingKey(agent)) ?? [];

/** Changes the stored list. Reads it first, because other tabs may have changed it. */
export function changePending(agent, change) {
  const list = change(pending(agent));
  write(pendingKey(agent), list.length > 0 ? list : null);
}

const uploadsKey = (agent) => `handoff-relay.uploads.${agent}`;

/**
 * Files that this tab has begun to upload, without their bytes: a reload interrupts them, and the page then says so.
 * `{key, handoff, mode, at, file}`.
 */
export const uploads = (agent) => read(uploadsKey(agent), "sessionStorage") ?? [];

export function changeUploads(agent, change) {
  const list = change(uploads(agent));
  write(uploadsKey(agent), list.length > 0 ? list : null, "sessionStorage");
}

const noticesKey = (agent) => `handoff-relay.notices.${agent}`;

/** Notices that an agent has not dismissed: `{id, kind, words}`, of a message with its `row`. */
export const keptNotices = (agent) => read(noticesKey(agent)) ?? [];
export const keepNotices = (agent, list) => write(noticesKey(agent), list.length > 0 ? list : null);

const ownedKey = (agent) => `handoff-relay.owned.${agent}`;

/** The handoffs that were an agent's when the page last looked, by id; null if it never has. */
export const keptOwned = (agent) => read(ownedKey(agent));
export const keepOwned = (agent, owned) => write(ownedKey(agent), owned);

/** Calls `act` when another tab has changed what is stored under this name. */
export function onOtherTab(name, act) {
  window.addEventListener("storage", ({ key }) => key?.startsWith(`handoff-relay.${name}.`) && act());
}

const VIEW = "handoff-relay.view";

/** How the agent has filtered and sorted the lists: `{filters, orders}`. */
export const keptView = () => read(VIEW);
export const keepView = (view) => write(VIEW, view);

const KEPT = ["draft", "pending", "uploads", "notices", "owned"];
const TEXTS = [...KEPT.map((name) => `handoff-relay.${name}.`), VIEW];

/** Deletes an agent's texts when they sign out: other people may use the same machine. */
export function forgetTexts() {
  unstored.clear();
  try {
    for (const storage of [localStorage, sessionStorage]) {
      for (const key of Object.keys(storage)) if (TEXTS.some((one) => key.startsWith(one))) storage.removeItem(key);
    }
  } catch {
    // Without storage, there is nothing to delete.
  }
}

/** Which tab has the focus: `{tab, open}`, or null. The tab that makes sounds and notifications reads it. */
export const attention = {
  get: () => read("handoff-relay.attention"),
  set: (value) => write("handoff-relay.attention", value),
};
