// Signing in: a link with a code that is good for once, or the form with its one field.

import * as api from "./api.js";
import { at } from "./dom.js";

let signedIn = () => {};

/** Sets the form up. `done(session)` is called with who has signed in. */
export function setUp(done) {
  signedIn = done;
  at("sign-in-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    await trySignIn({ token: at("token").value.trim() });
  });
}

/** Shows the form, with a sentence why. */
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

/** Takes the code out of the address, where it must not stay. Null if there is none. */
export function takeCode() {
  const code = /^#code=(.+)$/.exec(location.hash)?.[1];
  if (!code) return null;
  history.replaceState(null, "", location.pathname);
  return decodeURIComponent(code);
}

/** Signs in with a link's code. If that fails, does what it is told, or shows the form. */
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
  if (error.status === 401 && code) return "This link has been used or is too old. Sign in with your token.";
  if (error.status === 401) return "This token is not known here. Check that it is whole.";
  if (error.status === 429) return `Too many failed attempts. Try again in ${error.retryAfter ?? 60} seconds.`;
  return error.message;
}
