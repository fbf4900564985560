// Runs before the page is drawn, while its modules still load. Puts the language's texts into the page, and shows the desk
// if the browser remembers a sign-in, else the sign-in form. The modules then ask the relay, and correct a wrong guess.
{
  const { direction, texts } = globalThis.language;
  const text = (path) => path.split(".").reduce((part, key) => part[key], texts);
  document.documentElement.dir = direction;
  for (const [name, attribute] of Object.entries({ label: "aria-label", title: "title", placeholder: "placeholder" }))
    for (const element of document.querySelectorAll(`[data-text-${name}]`))
      element.setAttribute(attribute, text(element.getAttribute(`data-text-${name}`)));
  for (const element of document.querySelectorAll("[data-text]")) {
    // Elements within a text have a place in it, which each language chooses.
    const places = Object.fromEntries([...element.children].map((child) => [child.dataset.place, child]));
    const parts = text(element.dataset.text).split(/\{(\w+)\}/);
    element.replaceChildren(...parts.map((part, index) => (index % 2 ? places[part] : part)));
  }
}
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
