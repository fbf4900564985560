// The fields of the start call: how they are called and shown, and which of them the lists show.

import { now } from "./store.js";
import { fieldName, isFilled } from "./words.js";

/** How many of the chosen fields a row has room for. */
const IN_A_ROW = 2;
const LANGUAGE = /^(language|locale|lang)$|_(language|locale)$/i;

/** The name of a language: `pt-BR` is `Brazilian Portuguese`. What is no language tag stays as it is. */
export function languageName(tag) {
  try {
    return new Intl.DisplayNames(["en"], { type: "language" }).of(tag.replace("_", "-")) ?? tag;
  } catch {
    return tag;
  }
}

/** A field's value in a few words; null if it has none, or several. */
export function fieldValue(key, value) {
  if (typeof value === "boolean") return `${fieldName(key)}: ${value ? "yes" : "no"}`;
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

/** The AI Agent's summary of a conversation, if there is one. */
export function summary({ context }) {
  const text = context.summary;
  return typeof text === "string" && text.trim() !== "" && isFilled(text) ? text.trim() : null;
}
