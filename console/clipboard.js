// Copying to the clipboard, and saying whether that worked.

import { toast } from "./dom.js";

/** Copies a text. `what` names it where the browser refuses. Resolves to whether it is copied. */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied.");
    return true;
  } catch {
    toast(`The browser does not allow copying. Select the ${what} and copy it yourself.`, "bad");
    return false;
  }
}
