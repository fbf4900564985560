// How the customer sends files: chosen, dropped or pasted, one after the other so that they arrive in order. Each is
// a row with its progress until its message is there.

import { sizeText } from "./files.js";

/** Ada's limit. */
const MOST_BYTES = 50 * 1024 * 1024;

const element = (id) => document.getElementById(id);
const list = element("uploads");

/** The rows that wait for their turn, and the one under way. */
const waiting = [];
let current = null;
/** Where the conversation at hand takes files; the page sets it. */
let address = () => null;

function make(tag, className, ...content) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...content);
  return made;
}

function button(label, name, action) {
  const made = make("button", "quiet", label);
  made.type = "button";
  made.setAttribute("aria-label", `${label} ${name}`);
  made.addEventListener("click", action);
  return made;
}

/** Tells those who don't see the rows. */
function tell(text) {
  element("uploads-state").textContent = text;
}

/** Whether files can be sent now. */
const isOpen = () => !element("attach").disabled;

function add(files) {
  for (const file of files) {
    const row = make("li", "upload");
    row.dataset.name = file.name;
    const upload = { file, row, url: address(), request: null };
    list.append(row);
    list.hidden = false;
    if (file.size > MOST_BYTES) {
      fail(upload, `This file is ${sizeText(file.size)}. The limit is ${MOST_BYTES / 1024 / 1024} MB.`, false);
    } else {
      enqueue(upload);
    }
  }
}

function head(upload, detail, ...buttons) {
  const name = make("bdi", "name", upload.file.name);
  name.title = upload.file.name;
  return make("div", "line", name, make("span", "detail", detail), ...buttons);
}

function enqueue(upload) {
  const { file, row } = upload;
  upload.progress = make("progress", "");
  upload.progress.max = 1;
  upload.progress.value = 0;
  upload.progress.setAttribute("aria-label", `Sending ${file.name}`);
  const cancel = button("Cancel", file.name, () => remove(upload));
  row.classList.remove("failed");
  row.replaceChildren(head(upload, sizeText(file.size), cancel), upload.progress);
  waiting.push(upload);
  next();
}

function next() {
  if (current || waiting.length === 0) return;
  current = waiting.shift();
  send(current);
}

/** With XMLHttpRequest, because fetch tells nothing of what has been sent. */
function send(upload) {
  const form = new FormData();
  form.append("file", upload.file, upload.file.name);
  const request = new XMLHttpRequest();
  upload.request = request;
  request.upload.onprogress = ({ loaded, total }) => {
    upload.progress.value = total > 0 ? loaded / total : 0;
  };
  request.onload = () => {
    if (request.status === 201) {
      remove(upload);
      tell(`${upload.file.name} is sent.`);
    } else {
      fail(upload, reason(request), request.status >= 500);
    }
  };
  request.onerror = () => fail(upload, "This file could not be sent.", true);
  request.onloadend = () => {
    current = null;
    next();
  };
  request.open("POST", upload.url);
  request.send(form);
}

function reason(request) {
  if (request.status === 413) return `This file is too large. The limit is ${MOST_BYTES / 1024 / 1024} MB.`;
  if (request.status === 409) return "The chat has ended: this file could not be sent.";
  return "This file could not be sent.";
}

/** Takes the row away, and stops what it shows. */
function remove(upload) {
  const place = waiting.indexOf(upload);
  if (place >= 0) waiting.splice(place, 1);
  const focused = upload.row.contains(document.activeElement);
  upload.row.remove();
  list.hidden = list.childElementCount === 0;
  if (focused) element("text").focus();
  upload.request?.abort();
}

function fail(upload, sentence, retryable) {
  const { file, row } = upload;
  const buttons = [button("Dismiss", file.name, () => remove(upload))];
  if (retryable) buttons.unshift(button("Try again", file.name, () => enqueue(upload)));
  upload.request = null;
  row.classList.add("failed");
  row.replaceChildren(head(upload, sizeText(file.size), ...buttons), make("p", "", sentence));
  tell(`${file.name}: ${sentence}`);
}

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

function showDrop(visible) {
  element("drop").hidden = !visible;
}

/** Begins to listen. `where` gives the address for the files of the conversation at hand. */
export function takeFiles(where) {
  address = where;
  element("attach").addEventListener("click", () => element("files").click());
  element("files").addEventListener("change", () => {
    add(element("files").files);
    // The same file can be chosen again.
    element("files").value = "";
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length === 0 || !isOpen()) return;
    event.preventDefault();
    add(event.clipboardData.files);
  });
  // Anywhere on the page: a file that misses the chat must not replace it.
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = isOpen() ? "copy" : "none";
    showDrop(isOpen());
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) showDrop(false);
  });
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    showDrop(false);
    if (isOpen()) add(event.dataTransfer.files);
  });
}

/** Forgets all rows: another conversation begins. */
export function forgetFiles() {
  for (const upload of [...waiting, current].filter(Boolean)) remove(upload);
  list.replaceChildren();
  list.hidden = true;
}
