// What the page knows: one place for each fact. Views read it and are told by topic when it changes.

const listeners = new Map();

/** Calls `act` with each change of a topic. */
export function on(topic, act) {
  listeners.set(topic, [...(listeners.get(topic) ?? []), act]);
}

/** Tells those who listen to a topic. */
export function tell(topic, detail) {
  for (const act of listeners.get(topic) ?? []) act(detail);
}

/** Facts that are neither handoffs nor rows. Change them with `set`. */
export const now = {
  /** The agent who is signed in, `{name}`. */
  me: null,
  /** `connecting`, `open` or `offline`. */
  connection: "connecting",
  /** Id of the handoff that is open on the page. */
  open: null,
  /** `loading`, `ready`, or `failed`: the open handoffs. */
  queue: "loading",
  /** The canned replies, sorted by title. */
  canned: [],
};

/** Changes one of these facts; its name is its topic. */
export function set(name, value) {
  if (now[name] === value) return;
  now[name] = value;
  tell(name, value);
}

// Handoffs. What the relay says, and on top of it what was just asked for and not answered yet.

const said = new Map();
const wished = new Map();
const shown = new Map();
let revision = 0;
/** So many characters of a value stand in lists and events. */
const SHOWN_CHARS = 256;

/** A handoff as it is to be shown. */
export const handoff = (id) => shown.get(id);
/** All that are known. */
export const handoffs = () => shown.values();
/** Moves with every change of any handoff. */
export const handoffsRevision = () => revision;

function show(id) {
  shown.set(id, Object.assign({}, said.get(id), ...(wished.get(id) ?? [])));
  revision += 1;
  tell("handoff", id);
}

/** Takes over what the relay says of a handoff, unless something newer is known. */
export function putHandoff(handoff) {
  const known = said.get(handoff.id);
  if (known && known.version > handoff.version) return;
  said.set(handoff.id, handoff.context_truncated && known ? withWhole(handoff, known) : handoff);
  show(handoff.id);
}

/** Whether a value of a handoff's context is only the beginning of one, as lists and events have it. */
export const isCut = ({ context_truncated: truncated }, value) =>
  truncated && typeof value === "string" && value.endsWith("…") && Array.from(value).length === SHOWN_CHARS + 1;

/** Takes what is known of long values over. In another version they may go on in another way. */
function withWhole(handoff, known) {
  let truncated = handoff.version !== known.version;
  const whole = ([name, value]) => {
    if (!isCut(handoff, value)) return [name, value];
    const all = known.context[name];
    const text = typeof all === "string" ? all : JSON.stringify(all);
    const goesOn = !isCut(known, all) && text?.startsWith(value.slice(0, -1));
    truncated ||= !goesOn;
    return [name, goesOn ? all : value];
  };
  const context = Object.fromEntries(Object.entries(handoff.context).map(whole));
  return { ...handoff, context, context_truncated: truncated };
}

/** Shows a handoff with `changes`, which the relay has not confirmed yet, until `unwish` with the same object. */
export function wish(id, changes) {
  wished.set(id, [...(wished.get(id) ?? []), changes]);
  if (said.has(id)) show(id);
}

export function unwish(id, changes) {
  wished.set(
    id,
    (wished.get(id) ?? []).filter((one) => one !== changes),
  );
  if (said.has(id)) show(id);
}

/** Forgets a handoff that the relay no longer has. */
export function dropHandoff(id) {
  said.delete(id);
  shown.delete(id);
  revision += 1;
  tell("handoff", id);
}

/** Forgets everything, as at a sign-out. */
export function forgetAll() {
  for (const map of [said, wished, shown]) map.clear();
  revision += 1;
}

/** Whether an open handoff is the signed-in agent's. */
export const isMine = (handoff) => handoff.status === "active" && handoff.agent?.name === now.me?.name;
