// Runs before the page is drawn, while its modules still load. Shows the desk if the browser remembers a sign-in, else
// the sign-in form. The modules then ask the relay, and correct a wrong guess.
{
  let known = /^#code=/.test(location.hash);
  try {
    known ||= JSON.parse(localStorage.getItem("handoff-relay.settings")).signedIn;
  } catch {
    // The browser remembers nothing.
  }
  document.getElementById(known ? "desk" : "sign-in").hidden = false;
  document.getElementById("conversation-none").hidden = location.hash.startsWith("#/c/");
}
