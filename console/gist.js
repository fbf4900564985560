// What an agent needs to know first: who the customer is for certain, their language, and why they were handed over.

import { channel } from "./channels.js";
import { h, icon } from "./dom.js";
import { TOP_FIELDS, languageName, topField } from "./fields.js";
import { formatParts, texts } from "./language.js";

const YES = /^(true|yes|verified|authenticated)$/i;
const NO = /^(false|no|unverified|anonymous)$/i;
const TITLES = { reason: texts.details.reason, summary: texts.details.summary };

/** Whether a field is shown here, and not again among the fields of the start call. */
export const isInGist = (handoff, key) => Object.keys(TOP_FIELDS).some((what) => topField(handoff, what)?.[0] === key);

/** What is known of the customer, in a line: their identity, language and channel. */
export function identity(handoff) {
  const language = topField(handoff, "language")?.[1];
  const over = channel(handoff);
  const facts = [
    verified(handoff),
    language && h("span", { dir: "auto", title: texts.details.language }, languageName(language)),
    over && h("span", { title: texts.filters.channel }, icon(over.icon), over.title),
  ];
  return h("p", { class: "identity" }, facts.filter(Boolean));
}

function verified(handoff) {
  const found = topField(handoff, "verified")?.[1];
  if (found === undefined) return null;
  if (YES.test(found)) return h("span", { "data-verified": true }, icon("check"), texts.details.verified);
  if (NO.test(found)) return h("span", { "data-verified": false }, icon("alert"), texts.details.not_verified);
  return h("span", {}, formatParts(texts.details.identity, { value: h("bdi", {}, found) }));
}

/** Why the AI Agent handed the customer over, and its summary; nothing if it gave neither. */
export function gist(handoff) {
  const parts = ["reason", "summary"].map((what) => [what, topField(handoff, what)?.[1]]).filter(([, text]) => text);
  if (parts.length === 0) return null;
  return h(
    "section",
    { class: "gist" },
    parts.flatMap(([what, text]) => [
      h("h3", {}, what === "summary" && icon("spark"), TITLES[what]),
      h("p", { dir: "auto" }, text),
    ]),
  );
}
