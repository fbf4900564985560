// What this browser remembers: settings, drafts, and messages that the relay has not acknowledged yet.

const SETTINGS = "handoff-relay.settings";
const DEFAULTS = {
  list: "waiting",
  details: true,
  badge: true,
  sound: false,
  notifications: false,
  shortcuts: true,
  /** Whether somebody has signed in here before. Without storage it is worth asking each time. */
  signedIn: !hasStorage(),
};

function hasStorage() {
  try {
    return Boolean(globalThis.localStorage);
  } catch {
    return false;
  }
}

function read(key, storage = "localStorage") {
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
  } catch {
    // Without storage the page forgets at the next load, and works.
  }
}

const settings = { ...DEFAULTS, ...read(SETTINGS) };

/** The settings; what is written here stays. */
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

/** What an agent has begun to write in a conversation; `mode` is `reply` or `note`. */
export const draft = (agent, handoff, mode) => read(draftKey(agent, handoff, mode)) ?? "";
export const keepDraft = (agent, handoff, mode, text) => write(draftKey(agent, handoff, mode), text || null);

const pendingKey = (agent) => `handoff-relay.pending.${agent}`;

/** Messages without an answer yet: `{key, handoff, mode, text, at}`. */
export const pending = (agent) => read(pendingKey(agent)) ?? [];

/** Changes the stored list; other tabs may have changed it meanwhile, so it is read anew. */
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

const TEXTS = ["handoff-relay.draft.", "handoff-relay.pending.", "handoff-relay.uploads."];

/** Forgets what an agent has written or sent, as at a sign-out: the machine may be shared. */
export function forgetTexts() {
  try {
    for (const storage of [localStorage, sessionStorage]) {
      for (const key of Object.keys(storage)) if (TEXTS.some((one) => key.startsWith(one))) storage.removeItem(key);
    }
  } catch {
    // There is nothing to forget.
  }
}

/** Who has this browser's attention: `{tab, open}` while a tab of ours has the focus. For the tab that calls. */
export const attention = {
  get: () => read("handoff-relay.attention"),
  set: (value) => write("handoff-relay.attention", value),
};
