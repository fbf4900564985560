// Sign-in with a link that works once, or with the form.

import * as api from "./api.js";
import { at } from "./dom.js";
import { format, texts } from "./language.js";
import { choice } from "./languages.js";

let signedIn = () => {};

/** Sets the form up. `done(session)` is called after a sign-in. */
export function setUp(done) {
  signedIn = done;
  at("sign-in-form").append(choice("sign-in"));
  at("sign-in-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    await trySignIn({ token: at("token").value.trim() });
  });
}

/** Shows the form, with the reason. */
export function show(why = "") {
  at("desk").hidden = true;
  at("sign-in").hidden = false;
  at("sign-in-problem").textContent = why;
  at("token").focus();
}

export function hide() {
  at("token").value = "";
  at("sign-in").hidden = true;
}

/** Removes the code from the address and returns it; null if there is none. */
export function takeCode() {
  const code = /^#code=(.+)$/.exec(location.hash)?.[1];
  if (!code) return null;
  history.replaceState(null, "", location.pathname);
  try {
    return decodeURIComponent(code);
  } catch {
    // It is no code of the relay's, which says so.
    return code;
  }
}

/** Signs in with a link's code. If that fails, calls `otherwise`, or shows the form. */
export async function withCode(code, otherwise) {
  try {
    signedIn(await api.signIn({ code }));
  } catch (error) {
    if (otherwise) otherwise();
    else show(words(error, { code }));
  }
}

async function trySignIn(proof) {
  const button = at("sign-in-button");
  button.disabled = true;
  at("sign-in-problem").textContent = "";
  try {
    const session = await api.signIn(proof);
    hide();
    signedIn(session);
  } catch (error) {
    at("sign-in-problem").textContent = words(error, proof);
    at("token").focus();
  } finally {
    button.disabled = false;
  }
}

function words(error, { code }) {
  if (error.status === 401 && code) return texts.sign_in.used_link;
  if (error.status === 401) return texts.sign_in.wrong_token;
  if (error.status === 429) return format(texts.sign_in.too_many, { number: error.retryAfter ?? 60 });
  return error.message;
}
