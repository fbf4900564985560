// What the page calls things: people, states, and what happened.

import { isolated, kindOf } from "./file-kinds.js";
import { format, texts } from "./language.js";
import { now } from "./store.js";

const PREVIEW_CHARS = 160;
/**
 * Matches a value that is only placeholders of the AI Agent's variables, because the AI Agent did not fill them in, or
 * what programming languages print for a missing value.
 */
const UNFILLED = /^\s*(?:(?:\{\{?[^{}]*\}\}?\s*)+|null|undefined|None|\[object Object\])\s*$/;

/** The customer's name, or the end of the conversation's id if the name is unknown. */
export function customer(handoff) {
  return handoff.end_user?.name || format(texts.people.customer_of, { id: handoff.conversation_id.slice(-4) });
}

/** Whether a field of the handover has a value, rather than the names of variables, or a word for no value. */
export const isFilled = (value) => value !== undefined && !(typeof value === "string" && UNFILLED.test(value));

/** A short name for the AI Agent: the first part of its domain. */
export const aiAgent = (handoff) => handoff.ai_agent_domain.split(".")[0];

/** An agent's name, or "you" for the agent who is signed in. */
export const agentName = (name) => (name === now.me?.name ? texts.people.you_within : name);

/** A text without lone surrogates, which JSON parsers refuse. */
export const wellFormed = (text) => text.replace(/\p{Surrogate}/gu, "\ufffd");

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Whether the agent who is signed in wrote a row. */
export const isOwn = (row) =>
  row.author.role === "human_agent" && row.source === "agent" && row.author.display_name === now.me?.name;

/** Who wrote a row. */
export function author(row, handoff) {
  const { role, display_name: name } = row.author;
  if (isOwn(row)) return texts.people.you;
  if (role === "end_user") return handoff ? customer(handoff) : name || texts.people.customer;
  if (role === "ai_agent") return name || texts.common.ai_agent;
  if (role === "human_agent") return name || texts.people.another_agent;
  return name || "";
}

/** The text of a row that the relay has added. */
export function eventWords({ event, by, to }, handoff) {
  const ender = event === "ended" ? (by ?? "system") : null;
  if (Object.hasOwn(texts.ended_by, ender))
    return format(texts.ended_by[ender], { customer: handoff ? customer(handoff) : texts.people.the_customer });
  const isOwn = by !== null && by !== undefined && by === now.me?.name;
  const agent = by || texts.people.an_agent;
  const text = (isOwn && texts.events_by_you[event]) || texts.events[event];
  return capital(format(text ?? texts.events.unknown, { agent, to, event: event.replaceAll("_", " ") }));
}

/** What came of a conversation, in the words that agents chose. */
export const outcomeWords = (outcome) => capital(outcome);

/** Why a conversation is over. */
export function endWords(handoff) {
  const { missed_by_agent: late, missed, you, agent } = texts.end_words;
  if (handoff.missed) return handoff.agent ? late : missed;
  const { ended_by: by, agent: last } = handoff;
  if (by === "agent" && last) return last.name === now.me?.name ? you : format(agent, { agent: last.name });
  const text = texts.over_by[by];
  return format(text ?? texts.end_words.unknown, { customer: customer(handoff) });
}

/** A row in one line. */
export function preview(row, handoff) {
  if (!row) return texts.preview.none;
  const { content } = row;
  if (content.type === "event") return eventWords(content, handoff);
  const line = contentWords(content).slice(0, PREVIEW_CHARS).replace(/\s+/g, " ");
  if (row.author.role === "end_user" || row.author.role === "system") return line;
  return format(texts.preview.said, { author: author(row, handoff), text: line });
}

function contentWords(content) {
  const { type, body } = content;
  if (type === "text" || type === "presence") return body;
  if (type === "note") return format(texts.preview.note, { text: body });
  if (type === "file") {
    const text = texts.preview_files[kindOf(content)] ?? texts.preview_files.file;
    return format(text, { name: isolated(content.filename) });
  }
  return type === "link" ? content.link_text || content.url : texts.preview.unknown;
}

/** A field's name as people write it: `account_number` and `accountNumber` are `Account number`. */
export function fieldName(key) {
  const words = key
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .replace(/[_\-.\s]+/g, " ")
    .trim();
  const plain = words.split(" ").map((word) => (/^[A-Z\d]{2,}$/.test(word) ? word : word.toLowerCase()));
  return (
    capital(
      plain
        .join(" ")
        .replace(/\bid\b/g, "ID")
        .replace(/\burl\b/g, "URL"),
    ) || key
  );
}
