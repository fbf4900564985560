// Shows the file of a row as a picture, a player or a tile, with its progress or the reason for a failure.

import { h, icon, mark, unseen } from "./dom.js";
import { about, kindOf, plainName, shortName } from "./file-kinds.js";
import { format, texts } from "./language.js";

const NAME_CHARS = 56;
/** Pixels; see `files.css`. */
const PICTURE_PX = 216;
const LINE_PX = 44;

/** Whether a row's file is available and is a picture. */
export const isPicture = ({ content }) =>
  content.type === "file" && Boolean(content.url) && kindOf(content) === "image";

const isThere = ({ url, state }) => Boolean(url) && (state ?? "kept") === "kept";

/** The estimated height of the file in a row, in pixels. */
export const guessFileHeight = ({ content }) =>
  isThere(content) && ["image", "video"].includes(kindOf(content)) ? PICTURE_PX : LINE_PX;

/** Makes the part of a row that shows its file. `actions` has `view`, `fetchAgain` and, during an upload, `cancel`. */
export function fileBubble(row, actions) {
  const { content, upload } = row;
  const bubble = h("div", { class: "bubble" });
  const shows = upload || !isThere(content) ? tile : (PLAYERS[kindOf(content)] ?? tile);
  fill(bubble, shows, row, actions);
  return bubble;
}

function fill(bubble, shows, row, actions) {
  mark(bubble, "data-file", shows === tile ? "tile" : kindOf(row.content));
  bubble.replaceChildren(...shows(row, actions, bubble));
}

/** Falls back to a tile if the browser can't show the file. */
const fallsBack = (element, bubble, row, actions) =>
  element.addEventListener("error", () => fill(bubble, tile, { ...row, unshown: true }, actions));

const PLAYERS = { image: picture, video: player, audio: player };

function picture(row, actions, bubble) {
  const { url, filename } = row.content;
  const name = plainName(filename);
  const image = h("img", { src: url, alt: name, title: name, loading: "lazy", decoding: "async" });
  fallsBack(image, bubble, row, actions);
  const open = () => actions.view(row);
  return [h("button", { type: "button", class: "picture", "aria-haspopup": "dialog", onclick: open }, image)];
}

function player(row, actions, bubble) {
  const { url, filename } = row.content;
  const kind = kindOf(row.content);
  const media = h(kind, { src: url, controls: true, preload: "metadata", "aria-label": plainName(filename) });
  fallsBack(media, bubble, row, actions);
  return [media, ...tile(row)];
}

/** Icon, name, type and size; a download link if the file is available. */
function tile(row, actions) {
  const { content, upload } = row;
  const name = plainName(content.filename);
  const face = upload?.preview
    ? h("img", { src: upload.preview, alt: "", decoding: "async" })
    : icon(content.state === "failed" ? "alert" : kindOf(content));
  face.addEventListener("error", () => face.replaceWith(icon(kindOf(content))));
  const parts = [
    h("span", { class: "file-face" }, face),
    h(
      "span",
      { class: "file-words" },
      h("bdi", { class: "file-name", title: name }, shortName(content.filename, NAME_CHARS)),
      h("span", { class: "file-about" }, [about(content), row.unshown && texts.files.cant_be_shown].filter(Boolean).join(", ")),
    ),
  ];
  if (!isThere(content)) return [h("div", { class: "file" }, parts), ...condition(row, actions)];
  const props = { class: "file", href: `${content.url}?download=1`, download: name };
  return [h("a", props, unseen(`${texts.common.download} `), parts, icon("download"))];
}

/** The progress or the failure of a file that isn't available. */
function condition(row, actions) {
  const { id, content, upload, delivery } = row;
  if (delivery?.state === "failed") return [];
  if (upload) return progress(id, content, upload, actions);
  if (content.state === "fetching") return [h("p", { class: "file-state", "data-busy": true }, texts.files.downloading)];
  if (content.state !== "failed") return [h("p", { class: "file-state" }, texts.files.not_available)];
  const again = h(
    "button",
    { type: "button", class: "small", "data-action": "fetch-again" },
    icon("again"),
    texts.common.try_again,
  );
  again.addEventListener("click", async () => {
    again.disabled = true;
    await actions.fetchAgain(row);
    again.disabled = false;
  });
  return [h("div", { class: "file-failure" }, h("p", {}, content.error ?? texts.files.not_downloaded), again)];
}

// Upload to the relay.

function progress(id, content, upload, actions) {
  const name = plainName(content.filename);
  const cancel = h(
    "button",
    { type: "button", class: "small quiet", "data-action": "cancel", "aria-label": format(texts.files.cancel, { name }) },
    texts.common.cancel,
  );
  cancel.addEventListener("click", () => actions.cancel(id));
  const line = h(
    "div",
    { class: "file-progress" },
    h("progress", { max: "1", value: "0", "aria-label": format(texts.files.uploading, { name }) }),
    h("span", { class: "file-percent" }),
    cancel,
  );
  showProgress(line, upload.part);
  return [line, upload.note && h("p", { class: "file-state" }, upload.note)].filter(Boolean);
}

/** Shows the part of a file that has been uploaded, up to 1. A complete upload can't be cancelled. */
export function showProgress(place, part) {
  const bar = place.querySelector("progress");
  if (!bar) return;
  bar.value = part;
  place.querySelector(".file-percent").textContent =
    part < 1 ? format(texts.common.percent, { number: Math.floor(part * 100) }) : texts.files.almost;
  place.querySelector("[data-action=cancel]").hidden = part >= 1;
}
