// The dialog that hands a conversation over to a colleague or a team.

import * as api from "./api.js";
import { ask } from "./dialogs.js";
import { h } from "./dom.js";
import { format, texts } from "./language.js";
import { now } from "./store.js";
import { customer } from "./words.js";

/** The same, and at the end those of which this is so: nobody wants them first. */
const withLast = (list, isLast) => [...list].sort((one, other) => isLast(one) - isLast(other));

/** Asks who gets a handoff. Resolves to `{agent}` or `{team}` with the `note`, or null; to undefined if there is nobody. */
export async function askForReceiver(handoff) {
  const [agents, teams] = await Promise.all([api.agents(), api.teams()]);
  const others = withLast(
    agents.data.filter(({ name }) => name !== now.me.name),
    ({ duty }) => duty !== "on",
  );
  const waitsFor = handoff.status === "waiting" ? handoff.team : null;
  const possible = teams.data.filter(({ name }) => name !== waitsFor);
  const receivers = [
    ...withLast(possible, ({ name }) => name === handoff.team).map(({ name }) => ({ team: name })),
    ...others.map(({ name }) => ({ agent: name })),
  ];
  if (receivers.length === 0) return undefined;
  const duties = new Map(others.map(({ name, duty }) => [name, duty]));
  const offDuty = { away: texts.hand_over.away, gone: texts.hand_over.gone };
  const label = (name) => {
    const words = offDuty[duties.get(name)];
    return words ? format(words, { agent: name }) : name;
  };
  const options = (kind) =>
    receivers.flatMap((receiver, index) => (receiver[kind] ? h("option", { value: index }, label(receiver[kind])) : []));
  const group = (label, kind) => options(kind).length > 0 && h("optgroup", { label }, options(kind));
  const groups = [group(texts.hand_over.teams, "team"), group(texts.hand_over.colleagues, "agent")];
  const to = h("select", { id: "hand-over-to", autofocus: true }, groups);
  const note = h("textarea", { id: "hand-over-note", maxlength: 50000, rows: 3, dir: "auto" });
  const sure = await ask({
    title: format(texts.hand_over.title, { customer: customer(handoff) }),
    text: texts.hand_over.about,
    fields: [
      h("label", { for: "hand-over-to" }, texts.hand_over.to),
      to,
      h("label", { for: "hand-over-note" }, texts.common.note_for_colleagues),
      note,
    ],
    yes: texts.buttons.handOver,
  });
  if (!sure) return null;
  return { ...receivers[to.value], note: note.value.trim() || undefined };
}
