// One connection to the event stream. EventSource is not used: it reports neither a refused session nor comments, and
// can't start after a given event.

/** The relay sends something every 15 s. A connection that is silent for longer is dead, for example after sleep. */
const SILENCE_MS = 25_000;
const CHECK_MS = 5_000;

/** What looks at the connection there is. */
let check = () => {};

/** Closes the connection if it has been silent for too long. Others call it too, as timers of hidden tabs are slow. */
export function checkSilence() {
  check();
}

/**
 * Reads the stream until it ends. `position` is the id of the last known change, or null. Calls `opened(id)` when the
 * connection is open, and `event({type, id, data})` for each change; without a type, there is only another id for where
 * the stream is. Returns the status of a refusal, else 0.
 */
export async function follow({ position, signal, opened, event }) {
  const silence = new AbortController();
  let heard = Date.now();
  check = () => Date.now() - heard > SILENCE_MS && silence.abort();
  const timer = setInterval(checkSilence, CHECK_MS);
  try {
    const headers = position === null ? {} : { "Last-Event-ID": position };
    const options = { headers, cache: "no-store", signal: AbortSignal.any([signal, silence.signal]) };
    const response = await fetch("/api/events", options);
    if (!response.ok) return response.status;
    if (position !== null) opened(position);
    let isOpen = position !== null;
    const take = (change) => {
      if (isOpen) event(change);
      else opened(change.id);
      isOpen = true;
    };
    const read = parser(take);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      heard = Date.now();
      read(chunk.value);
    }
  } catch {
    // Whatever the error was, the caller opens the stream again.
  } finally {
    clearInterval(timer);
    check = () => {};
  }
  return 0;
}

/** Parses the stream's text in chunks, and calls `take` for each event and each id. */
function parser(take) {
  let rest = "";
  return (text) => {
    const blocks = (rest + text).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = { data: "" };
      for (const line of block.split("\n")) {
        const colon = line.indexOf(":");
        if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, "");
      }
      if (fields.id || fields.event) take({ type: fields.event, id: fields.id, data: fields.data && JSON.parse(fields.data) });
    }
  };
}
