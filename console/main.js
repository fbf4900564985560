// Starts the page: who is signed in, and which view is shown.

import * as actions from "./actions.js";
import * as api from "./api.js";
import * as attachments from "./attachments.js";
import * as attention from "./attention.js";
import * as cannedDialog from "./canned-dialog.js";
import * as colleagues from "./colleagues.js";
import * as conversation from "./conversation.js";
import * as details from "./details.js";
import { ask } from "./dialogs.js";
import { at, avatar, mark } from "./dom.js";
import * as duty from "./duty.js";
import * as failed from "./failed.js";
import * as intake from "./intake.js";
import * as keyboard from "./keyboard.js";
import { format, texts } from "./language.js";
import * as languages from "./languages.js";
import * as lightbox from "./lightbox.js";
import { forgetTexts, remembered } from "./memory.js";
import * as menu from "./menu.js";
import * as notices from "./notices.js";
import * as offers from "./offers.js";
import * as outbox from "./outbox.js";
import * as ownership from "./ownership.js";
import * as palette from "./palette.js";
import * as picker from "./picker.js";
import * as platforms from "./platforms.js";
import * as presence from "./presence.js";
import * as queue from "./queue.js";
import * as reports from "./reports-link.js";
import * as settingsDialog from "./settings-dialog.js";
import * as signin from "./signin.js";
import { forgetAll, now, on, set } from "./store.js";
import * as stream from "./stream.js";
import * as sync from "./sync.js";
import * as threads from "./threads.js";
import * as welcome from "./welcome.js";

/** Shorter interruptions show no banner: for example, another tab may be taking over the stream. */
const BANNER_AFTER_MS = 1500;
const AGAIN_MS = 2000;

function setUp() {
  for (const part of [attention, queue, conversation, attachments, intake, lightbox, details, keyboard]) part.setUp();
  for (const part of [cannedDialog, duty, colleagues, settingsDialog, picker, platforms]) part.setUp();
  for (const part of [presence, ownership, offers, failed, welcome]) part.setUp();
  notices.setUp({ giveBack: actions.giveBack, sendAgain: failed.sendAgain });
  languages.setUp(mayReload);
  signin.setUp((session) => {
    stream.tellTabs("signed-in");
    enter(session);
  });
  const items = { settings: settingsDialog.open, canned: cannedDialog.manage, keys: keyboard.help, "sign-out": signOut };
  menu.setUp(items);
  palette.setUp(() => [...keyboard.commands(), ...menu.commands(items), duty.command()]);
  const sessionEnded = () => leave(texts.sign_in.ended);
  const dutyChanged = () => now.me && colleagues.load();
  const ofTabs = { "signed-in": look, "signed-out": beginAnew, "session-ended": sessionEnded, "duty-changed": dutyChanged };
  stream.listen({ ...sync.handlers, ...ofTabs });
  api.onSignedOut(sessionEnded);
  on("connection", connectionChanged);
  at("retry-now").addEventListener("click", stream.retryNow);
  at("skip").addEventListener("click", (event) => {
    event.preventDefault();
    at("conversation").focus();
  });
  addEventListener("hashchange", route);
  // Texts survive a reload, files don't. So the browser asks for confirmation.
  addEventListener("beforeunload", (event) => unsentFiles() > 0 && event.preventDefault());
  // A page from the browser's back-forward cache has missed all changes.
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}

/** Uses a sign-in link, or asks the relay who is signed in. Does not ask if nobody ever signed in with this browser. */
function begin() {
  const code = signin.takeCode();
  // An agent who is signed in may open an old link again.
  if (code) signin.withCode(code, remembered.signedIn ? look : null);
  else if (remembered.signsOut) endSession();
  else if (remembered.signedIn) look();
  else leave();
}

async function look() {
  try {
    enter(await api.session());
  } catch (error) {
    if (error.status === 401) leave();
    else {
      at("banner").hidden = false;
      setTimeout(look, AGAIN_MS);
    }
  }
}

function enter({ agent, teams, fields, outcomes }) {
  if (now.me) return;
  [remembered.signedIn, remembered.signsOut] = [true, false];
  signin.hide();
  at("banner").hidden = true;
  at("desk").hidden = false;
  at("account-face").replaceChildren(avatar(agent.name));
  at("account-name").textContent = agent.name;
  set("fields", fields);
  set("outcomes", outcomes);
  set("me", agent);
  reports.offer(teams === null);
  outbox.begin();
  sync.begin();
  route();
  if (document.activeElement === document.body) queue.focusRow(null);
}

/** The number of files that are attached or being uploaded. */
const unsentFiles = () => attachments.number() + outbox.filesOnTheirWay();

/** Shows the sign-in form, and removes all conversations from the page. */
function leave(why = "") {
  if (!now.me && !at("sign-in").hidden) return signin.show(why);
  const lost = unsentFiles();
  if (lost > 0) why += ` ${format(texts.sign_out.not_sent, { number: lost })}`;
  attachments.forgetAll();
  stream.stop();
  sync.stop();
  outbox.stop();
  conversation.open(null);
  reports.offer(false);
  reports.hide();
  threads.forget(null);
  forgetAll();
  set("me", null);
  set("connection", "connecting");
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  at("desk").hidden = true;
  at("banner").hidden = true;
  attention.renderTitle();
  signin.show(why);
}

/** Reloads the page, so that nothing stays in its memory. */
function beginAnew() {
  attachments.forgetAll();
  outbox.stop();
  forgetTexts();
  location.replace(location.pathname);
}

/** Whether the page may be left, with files that are not sent yet. `title` and `yes` are of the question. */
async function mayLoseFiles(title, yes) {
  const number = unsentFiles();
  return number === 0 || ask({ title, text: format(texts.page.files_lost, { number }), yes, tone: "bad" });
}

/** Another language takes another page. What is stored is there again. */
async function mayReload() {
  const may = await mayLoseFiles(texts.settings.language_title, texts.settings.language_yes);
  if (may) {
    attachments.forgetAll();
    outbox.stop();
  }
  return may;
}

async function signOut() {
  if (!(await mayLoseFiles(texts.sign_out.title, texts.sign_out.yes))) return;
  [remembered.signedIn, remembered.signsOut] = [false, true];
  forgetTexts();
  // The relay closes the stream when the session ends. Stop it first, so that no tab tries to open it again.
  stream.stop();
  stream.tellTabs("signed-out");
  endSession();
}

/** Ends the session, once the relay can be reached: until then it is still valid. */
async function endSession() {
  // Somebody has signed in since: that was another session.
  if (!remembered.signsOut) return;
  try {
    await api.signOut();
  } catch (error) {
    if (error.passes) {
      attachments.forgetAll();
      leave(texts.sign_out.unfinished);
      return void setTimeout(endSession, AGAIN_MS);
    }
  }
  remembered.signsOut = false;
  beginAnew();
}

/** Shows the view that the address names: a conversation, the reports, or the queue. */
function route() {
  if (location.hash.startsWith("#code=")) return now.me ? location.reload() : begin();
  if (!now.me) return;
  const id = /^#\/c\/([\w-]+)$/.exec(location.hash)?.[1] ?? null;
  const was = now.open;
  conversation.open(id);
  if (reports.isAsked()) return reports.show();
  mark(at("desk"), "data-view", id ? "conversation" : "queue");
  reports.hide();
  if (!id && was) queue.focusRow(was);
}

let bannerTimer = null;

function connectionChanged(connection) {
  clearTimeout(bannerTimer);
  mark(at("desk"), "data-connection", connection);
  if (connection === "open") {
    at("banner").hidden = true;
    outbox.sendAll();
  } else if (connection === "offline") {
    bannerTimer = setTimeout(() => (at("banner").hidden = false), BANNER_AFTER_MS);
  }
}

setUp();
begin();
