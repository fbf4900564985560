// Attached files that have not been sent yet, in a strip above the text. Like drafts, they belong to a conversation. A
// reload of the page loses them.

import { announce, at, h, icon, toast } from "./dom.js";
import { about, fault, isolated, kindOf, plainName, shortName } from "./file-kinds.js";
import { format, texts } from "./language.js";
import { handoff, now, on, tell } from "./store.js";
import { customer } from "./words.js";

const NAME_CHARS = 28;

/** By handoff: `{file, name, fault, preview, element}`; `preview` is the address of an image for this page. */
const attached = new Map();

const of = (id) => attached.get(id) ?? [];

export function setUp() {
  on("handoff", (id) => handoff(id)?.status === "ended" && ended(id));
  on("open", render);
}

/** Attaches files to a handoff: `[{file, name, fault}]`, where `fault` says why one can't be sent. */
export function add(id, files) {
  const fresh = files.map(({ file, name = file.name, fault: known }) => {
    const why = known ?? fault({ name, size: file.size });
    const isImage = !why && kindOf({ filename: name, mime_type: file.type }) === "image";
    return { file, name, fault: why, preview: isImage ? URL.createObjectURL(file) : null };
  });
  attached.set(id, [...of(id), ...fresh]);
  for (const item of fresh) item.element = chip(id, item);
  const good = fresh.filter((item) => !item.fault);
  if (good.length > 0) announce(format(texts.files.attached, { number: good.length }));
  for (const { name, fault } of fresh) {
    if (fault) announce(format(texts.files.with_fault, { name: isolated(name), fault }));
  }
  changed(id);
}

/** Whether something is attached that can be sent. */
export const some = (id) => of(id).some((item) => !item.fault);

/** How many attached files can be sent, in all conversations. */
export const number = () => [...attached.values()].flat().filter((item) => !item.fault).length;

/** Takes out the files that can be sent, in their order. The others stay, and show why they can't be sent. */
export function take(id) {
  const good = of(id).filter((item) => !item.fault);
  attached.set(
    id,
    of(id).filter((item) => item.fault),
  );
  changed(id);
  return good;
}

/** Removes all attached files, for example when the agent signs out. */
export function forgetAll() {
  for (const id of [...attached.keys()]) forget(id);
}

function forget(id) {
  for (const item of of(id)) drop(item);
  attached.delete(id);
  changed(id);
}

function drop(item) {
  if (item.preview) URL.revokeObjectURL(item.preview);
}

function ended(id) {
  const lost = of(id).filter((item) => !item.fault).length;
  if (lost > 0)
    toast(format(texts.files.lost_at_end, { customer: customer(handoff(id)), number: lost }), "bad");
  if (attached.has(id)) forget(id);
}

function changed(id) {
  if (id === now.open) render();
  tell("attachments", id);
}

/** Shows what is attached to the open conversation. */
function render() {
  const wanted = of(now.open).map((item) => item.element);
  const place = at("attachments");
  for (const element of [...place.children]) if (!wanted.includes(element)) element.remove();
  place.append(...wanted.filter((element) => element.parentNode !== place));
}

function chip(id, item) {
  const { name, file, preview } = item;
  const content = { filename: name, mime_type: file.type, size: file.size };
  const remove = () => {
    const next = (item.element.nextSibling ?? item.element.previousSibling)?.querySelector("button");
    drop(item);
    attached.set(
      id,
      of(id).filter((one) => one !== item),
    );
    changed(id);
    announce(format(texts.files.removed, { name: isolated(name) }));
    (next ?? at("composer-text")).focus();
  };
  const picture = preview
    ? h("img", { src: preview, alt: "", decoding: "async" })
    : icon(item.fault ? "alert" : kindOf(content));
  // A picture that the browser can't draw is replaced by an icon.
  picture.addEventListener("error", () => picture.replaceWith(icon("image")));
  return h(
    "li",
    { class: "attachment", "data-fault": Boolean(item.fault) },
    h("span", { class: "attachment-face" }, picture),
    h(
      "div",
      { class: "attachment-words" },
      h("bdi", { class: "file-name", title: plainName(name) }, shortName(name, NAME_CHARS)),
      h("p", { class: item.fault ? "problem" : "file-about" }, item.fault ?? about(content)),
    ),
    h(
      "button",
      {
        type: "button",
        class: "quiet square small",
        "aria-label": format(texts.files.remove, { name: plainName(name) }),
        onclick: remove,
      },
      icon("close"),
    ),
  );
}
