// Runs before the page is drawn, while its modules still load: whoever is known to be signed in here sees the desk at
// once, others the form. Whether it was right turns out when the modules ask the relay.
{
  let known = /^#code=/.test(location.hash);
  try {
    known ||= JSON.parse(localStorage.getItem("handoff-relay.settings")).signedIn;
  } catch {
    // Nothing is remembered.
  }
  document.getElementById(known ? "desk" : "sign-in").hidden = false;
  document.getElementById("conversation-none").hidden = location.hash.startsWith("#/c/");
}
