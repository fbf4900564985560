// Formats chat texts: bold, italic, links, lists, line breaks. It creates nodes and never parses HTML. Text that is not
// Markdown stays as it is.

import { h, textOf } from "./dom.js";
import { plainText } from "./file-kinds.js";

const ITEM = /^\s{0,3}(?:([-*•])|(\d{1,9})[.)])\s+(?=\S)/;
/** A label can't be longer, so that a text full of brackets is read in one go. */
const LABEL = /\[([^[\]\n]{1,300})\]\(([^\s()]{1,2000}(?:\([^\s()]{0,300}\)[^\s()]{0,300})?)\)/y;
const URL_WORD = /https?:\/\/[^\s<>"'`]{1,2000}/iy;
const EMAIL = /[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}/y;
/** Delimiters, the longer first. */
const MARKS = [
  ["**", "strong"],
  ["__", "strong"],
  ["*", "em"],
  ["_", "em"],
];
/** What reads as a host, with its port: `bank.example`, `10.0.0.1:8080`. Paths and queries may hold others. */
const HOST =
  /(?<![\p{L}\p{N}/?#&=.-])(?:(?:[\p{L}\p{N}-]+[.。．｡])+\p{L}{2,}|\d{1,3}(?:\.\d{1,3}){3})(?::\d+)?|(?<=\/\/)[^\s/?#]+/gu;
/** What reads as one and is a file: no host ends like this. */
const FILE = /\.(?:pdf|png|jpe?g|gif|webp|svg|heic|docx?|xlsx?|pptx?|txt|csv|mp[34]|wav|html?|json|xml|js)$/i;
const SAFE = new Set(["http:", "https:", "mailto:", "tel:"]);
const DEEPEST = 3;

/** The nodes of a text. */
export function markdown(text) {
  const blocks = [];
  for (const line of text.replace(/\r\n?/g, "\n").split("\n")) {
    const item = ITEM.exec(line);
    if (item) addItem(blocks, item, line);
    else addLine(blocks, line);
  }
  return blocks.map(({ element }) => element);
}

/** A text without its marks, for channels that show none: a link's address stands behind its words. */
export const plain = (text) =>
  text
    .split("\n")
    .map((line) => {
      const [prefix] = ITEM.exec(line) ?? [""];
      return prefix + plainWords(inline(line.slice(prefix.length)));
    })
    .join("\n");

const plainWords = (nodes) => nodes.map((node, index) => plainNode(node, nodes[index - 1], nodes[index + 1])).join("");

/** Stars within a word, as in `2*3*4`, are no marks to anybody who wrote them. */
function plainNode(node, before, after) {
  if (typeof node === "string") return node;
  if (node.nodeType === Node.TEXT_NODE) return node.data;
  const words = plainWords([...node.childNodes]);
  const address = node.title.replace(/^mailto:/, "");
  if (address) return address === words ? words : `${words} (${address})`;
  const inWord = /[\p{L}\p{N}]$/u.test(textOf([before ?? ""])) || /^[\p{L}\p{N}]/u.test(textOf([after ?? ""]));
  const star = inWord ? { EM: "*", STRONG: "**" }[node.tagName] ?? "" : "";
  return star + words + star;
}

function addItem(blocks, [prefix, , number], line) {
  const tag = number ? "ol" : "ul";
  if (blocks.at(-1)?.tag !== tag)
    blocks.push({ tag, element: h(tag, { dir: "auto", start: number > 1 ? number : null }) });
  blocks.at(-1).element.append(h("li", { dir: "auto" }, inline(line.slice(prefix.length))));
}

/** Lines of one paragraph keep their breaks; each finds its own direction. */
function addLine(blocks, line) {
  if (line.trim() === "") {
    blocks.push({ tag: "gap", element: "" });
    return;
  }
  if (blocks.at(-1)?.tag !== "p") blocks.push({ tag: "p", element: h("p", { dir: "auto" }) });
  const { element } = blocks.at(-1);
  if (element.hasChildNodes()) element.append(h("br"));
  element.append(...inline(line));
}

/** The nodes of a line. Each delimiter without a partner is looked for once, so that no text takes long. */
function inline(text, depth = 0) {
  const nodes = [];
  const missing = new Set();
  let plain = 0;
  let index = 0;
  const add = (node, end) => {
    if (index > plain) nodes.push(text.slice(plain, index));
    nodes.push(node);
    plain = index = end;
  };
  while (index < text.length) {
    const found = reads(text, index, depth, missing);
    if (found) add(found.node, found.end);
    else index += 1;
  }
  if (plain < text.length) nodes.push(text.slice(plain));
  return nodes;
}

function reads(text, index, depth, missing) {
  const letter = text[index];
  if (letter === "[") return label(text, index);
  const begins = index === 0 || !/[\w@]/.test(text[index - 1]);
  if (begins && (letter === "h" || letter === "H")) return bareLink(text, index) ?? email(text, index);
  if (letter === "*" || letter === "_") return marked(text, index, depth, missing);
  return begins && /[a-z\d]/i.test(letter) ? email(text, index) : null;
}

function marked(text, index, depth, missing) {
  if (depth >= DEEPEST) return null;
  for (const [mark, tag] of MARKS) {
    if (missing.has(mark) || !text.startsWith(mark, index)) continue;
    const begin = index + mark.length;
    if (!/\S/.test(text[begin] ?? " ") || text[begin] === mark[0]) continue;
    // snake_case is a word, not emphasis.
    if (mark[0] === "_" && /\w/.test(text[index - 1] ?? " ")) continue;
    const end = closing(text, begin, mark);
    if (end > 0) return { node: h(tag, {}, inline(text.slice(begin, end), depth + 1)), end: end + mark.length };
    missing.add(mark);
  }
  return null;
}

function closing(text, from, mark) {
  for (let end = text.indexOf(mark, from); end > 0; end = text.indexOf(mark, end + mark.length)) {
    const after = text[end + mark.length] ?? " ";
    const partOfLonger = mark.length === 1 && after === mark;
    if (partOfLonger) end += 1;
    else if (/\S/.test(text[end - 1]) && !(mark[0] === "_" && /\w/.test(after))) return end;
  }
  return -1;
}

function match(pattern, text, index) {
  pattern.lastIndex = index;
  return pattern.exec(text);
}

function label(text, index) {
  const found = match(LABEL, text, index);
  const node = found && link(found[2], found[1]);
  return node && { node, end: index + found[0].length };
}

function bareLink(text, index) {
  const found = match(URL_WORD, text, index);
  if (!found) return null;
  let url = found[0].replace(/[.,;:!?*_…]+$/, "");
  if (url.endsWith(")") && !url.includes("(")) url = url.slice(0, -1);
  const node = link(url, url);
  return node && { node, end: index + url.length };
}

function email(text, index) {
  const found = match(EMAIL, text, index);
  return found && { node: link(`mailto:${found[0]}`, found[0]), end: index + found[0].length };
}

/** A link that may be followed, or null: other schemes stay text. Words that name another address give way to it. */
export function link(url, words) {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (!parsed || !SAFE.has(parsed.protocol)) return null;
  const { href } = parsed;
  const shown = names(words, parsed) ? words : target(parsed);
  return h(
    "a",
    { href, target: "_blank", rel: "noopener noreferrer nofollow", title: url === shown ? null : url },
    shown,
  );
}

/** Where a link leads; what stands before an @ only looks like a host. */
function target(parsed) {
  const plain = new URL(parsed);
  plain.username = plain.password = "";
  return plain.protocol === "mailto:" ? plain.pathname : plain.href;
}

/** Whether words name no address, or the one that a link leads to. */
function names(words, parsed) {
  const plain = plainText(words);
  if (parsed.protocol === "mailto:") return !plain.includes("@") || plain.trim() === parsed.pathname;
  const isPlain = !parsed.username && !parsed.password;
  const hosts = (plain.match(HOST) ?? []).filter((host) => !FILE.test(host));
  return hosts.every((host) => isPlain && bare(host) === bare(parsed.host));
}

/** A host as the browser would look it up, without `www`. */
function bare(host) {
  const parsed = URL.canParse(`https://${host}`) ? new URL(`https://${host}`) : null;
  return (parsed?.host ?? host).replace(/^www\./, "");
}
