// Canned replies: search, and filling in fields from the conversation.

import { h } from "./dom.js";
import { texts } from "./language.js";
import { isCut, now } from "./store.js";
import { isFilled } from "./words.js";

/** A field is a name in braces: `{first_name}`. */
const FIELD = /\{([\p{L}\p{N}_.-]{1,100})\}/gu;
/** Text that looks like a field but isn't one: `{{ first name }}`. */
const LIKE_FIELD = /\{+[ \t]*[\p{L}\p{N}_][\p{L}\p{N}_. \t-]{0,100}\}+/gu;
/** A word after a slash, at the beginning or the end of the text: the agent meant to choose a reply. */
const COMMAND = /^\/[\p{L}\p{N}_-]+(?=\s|$)|(?<=\s)\/[\p{L}\p{N}_-]+$/u;
const EMAIL_KEYS = ["email", "end_user_email", "customer_email", "user_email"];

/** The replies whose title or text has all words of `text`. Replies with all words in the title come first. */
export function find(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const all = (where) => words.every((word) => where.includes(word));
  const inTitle = now.canned.filter((reply) => all(reply.title.toLowerCase()));
  const inText = now.canned.filter(
    (reply) => !inTitle.includes(reply) && all(`${reply.title} ${reply.text}`.toLowerCase()),
  );
  return [...inTitle, ...inText];
}

/** Fills in the fields of a text for a handoff. A field without a known value stays as it is. */
export function fill(text, handoff) {
  return text.replace(FIELD, (field, name) => value(name, handoff) ?? field);
}

function value(name, handoff) {
  const { context, end_user: user } = handoff;
  const email = EMAIL_KEYS.map((key) => context[key]).find((given) => typeof given === "string" && isFilled(given));
  const ours = { name: user?.name, agent: now.me.name, email, conversation_id: handoff.conversation_id };
  const given = (fields) => (Object.hasOwn(fields, name) ? fields[name] : undefined);
  const found = given(ours) ?? given(context);
  const is = found !== null && typeof found !== "object" && found !== "" && isFilled(found) && !isCut(handoff, found);
  return is ? String(found) : undefined;
}

/** The command for a canned reply that is left in a text, because no reply was chosen. */
export function command(text) {
  return COMMAND.exec(text)?.[0];
}

/** Whether a command still matches a reply. */
export const mayFit = (command) => find(command.slice(1)).length > 0;

/** The fields in a text that have not been filled in. */
export function unfilled(text) {
  return text.includes("{") ? [...new Set(text.match(LIKE_FIELD) ?? [])] : [];
}

/** A text as nodes, with a mark on each field that has not been filled in. */
export function marked(text) {
  const nodes = [];
  let end = 0;
  for (const { 0: field, index } of text.matchAll(LIKE_FIELD)) {
    nodes.push(text.slice(end, index), h("mark", {}, field));
    end = index + field.length;
  }
  return [...nodes, text.slice(end)];
}

/** What marks a reply that only this agent sees. */
export const ownMark = ({ owner }) => owner && h("span", { class: "canned-own" }, texts.canned.only_for_you);
