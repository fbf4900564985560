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

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

function write(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(value));
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

/** Forgets what an agent has written, as at a sign-out: the machine may be shared. */
export function forgetTexts() {
  try {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith("handoff-relay.draft.") || key.startsWith("handoff-relay.pending."))
        localStorage.removeItem(key);
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
