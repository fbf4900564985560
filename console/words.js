// What the page calls things: people, states, and what happened.

import { isolated, kindOf } from "./file-kinds.js";
import { now } from "./store.js";

const PREVIEW_CHARS = 160;
/**
 * Matches a value that is only placeholders of the AI Agent's variables, because the AI Agent did not fill them in, or
 * what programming languages print for a missing value.
 */
const UNFILLED = /^\s*(?:(?:\{\{?[^{}]*\}\}?\s*)+|null|undefined|None|\[object Object\])\s*$/;

/** The customer's name, or the end of the conversation's id if the name is unknown. */
export function customer(handoff) {
  return handoff.end_user?.name || `Customer ${handoff.conversation_id.slice(-4)}`;
}

/** Whether a field of the handover has a value, rather than the names of variables, or a word for no value. */
export const isFilled = (value) => value !== undefined && !(typeof value === "string" && UNFILLED.test(value));

/** A short name for the AI Agent: the first part of its domain. */
export const aiAgent = (handoff) => handoff.ai_agent_domain.split(".")[0];

/** A number and its noun. */
export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

/** An agent's name, or "you" for the agent who is signed in. */
export const agentName = (name) => (name === now.me?.name ? "you" : name);

/** A text without lone surrogates, which JSON parsers refuse. */
export const wellFormed = (text) => text.replace(/\p{Surrogate}/gu, "\ufffd");

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Whether the agent who is signed in wrote a row. */
export const isOwn = (row) =>
  row.author.role === "human_agent" && row.source === "agent" && row.author.display_name === now.me?.name;

/** Who wrote a row. */
export function author(row, handoff) {
  const { role, display_name: name } = row.author;
  if (isOwn(row)) return "You";
  if (role === "end_user") return handoff ? customer(handoff) : name || "Customer";
  if (role === "ai_agent") return name || "AI Agent";
  if (role === "human_agent") return name || "Another agent";
  return name || "";
}

const ENDERS = {
  agent: () => "An agent ended the conversation",
  end_user: (handoff) => `${handoff ? customer(handoff) : "The customer"} ended the conversation`,
  system: () => "The conversation was ended automatically",
  ada: () => "The conversation was ended in Ada",
};

const EVENTS = {
  started: () => "Handed over by the AI Agent",
  adopted: () => "Opened by the customer's message; Ada's start call did not arrive",
  accepted: (by) => `${by} accepted`,
  taken_over: (by) => `${by} took over`,
  handed_over: (by, to) => `${by} handed it over to ${to}`,
  released: (by) => `${by} returned it to the queue`,
  agent_gone: (by) => `${by} ${by === "You" ? "were" : "was"} gone: back in the queue`,
  timed_out: () => "Timed out: nobody answered",
  ended: (by) => `${by} ended the conversation`,
};

/** The text of a row that the relay has added. */
export function eventWords({ event, by, to }, handoff) {
  if (event === "ended" && (!by || ENDERS[by])) return ENDERS[by ?? "system"](handoff);
  const words = EVENTS[event] ?? ((who) => [event.replaceAll("_", " "), who && `by ${who}`].filter(Boolean).join(" "));
  return capital(words(by ? capital(agentName(by)) : "An agent", to));
}

/** What came of a conversation, in the words that agents chose. */
export const outcomeWords = (outcome) => capital(outcome);

/** Why a conversation is over. */
export function endWords(handoff) {
  if (handoff.missed)
    return handoff.agent ? "Missed: the agent did not answer in time" : "Missed: nobody accepted it in time";
  if (handoff.ended_by === "agent" && handoff.agent) return `${capital(agentName(handoff.agent.name))} ended it`;
  return (
    { end_user: `${customer(handoff)} ended it`, system: "It was ended automatically", ada: "It was ended in Ada" }[
      handoff.ended_by
    ] ?? "It has ended"
  );
}

const FILES = { image: "Image", audio: "Audio", video: "Video" };

/** A row in one line. */
export function preview(row, handoff) {
  if (!row) return "No messages yet";
  const { content } = row;
  if (content.type === "event") return eventWords(content, handoff);
  const who = row.author.role === "end_user" || row.author.role === "system" ? "" : `${author(row, handoff)}: `;
  const what = {
    text: () => content.body,
    presence: () => content.body,
    note: () => `Note: ${content.body}`,
    file: () => `${FILES[kindOf(content)] ?? "File"}: ${isolated(content.filename)}`,
    link: () => content.link_text || content.url,
  }[content.type];
  return who + (what ? what() : "Unsupported message type").slice(0, PREVIEW_CHARS).replace(/\s+/g, " ");
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

/** The labels of an agent's message by delivery state. */
export const STATES = {
  sending: "Sending",
  queued: "Queued",
  sent: "Sent",
  confirmed: "Confirmed",
  failed: "Not sent",
  dropped: "Dropped",
};
