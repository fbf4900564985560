// Attaches files from the composer's button, from drag and drop, and from the clipboard.

import * as attachments from "./attachments.js";
import { noFiles, write } from "./composer.js";
import { anyOpen } from "./dialogs.js";
import { at, toast } from "./dom.js";
import { ACCEPT } from "./file-kinds.js";
import { format, texts } from "./language.js";
import { handoff, now, on } from "./store.js";
import { customer } from "./words.js";

/** Browsers report a drag several times a second, even while it is still. Some never report its end. */
const STILL_MS = 1500;
const WRITES = "input, textarea, [contenteditable]";

export function setUp() {
  const input = at("attach-input");
  input.accept = ACCEPT;
  at("attach").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    take([...input.files].map((file) => ({ file })));
    input.value = "";
  });
  document.addEventListener("paste", pasted);
  for (const name of ["dragenter", "dragover"]) document.addEventListener(name, dragged);
  document.addEventListener("dragleave", ({ relatedTarget: to }) => !at("conversation").contains(to) && hide());
  document.addEventListener("drop", dropped);
  document.addEventListener("visibilitychange", hide);
  on("open", hide);
}

function take(files) {
  if (files.length === 0 || !now.open) return;
  const why = noFiles();
  if (why) return toast(why, "bad");
  attachments.add(now.open, files);
  write("reply");
}

// Drag and drop.

let timer = null;

const hasFiles = (event) => event.dataTransfer?.types.includes("Files");

function dragged(event) {
  if (!hasFiles(event)) return;
  // Otherwise the browser would open a file that is dropped outside the target, and leave the page.
  event.preventDefault();
  const isTarget = Boolean(now.open) && !anyOpen() && at("conversation").contains(event.target);
  const why = isTarget ? noFiles() : null;
  event.dataTransfer.dropEffect = isTarget && !why ? "copy" : "none";
  if (isTarget) show(why);
}

function show(why) {
  const drop = at("drop");
  drop.toggleAttribute("data-refused", Boolean(why));
  const words = why ?? format(texts.files.drop, { customer: customer(handoff(now.open)) });
  if (at("drop-words").textContent !== words) at("drop-words").textContent = words;
  drop.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(hide, STILL_MS);
}

function hide() {
  clearTimeout(timer);
  at("drop").hidden = true;
}

function dropped(event) {
  hide();
  if (!hasFiles(event)) return;
  event.preventDefault();
  if (anyOpen() || !at("conversation").contains(event.target)) return;
  const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
  take(
    items
      .map((item) => ({
        file: item.getAsFile(),
        fault: item.webkitGetAsEntry?.()?.isDirectory ? texts.files.folder : undefined,
      }))
      .filter(({ file }) => file),
  );
}

// The clipboard.

/** The names that browsers give to copied pictures. */
const NAMELESS = /^image\.(png|jpe?g|gif|webp|avif|bmp)$/;

function pasted(event) {
  const files = [...(event.clipboardData?.files ?? [])];
  const elsewhere = event.target !== at("composer-text") && event.target.closest?.(WRITES);
  if (files.length === 0 || !now.open || anyOpen() || elsewhere) return;
  // Office programs add a picture of the copied text.
  const isText = event.clipboardData.types.includes("text/plain") && files.every((file) => NAMELESS.test(file.name));
  if (isText) return;
  event.preventDefault();
  const time = new Date();
  take(
    files.map((file, index) => ({ file, name: NAMELESS.test(file.name) ? pastedName(file, time, index) : file.name })),
  );
}

/** `pasted-2026-11-21-1432.png`. */
function pastedName(file, time, index) {
  const two = (number) => String(number).padStart(2, "0");
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join("-");
  const clock = two(time.getHours()) + two(time.getMinutes());
  return `pasted-${day}-${clock}${index > 0 ? `-${index + 1}` : ""}.${file.name.split(".").pop()}`;
}
