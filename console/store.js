// The page's state: each fact has one place. Views read it, and are notified of changes by topic.

const listeners = new Map();

/** Calls `act` with each change of a topic. */
export function on(topic, act) {
  listeners.set(topic, [...(listeners.get(topic) ?? []), act]);
}

/** Notifies the listeners of a topic. */
export function tell(topic, detail) {
  for (const act of listeners.get(topic) ?? []) act(detail);
}

/** Facts that are neither handoffs nor rows. Change them with `set`. */
export const now = {
  /** The agent who is signed in, `{name}`. */
  me: null,
  /** The fields of start calls that lists show, the most important first. */
  fields: [],
  /** `connecting`, `open` or `offline`. */
  connection: "connecting",
  /** Id of the handoff that is open on the page. */
  open: null,
  /** `loading`, `ready`, or `failed`: the open handoffs. */
  queue: "loading",
  /** The canned replies, sorted by title. */
  canned: [],
  /** All agents, and whether they take handoffs. */
  colleagues: [],
  /** What may come of a handoff, as its agent says at the end. */
  outcomes: [],
};

/** Changes one of these facts; its name is its topic. */
export function set(name, value) {
  if (now[name] === value) return;
  now[name] = value;
  tell(name, value);
}

// Handoffs: what the relay has reported, with the agent's unconfirmed changes on top.

const said = new Map();
const wished = new Map();
const shown = new Map();
/** Handoffs of other teams, each with the version up to which they are: a late answer must not bring one back. */
const hidden = new Map();
let revision = 0;
/** Lists and events contain this many characters of each value. */
const SHOWN_CHARS = 256;

/** A handoff as it is shown. */
export const handoff = (id) => shown.get(id);
/** A handoff as the relay has reported it, without the agent's unconfirmed changes. */
export const reported = (id) => said.get(id);
/** All that are known. */
export const handoffs = () => shown.values();
/** A number that grows with every change of any handoff. */
export const handoffsRevision = () => revision;

function show(id) {
  shown.set(id, Object.assign({}, said.get(id), ...(wished.get(id) ?? [])));
  revision += 1;
  tell("handoff", id);
}

/** Stores a handoff from the relay, unless a newer version is known. */
export function putHandoff(handoff) {
  const known = said.get(handoff.id);
  if ((known && known.version > handoff.version) || hidden.get(handoff.id) >= handoff.version) return;
  said.set(handoff.id, handoff.context_truncated && known ? withWhole(handoff, known) : handoff);
  show(handoff.id);
}

/** Whether a value of a handoff's context was cut, as in lists and events. */
export const isCut = ({ context_truncated: truncated }, value) =>
  truncated && typeof value === "string" && value.endsWith("…") && Array.from(value).length === SHOWN_CHARS + 1;

/** Keeps the known full values of cut ones, if they begin the same. In another version, the rest may have changed. */
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

/** Shows a handoff with unconfirmed `changes`, until `unwish` is called with the same object. */
export function wish(id, changes) {
  wished.set(id, [...(wished.get(id) ?? []), changes]);
  if (said.has(id)) show(id);
}

export function unwish(id, changes) {
  const left = (wished.get(id) ?? []).filter((one) => one !== changes);
  if (left.length > 0) wished.set(id, left);
  else wished.delete(id);
  if (said.has(id)) show(id);
}

/** Removes a handoff that nothing on the page shows. It may be loaded again. */
export function forgetHandoff(id) {
  said.delete(id);
  shown.delete(id);
  revision += 1;
}

/** Removes a handoff that the relay no longer has. */
export function dropHandoff(id) {
  forgetHandoff(id);
  tell("handoff", id);
}

/** Removes a handoff that is another team's now, as of this version. */
export function hideHandoff(id, version) {
  hidden.set(id, version);
  dropHandoff(id);
}

/** Removes everything, for example when the agent signs out. */
export function forgetAll() {
  for (const map of [said, wished, shown, hidden]) map.clear();
  revision += 1;
}

/** Whether an open handoff is the signed-in agent's. */
export const isMine = (handoff) => handoff.status === "active" && handoff.agent?.name === now.me?.name;
