// Copying to the clipboard, and saying whether that worked.

import { toast } from "./dom.js";
import { texts } from "./language.js";

/** Copies a text. Resolves to whether it is copied. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast(texts.common.copied);
    return true;
  } catch {
    toast(texts.page.copy_refused, "bad");
    return false;
  }
}
