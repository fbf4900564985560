// What is set up, and a form for the block: this page stands for Ada's dashboard.
const at = (id) => document.getElementById(id);
const call = (path, options) => fetch(`/sandbox/api/setup${path}`, options);

function endpoint({ url, event_filters, enabled, description }) {
  const item = document.createElement("li");
  const events = event_filters.length ? event_filters.join(", ") : "all events";
  const small = document.createElement("small");
  small.textContent = `${enabled ? "enabled" : "disabled"} · ${events}${description ? ` · ${description}` : ""}`;
  item.append(url, small);
  return item;
}

async function show() {
  const setup = await (await call("")).json();
  at("endpoints").replaceChildren(...setup.endpoints.map(endpoint));
  at("none").hidden = setup.endpoints.length > 0;
  at("test").disabled = setup.endpoints.length === 0;
  if (document.activeElement !== at("url")) at("url").value = setup.block.url;
  at("kept").textContent = setup.block.has_authorization ? "A header is saved, and not shown." : "No header is saved.";
  at("trial").hidden = !setup.trial;
  if (setup.trial && !at("trial-text").hasChildNodes()) {
    for (const [title, text] of setup.trial) {
      const head = document.createElement("p");
      head.textContent = title;
      const code = document.createElement("pre");
      code.textContent = text;
      at("trial-text").append(head, code);
    }
  }
}

const answers = {
  0: "No answer came from that address: is the relay running there?",
  401: "The relay is there, and refuses the header: it must be Bearer and HANDOFF_AUTH_KEY.",
  404: "A server is there, and has no such path: the path is /handoffs/start.",
};

at("block").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = JSON.stringify({ url: at("url").value.trim(), authorization: at("authorization").value.trim() });
  const answer = await call("/block", { method: "PUT", body });
  const { status } = await answer.json();
  // The trial call names no conversation: a relay refuses it, and starts nothing.
  at("state").textContent = answer.ok ? answers[status] ?? (status === 400 ? "Saved. The relay is there and takes the header." : `Saved. The address answers ${status}.`) : "This could not be saved.";
  at("authorization").value = "";
  show();
});

at("test").addEventListener("click", async () => {
  await call("/test", { method: "POST" });
  at("state").textContent = "A test event was sent.";
});

await show();
setInterval(show, 1000);
