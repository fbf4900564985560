// The fault panel below the chat: how unkind this Ada is. What it doesn't show (ids, standing faults) it leaves alone.

const API = "/sandbox/api";
const NEVER = "never";
const LATE_MS = 3000;
const SLOW_MS = 3000;
const LIMITS = { per_second: 10, per_minute: 100 };
const FAULTS = {
  status: { kind: "status", status: 503, retry_after: 2 },
  hang: { kind: "hang" },
  stored_then_hang: { kind: "stored_then_hang" },
  dropped: { kind: "dropped" },
  stored_then_dropped: { kind: "stored_then_dropped" },
  stored_then_status: { kind: "stored_then_status", status: 500 },
  slow: { kind: "slow", ms: SLOW_MS },
  broken_body: { kind: "broken_body" },
};
const FILE_FAULTS = {
  refused: { kind: "status", status: 503 },
  slow: { kind: "slow", bytes_per_second: 20_000 },
  cut: { kind: "cut_after", bytes: 2_000 },
  hang: { kind: "hang_after", bytes: 2_000 },
  short: { kind: "wrong_length", bytes: 1_000 },
  long: { kind: "wrong_length", bytes: 60_000_000 },
};

const field = (id) => document.getElementById(`disorder-${id}`);

/** Tells what became of the latest change. */
function tell(text) {
  field("state").textContent = text;
}

async function ask(path, method = "GET", body = undefined) {
  const response = await fetch(API + path, { method, body: body && JSON.stringify(body), cache: "no-store" });
  if (!response.ok) throw new Error((await response.json().catch(() => ({}))).error ?? `status ${response.status}`);
  return response;
}

/** Chooses a value; one that was set elsewhere gets an option of its own. */
function choose(id, value, label) {
  const select = field(id);
  if (![...select.options].some((option) => option.value === value)) select.add(new Option(label, value));
  select.value = value;
}

const every = (count) => (count === null ? NEVER : String(count));
const count = (value) => (value === NEVER ? null : Number(value));

function showDelay(ms) {
  const text = ms === 0 ? "none" : `up to ${Number((ms / 1000).toFixed(2))} s, out of order`;
  field("delay-text").textContent = text;
  field("delay").setAttribute("aria-valuetext", text);
}

function limitsOf(limits) {
  if (!limits) return { value: "off", label: "Off" };
  const { per_second, per_minute, headers } = limits;
  const ours = per_second === LIMITS.per_second && per_minute === LIMITS.per_minute;
  const label = `${per_second} a second, ${per_minute} a minute${headers === "full" ? "" : ", without headers"}`;
  return { value: ours ? headers : JSON.stringify(limits), label };
}

function chosenLimits() {
  const { value } = field("limits");
  if (value === "off") return null;
  return value.startsWith("{") ? JSON.parse(value) : { ...LIMITS, headers: value };
}

function echoesOf(echoes) {
  if (echoes.timing !== "late" || echoes.ms === LATE_MS) return { value: echoes.timing, label: echoes.timing };
  return { value: JSON.stringify(echoes), label: `${echoes.ms / 1000} s late` };
}

function chosenEchoes() {
  const { value } = field("echoes");
  if (value.startsWith("{")) return JSON.parse(value);
  return value === "late" ? { timing: value, ms: LATE_MS } : { timing: value };
}

function show({ disorder, echoes, rate_limits }) {
  const delay = field("delay");
  // Set over HTTP it may be longer than the slider.
  delay.max = Math.max(delay.max, disorder.delay_ms.max);
  delay.value = disorder.delay_ms.max;
  showDelay(disorder.delay_ms.max);
  for (const [id, value] of [["duplicates", disorder.duplicate_every], ["lost", disorder.lose_every]]) {
    choose(id, every(value), `Every ${value}th`);
  }
  const [echo, limits] = [echoesOf(echoes), limitsOf(rate_limits)];
  choose("echoes", echo.value, echo.label);
  choose("limits", limits.value, limits.label);
}

async function load() {
  show(await (await ask("/dial")).json());
}

/** Puts what the panel shows into the dial as it stands now. */
async function save() {
  const dial = await (await ask("/dial")).json();
  const max = Number(field("delay").value);
  dial.disorder.delay_ms = { min: Math.min(dial.disorder.delay_ms.min, max), max };
  dial.disorder.duplicate_every = count(field("duplicates").value);
  dial.disorder.lose_every = count(field("lost").value);
  dial.echoes = chosenEchoes();
  dial.rate_limits = chosenLimits();
  show(await (await ask("/dial", "PUT", dial)).json());
  tell("Saved.");
}

const chosen = (id) => field(id).selectedOptions[0].text.toLowerCase();

async function failNext(id, call, subject) {
  await ask("/faults", "POST", { call, fault: FAULTS[field(id).value] });
  tell(`${subject}: ${chosen(id)}.`);
}

async function failNextFetch() {
  await ask("/file-faults", "POST", FILE_FAULTS[field("fetch").value]);
  tell(`The next file that is fetched: ${chosen("fetch")}.`);
}

async function expire() {
  await ask("/expire-files", "POST");
  tell("Links to files so far have expired.");
}

// One change after the other: each saves the whole dial.
let busy = Promise.resolve();
function run(action) {
  busy = busy.then(action).catch((error) => tell(`That didn't work: ${error.message}`));
}

for (const id of ["delay", "duplicates", "lost", "echoes", "limits"]) {
  field(id).addEventListener("change", () => run(save));
}
field("delay").addEventListener("input", () => showDelay(Number(field("delay").value)));
// An upload fails in the same ways as a message.
field("upload").append(...[...field("fault").options].map((option) => option.cloneNode(true)));
field("fault-set").addEventListener("click", () => run(() => failNext("fault", "send_message", "The agent's next message")));
field("upload-set").addEventListener("click", () => run(() => failNext("upload", "upload_attachment", "The agent's next file")));
field("fetch-set").addEventListener("click", () => run(failNextFetch));
field("expire").addEventListener("click", () => run(expire));
document.getElementById("disorder").addEventListener("toggle", () => run(load));
run(load);
