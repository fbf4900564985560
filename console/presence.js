// Who else has a conversation in view or writes in it, and what this agent does in theirs. The relay stores nothing of it:
// it is said again and again, and is over when it isn't.

import * as api from "./api.js";
import { announce, at, batched, h, icon } from "./dom.js";
import { collate, format, listed, texts } from "./language.js";
import { handoff, now, on, tell } from "./store.js";

const AGAIN_MS = 10_000;
/** So long after the last key, an agent no longer writes. */
const WRITING_MS = 6000;
/** The relay forgets an agent after 25 s without a word of theirs. */
const OVER_MS = 27_000;
const TICK_MS = 5000;
/** A list names so many; the rest is a number. */
const NAMED = 2;

/** By handoff, then by name: what they do, and when that was heard. */
const others = new Map();
let wroteAt = -Infinity;
let pauseTimer = null;
/** What the relay was told last. */
let said = null;
/** Whom screen readers were told of since the conversation was opened: once for each thing they do. */
const announced = new Set();

export function setUp() {
  const draw = batched(render);
  const update = batched(() => say());
  for (const topic of ["open", "handoff", "me"]) on(topic, update);
  on("presence", (data) => hear([data]));
  on("connection", (connection) => connection === "open" && say(true));
  on("open", () => announced.clear());
  for (const topic of ["present", "open", "me"]) on(topic, draw);
  document.addEventListener("visibilitychange", () => say());
  addEventListener("pagehide", () => said && put({ ...said, state: "none" }));
  at("composer-text").addEventListener("input", () => {
    wroteAt = Date.now();
    clearTimeout(pauseTimer);
    pauseTimer = setTimeout(say, WRITING_MS);
    say();
  });
  setInterval(() => say(true), AGAIN_MS);
  setInterval(forget, TICK_MS);
}

/** The others in a conversation: `{agent, state}`, by name. */
export const othersIn = (id) => [...(others.get(id)?.values() ?? [])].sort((one, two) => collate(one.agent, two.agent));

/** The names of some agents. */
export function names(list) {
  const shown = list.slice(0, NAMED).map(({ agent }) => agent);
  const more = list.length - shown.length;
  return listed(more > 0 ? [...shown, format(texts.people.more, { number: more })] : shown);
}

/** What some agents do, in a sentence for each thing. */
export function words(list) {
  return ["writing", "looking"].flatMap((state) => {
    const some = list.filter((one) => one.state === state);
    return some.length > 0 ? [format(texts.presence[state], { number: some.length, agents: names(some) })] : [];
  });
}

/** What this agent does: the open conversation, unless it is over or nobody sees the page. */
function doing() {
  const open = now.me && now.open && !document.hidden && handoff(now.open);
  if (!open || open.status === "ended") return null;
  const writes = Date.now() - wroteAt < WRITING_MS && at("composer-text").value !== "";
  return { id: open.id, state: writes ? "writing" : "looking" };
}

/** Tells the relay what has changed, or with `again` what is still so. */
function say(again = false) {
  if (now.connection !== "open") return;
  const [was, is] = [said, doing()];
  said = is;
  // What has left the agent's sight is nothing that they could be asked about.
  if (was && was.id !== is?.id && now.me && handoff(was.id)) put({ ...was, state: "none" });
  if (is && (again === true || was?.id !== is.id || was.state !== is.state)) put(is);
}

async function put({ id, state }) {
  const answer = await api.present(id, state).catch(() => null);
  if (answer && state !== "none") hear([...gone(id, answer.data), ...answer.data]);
}

/** Those who are known to be there, and are not in the relay's answer. */
const gone = (id, there) =>
  othersIn(id)
    .filter(({ agent }) => !there.some((other) => other.agent === agent))
    .map(({ agent }) => ({ handoff_id: id, agent, state: "none" }));

function hear(news) {
  const changed = new Set();
  for (const { handoff_id: id, agent, state } of news) {
    if (agent === now.me?.name) continue;
    const there = others.get(id) ?? new Map();
    const was = there.get(agent)?.state ?? "none";
    if (state === "none") there.delete(agent);
    else there.set(agent, { agent, state, at: Date.now() });
    if (there.size > 0) others.set(id, there);
    else others.delete(id);
    if (was === state) continue;
    changed.add(id);
    announceOnce(id, agent, state);
  }
  for (const id of changed) tell("present", id);
}

function announceOnce(id, agent, state) {
  const what = `${state} ${agent}`;
  if (id !== now.open || state === "none" || announced.has(what)) return;
  announced.add(what);
  announce(format(texts.presence_announced[state], { agent }));
}

/** Forgets those of whom nothing was heard: the word that they have gone may be lost. */
function forget() {
  const over = Date.now() - OVER_MS;
  const silent = [...others].flatMap(([id, there]) =>
    [...there.values()].filter((one) => one.at < over).map(({ agent }) => ({ handoff_id: id, agent, state: "none" })),
  );
  hear(silent);
}

function render() {
  const list = now.open ? othersIn(now.open) : [];
  const place = at("viewers");
  place.hidden = list.length === 0;
  const kinds = words(list);
  const text = kinds.join(" · ");
  if (place.dataset.words === text) return;
  place.dataset.words = text;
  place.title = text;
  const writes = list.some((one) => one.state === "writing");
  place.replaceChildren(...(text ? [icon(writes ? "pen" : "eye"), h("span", { dir: "auto" }, text)] : []));
}
