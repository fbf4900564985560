// Gets the agent's attention with a number in the title, a sound, or a notification. Each can be switched off, and the
// browser remembers it. If several tabs are open, only the one that reads the event stream makes sounds and
// notifications.

import { announce, batched, toast } from "./dom.js";
import { format, texts } from "./language.js";
import { lists } from "./lists.js";
import { attention, remembered } from "./memory.js";
import { announceWaiting } from "./queue.js";
import { isOfferedToMe, offeredToOther } from "./offers.js";
import { handoff, isMine, now, on } from "./store.js";
import { isReader } from "./stream.js";
import { customer, preview } from "./words.js";

const NAME = "handoff-relay";
const tab = Math.random().toString(36).slice(2);
/** A sound so soon after another one would be the same to the ear. */
const RINGS_AGAIN_MS = 1000;
/** The waiting handoffs that have been announced already, each with the offer to this agent that has been. */
let known = null;
let rangAt = -Infinity;
let sounds = null;

export function setUp() {
  const update = batched(() => {
    renderTitle();
    noticeWaiting();
  });
  for (const topic of ["handoff", "open", "me", "queue"]) on(topic, update);
  on("heard", noticeMessage);
  for (const name of ["focus", "blur", "pagehide"]) window.addEventListener(name, noteAttention);
  on("open", noteAttention);
  noteAttention();
  // Browsers let a page play sounds only after the user has clicked or typed.
  for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, unlockSound, { once: true });
}

function noteAttention(event) {
  const has = event?.type !== "pagehide" && document.hasFocus();
  if (has) attention.set({ tab, open: now.open });
  else if (attention.get()?.tab === tab) attention.set(null);
}

/** How many people wait for this agent: for an answer, or for the agent to accept what is offered to them. */
const pressing = () =>
  lists().mine.filter((one) => one.waiting_for_answer_since).length + lists().waiting.filter(isOfferedToMe).length;

export function renderTitle() {
  const number = now.me && remembered.badge ? pressing() : 0;
  const open = now.me && now.open && handoff(now.open);
  document.title = `${number > 0 ? `(${number}) ` : ""}${open ? `${customer(open)} · ` : ""}${NAME}`;
}

function noticeWaiting() {
  if (!now.me || now.queue !== "ready") {
    known = null;
    return;
  }
  const { waiting } = lists();
  const offerOf = (one) => (isOfferedToMe(one) ? one.offer.until : null);
  const offered = known ? waiting.filter((one) => offerOf(one) && known.get(one.id) !== offerOf(one)) : [];
  const fresh = known ? waiting.filter((one) => !known.has(one.id) && !offerOf(one)) : [];
  known = new Map(waiting.map((one) => [one.id, offerOf(one)]));
  for (const one of offered) {
    announce(format(texts.offers.announced, { customer: customer(one) }));
    call(one, texts.alerts.offered, "");
  }
  for (const one of fresh.slice(0, 3)) {
    announceWaiting(one);
    if (offeredToOther(one) === null) call(one, texts.alerts.waiting, "");
  }
}

function noticeMessage(row) {
  const one = handoff(row.handoff_id);
  const speaks = row.author.role === "end_user" && (row.source === "webhook" || row.source === "recovered");
  if (one && speaks && isMine(one)) call(one, texts.alerts.wrote, preview(row, one));
}

/**
 * Gets the agent's attention for what a notice on the page says, wherever they are in it. The text `what` has a place for the
 * customer.
 */
export function alertTo(one, what) {
  sound();
  if (remembered.notifications && !attention.get()) notify(one, what, "");
}

/** Gets the agent's attention, unless the conversation is in view already. */
function call(one, what, text) {
  if (!isReader()) return;
  const looking = attention.get();
  if (looking?.open === one.id) return;
  sound();
  if (remembered.notifications && !looking) notify(one, what, text);
}

const notify = (one, what, text) =>
  show(
    format(what, { customer: customer(one) }),
    { body: text.slice(0, 120), tag: one.id },
    () => (location.hash = `#/c/${one.id}`),
  );

function show(title, options, open = () => {}) {
  if (globalThis.Notification?.permission !== "granted") return;
  try {
    const shown = new Notification(title, { ...options, icon: "/console/icon.svg" });
    shown.onclick = () => {
      window.focus();
      open();
      shown.close();
    };
  } catch {
    // Some mobile browsers only let service workers show notifications.
  }
}

function unlockSound() {
  if (remembered.sound) sounds ??= new AudioContext();
}

/** Makes the sound, if it is on. */
function sound() {
  if (!remembered.sound || performance.now() - rangAt < RINGS_AGAIN_MS) return;
  rangAt = performance.now();
  ring();
}

/** Two soft notes. */
function ring() {
  sounds ??= new AudioContext();
  sounds.resume();
  [660, 880].forEach((pitch, index) => {
    const begin = sounds.currentTime + index * 0.14;
    const [tone, volume] = [sounds.createOscillator(), sounds.createGain()];
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0, begin);
    volume.gain.linearRampToValueAtTime(0.12, begin + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, begin + 0.35);
    tone.connect(volume).connect(sounds.destination);
    tone.start(begin);
    tone.stop(begin + 0.4);
  });
}

/** Shows what the sound and a notification are like, as far as they are on. */
export function tryOut() {
  if (remembered.sound) ring();
  if (remembered.notifications) show(texts.alerts.test, { body: texts.alerts.test_about, tag: "test" });
  if (!remembered.sound && !remembered.notifications) toast(texts.alerts.all_off);
}

/** Reacts to a changed setting. Resolves to whether it may be on. */
export async function switched(name, wanted) {
  if (name === "sound" && wanted) ring();
  if (name === "notifications" && wanted) return allowNotifications();
  if (name === "badge") setTimeout(renderTitle);
  return wanted;
}

async function allowNotifications() {
  const answer = globalThis.Notification ? await Notification.requestPermission() : "denied";
  if (answer !== "granted") toast(texts.alerts.not_allowed, "bad");
  return answer === "granted";
}
