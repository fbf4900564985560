// The fields of the start call: how they are called and shown, and which of them the lists show.

import { format, locale, texts } from "./language.js";
import { now } from "./store.js";
import { fieldName, isFilled } from "./words.js";

/** How many of the chosen fields a row has room for. */
const IN_A_ROW = 2;
const LANGUAGE = /^(language|locale|lang)$|_(language|locale)$/i;

/** The name of a language: `pt-BR` is `Brazilian Portuguese`. What is no language tag stays as it is. */
export function languageName(tag) {
  try {
    return new Intl.DisplayNames([locale], { type: "language" }).of(tag.replace("_", "-")) ?? tag;
  } catch {
    return tag;
  }
}

/** A field's value in a few words; null if it has none, or several. */
export function fieldValue(key, value) {
  const { yes, no } = texts.common;
  if (typeof value === "boolean") return format(texts.queue.named, { name: fieldName(key), value: value ? yes : no });
  if (typeof value === "number") return String(value);
  if (typeof value !== "string" || value.trim() === "" || !isFilled(value)) return null;
  const text = value.trim();
  return LANGUAGE.test(key) && /^[a-z]{2,3}([-_]\w{2,8})*$/i.test(text) ? languageName(text) : text;
}

/** The first of the chosen fields that a handoff has, `[key, text]` each. */
export function chosenFields(handoff) {
  const known = now.fields.map((key) => [key, fieldValue(key, handoff.context[key])]);
  return known.filter(([, text]) => text !== null).slice(0, IN_A_ROW);
}

/** Fields that say what an agent needs to know first, by the names that handoff flows give them. */
export const TOP_FIELDS = {
  summary: ["summary", "conversation_summary"],
  reason: ["handoff_reason", "escalation_reason", "reason"],
  language: ["language", "end_user_language", "user_language", "locale"],
  verified: ["identity_verified", "verified", "is_verified", "authenticated", "is_authenticated"],
};

/** The name and the text of the first such field that a handoff has; null if it has none. */
export function topField({ context }, what) {
  const text = (key) => (typeof context[key] === "object" ? "" : String(context[key] ?? "").trim());
  const key = TOP_FIELDS[what].find((name) => text(name) !== "" && isFilled(context[name]));
  return key ? [key, text(key)] : null;
}

/** The AI Agent's summary of a conversation; null if there is none. */
export const summary = (handoff) => topField(handoff, "summary")?.[1] ?? null;
