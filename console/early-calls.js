// Runs in the page's head, before its styles and modules are there: asks the relay for what the page shows first, if the
// browser remembers a sign-in. `api.js` gives the answers to whoever asks for the same. A sign-in link begins a session of
// its own.
globalThis.earlyCalls = new Map();
try {
  const { signedIn } = JSON.parse(localStorage.getItem("handoff-relay.settings"));
  const lists = ["handoffs?status=waiting&sort=oldest&limit=200", "handoffs?status=active&limit=200"];
  for (const path of signedIn && !location.hash.startsWith("#code=") ? ["session", ...lists] : []) {
    const call = fetch(`/api/${path}`, { cache: "no-store", signal: AbortSignal.timeout(20_000) });
    globalThis.earlyCalls.set(path, call);
    // A failure is for whoever takes the call.
    call.catch(() => {});
  }
} catch {
  // The browser remembers nothing.
}
