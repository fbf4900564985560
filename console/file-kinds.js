// File types: which ones Ada accepts, what kind each is, and how names are shown.

import { format, number, texts } from "./language.js";

/** The file name extensions that Ada accepts. */
const ENDINGS = (
  "txt log csv eml png svg jpeg jpg gif heif heic avif wav m4a mp3 mp4 m4v mov mpeg mpg zip pdf doc docx xls xlsx " +
  "ppt pptx key keynote pages numbers"
).split(" ");
/** Ada's limit for one file: 50 MB. */
const MAX_BYTES = 50 * 1024 * 1024;

/** What a file chooser offers. */
export const ACCEPT = ENDINGS.map((one) => `.${one}`).join(",");

const ending = (name) => /[^.]\.([^.\s]{1,12})$/.exec(name)?.[1].toLowerCase() ?? "";

/** Why a file can't be sent, in a sentence; null if it can. */
export function fault({ name, size }) {
  const end = ending(name);
  if (!ENDINGS.includes(end)) return end ? format(texts.files.wrong_ending, { ending: end }) : texts.files.wrong_kind;
  if (size === 0) return texts.files.is_empty;
  return size > MAX_BYTES ? format(texts.files.too_large, { size: bytes(size) }) : null;
}

const BY_ENDING = {
  archive: ["zip"],
  mail: ["eml"],
  sheet: ["csv", "xls", "xlsx", "numbers"],
  slides: ["ppt", "pptx", "key", "keynote"],
};

/** The kind of a file. `image`, `audio` and `video` are shown; each other kind has an icon of that name. */
export function kindOf({ filename, mime_type: type }) {
  const shown = /^(image|audio|video)\//.exec(type ?? "")?.[1];
  const end = ending(filename);
  return shown ?? Object.keys(BY_ENDING).find((kind) => BY_ENDING[kind].includes(end)) ?? "file";
}

/** `PDF, 1.2 MB`: the type and, where it is known, the size. */
export function about({ filename, mime_type: type, size }) {
  const kind = ending(filename).toUpperCase() || type;
  return [kind, Number.isInteger(size) && bytes(size)].filter(Boolean).join(", ");
}

/** A number of bytes, in the units of Ada's limit: a kB is 1024 bytes. */
function bytes(size) {
  if (size < 1024) return format(texts.files.bytes, { number: size });
  if (size < 1024 ** 2) return format(texts.files.kilobytes, { number: Math.ceil(size / 1024) });
  const tenths = Math.ceil((size / 1024 ** 2) * 10);
  const options = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  return format(texts.files.megabytes, { number: number(tenths / 10, options) });
}

/** Invisible characters, and those that change the writing direction. The relay uses the same list for names. */
const UNSEEN =
  /[\p{Cc}\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\u{e0000}-\u{e007f}]/gu;

/** A text without these characters, which could make it look like another text. */
export const plainText = (text) => text.replace(UNSEEN, "");

/** A file's name, without these characters. */
export const plainName = (name) => plainText(name) || texts.files.nameless;

/** A name for use in a sentence, isolated so that its writing direction does not affect the rest. */
export const isolated = (name) => `\u2068${plainName(name)}\u2069`;

/** A name shortened in the middle to at most `most` characters. */
export function shortName(name, most) {
  const plain = plainName(name);
  if (plain.length <= most) return plain;
  const letters = Array.from(new Intl.Segmenter().segment(plain), ({ segment }) => segment);
  if (letters.length <= most) return plain;
  const end = Math.min(12, most >> 1);
  return `${letters.slice(0, most - end - 1).join("")}…${letters.slice(-end).join("")}`;
}
