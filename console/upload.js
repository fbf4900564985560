// Uploads one file. Uses XMLHttpRequest, because fetch does not report upload progress.

import { filesPath, Problem, refusal, unreachable } from "./api.js";
import { texts } from "./language.js";

/** An upload without progress for this time is stopped, and tried again. */
const STALLS_MS = 60_000;

/**
 * Uploads a file. Requests with the same `key` send it only once. `progress` is called with the uploaded part, up to 1;
 * `signal` stops the upload. Returns the new row, or throws a `Problem`.
 */
export async function upload(handoff, { blob, name }, { key, signal, progress }) {
  const form = new FormData();
  form.append("file", blob, name);
  try {
    return await post(filesPath(handoff), form, { key, signal, progress });
  } catch (error) {
    if (error.status === 0 && !signal.aborted && !(await isReadable(blob)))
      throw new Problem(400, texts.files.changed);
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

/** Whether the file can be read. The browser refuses to if it was changed or deleted after it was chosen. */
const isReadable = (blob) =>
  blob
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    );
