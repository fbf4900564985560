// One file on its way to the relay. Only XMLHttpRequest tells how far an upload has come.

import { filesPath, Problem, refusal, unreachable } from "./api.js";

/** An upload that moves no more is given up after this time, to be tried again. */
const STALLS_MS = 60_000;

/**
 * Uploads a file. The same `key` again is the same file. `progress` is called with the part that has left, up to 1;
 * `signal` stops it. Gives the row that it has become, or throws a `Problem`.
 */
export async function upload(handoff, { blob, name }, { key, signal, progress }) {
  const form = new FormData();
  form.append("file", blob, name);
  try {
    return await post(filesPath(handoff), form, { key, signal, progress });
  } catch (error) {
    if (error.status === 0 && !signal.aborted && !(await isReadable(blob)))
      throw new Problem(400, "The file has changed or is gone since it was attached. Attach it again.");
    throw error;
  }
}

function post(path, form, { key, signal, progress }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let timer = null;
    const moves = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), STALLS_MS);
    };
    request.open("POST", `/api/${path}`);
    request.responseType = "json";
    request.setRequestHeader("Idempotency-Key", key);
    request.upload.onprogress = ({ loaded, total }) => {
      moves();
      progress(loaded / total);
    };
    request.onload = () => {
      const { status, response } = request;
      if (status >= 200 && status < 300 && response) resolve(response);
      else reject(refusal(path, status, response, request.getResponseHeader("Retry-After")));
    };
    request.onerror = request.onabort = () => reject(unreachable());
    request.onloadend = () => clearTimeout(timer);
    signal.addEventListener("abort", () => request.abort(), { once: true });
    moves();
    request.send(form);
  });
}

/** A file on the disk may be changed or deleted after it was chosen: the browser then refuses to read it. */
const isReadable = (blob) =>
  blob
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    );
