// The interface's language: its texts, and how it writes numbers and lists. The page loads the texts, `language-<tag>.js`,
// before any module.

const { language } = globalThis;

/** The language's tag: that of the page. */
export const tag = document.documentElement.lang;

/** All texts, by subject and key. A text may have placeholders, such as `{name}`, or a form for each kind of number. */
export const texts = language.texts;

/** The direction in which it is written: `ltr` or `rtl`. */
export const direction = language.direction;

/** The arrow keys that go back and forth in it. */
export const arrows =
  direction === "rtl" ? { back: "ArrowRight", forth: "ArrowLeft" } : { back: "ArrowLeft", forth: "ArrowRight" };

/** Of the languages that an agent prefers, the first variant of this one, else `usual`: for `de`, `de-AT` in Austria. */
export const variant = (preferred, tag, usual) =>
  preferred.find((one) => one.toLowerCase().split("-")[0] === tag) ?? usual;

/** How dates, numbers and lists are written. */
export const locale = variant(navigator.languages ?? [], tag, language.locale);

const rules = new Intl.PluralRules(locale);
const numbers = new Intl.NumberFormat(locale);
const lists = new Intl.ListFormat(locale);

/** Compares two names for an order. */
export const collate = new Intl.Collator(locale).compare;

/** Several things in a sentence: `A, B and C`. */
export const listed = (items) => lists.format(items);

/** A number as the language writes it; `options` are those of `Intl.NumberFormat`. */
export const number = (value, options) => (options ? new Intl.NumberFormat(locale, options) : numbers).format(value);

const PLACEHOLDER = /\{(\w+)\}/g;

/** Of a text with several forms, the one for this number. */
const formOf = (text, values) => (typeof text === "string" ? text : (text[rules.select(values.number)] ?? text.other));

/** Names keep their own direction: in a text from right to left, a Latin one would take its neighbours with it. */
const kept = (value) => (direction === "rtl" ? `\u2068${value}\u2069` : String(value));

const written = (value) => (typeof value === "number" ? number(value) : kept(value));

/** A text with its placeholders filled in. Where it has several forms, `values.number` says which. */
export const format = (text, values) => formOf(text, values).replace(PLACEHOLDER, (_, name) => written(values[name]));

/** The same with nodes in place of values: strings and nodes, in the language's order. */
export function formatParts(text, nodes) {
  return formOf(text, nodes).split(PLACEHOLDER).map((part, index) => (index % 2 ? nodes[part] : part));
}
