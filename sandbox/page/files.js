// How files look in the conversation: pictures, players, and a tile for everything else. Names are text and never
// markup. Nothing is loaded from elsewhere: a file that Ada doesn't keep is a link.

/** What browsers show in an <img>, where not even an SVG runs anything. */
const PICTURES = new Set([
  "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp", "image/svg+xml",
]);
const OURS = "/chat/api/";
const SVG = "http://www.w3.org/2000/svg";
const DOCUMENT = "M5 2.5h6.5L15.5 6.5v11H5zM11.5 2.5v4h4";

const viewer = document.getElementById("viewer");
const part = (name) => document.getElementById(`viewer-${name}`);

function make(tag, className, ...content) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...content);
  return made;
}

/** A size for people: 50 MB is Ada's limit of 52,428,800 bytes. */
export function sizeText(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1000 * 1024) return `${(bytes / 1024).toFixed(bytes < 10_240 ? 1 : 0)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

/** Shows a message's file. `grown` is called when it has become taller. */
export function fileContent({ url, mime_type, filename }, size, grown) {
  if (!url?.startsWith(OURS)) return tile(/^https?:\/\//i.test(url) ? url : null, filename, null, true);
  const type = mime_type.split(";")[0].trim().toLowerCase();
  const asTile = () => tile(url, filename, size);
  if (PICTURES.has(type)) return picture(url, filename, asTile, grown);
  if (type.startsWith("audio/") || type.startsWith("video/")) {
    return player(type.slice(0, 5), url, filename, size, asTile, grown);
  }
  return asTile();
}

function picture(url, filename, asTile, grown) {
  const image = make("img", "");
  image.alt = filename;
  image.addEventListener("load", grown);
  image.src = url;
  const button = make("button", "picture", image);
  button.type = "button";
  button.setAttribute("aria-label", `Open picture ${filename}`);
  button.addEventListener("click", () => open(url, filename));
  image.addEventListener("error", () => button.replaceWith(asTile()));
  return button;
}

function player(kind, url, filename, size, asTile, grown) {
  const media = make(kind, "");
  media.controls = true;
  media.preload = "metadata";
  media.setAttribute("aria-label", filename);
  media.addEventListener("loadedmetadata", grown);
  media.src = url;
  const figure = make("figure", "player", media, tile(url, filename, size));
  media.addEventListener("error", () => figure.replaceWith(asTile()));
  return figure;
}

/** A link with icon, name, kind and size: a long name may hide its end. Without an address it is no link. */
function tile(url, filename, size, elsewhere = false) {
  const name = make("bdi", "name", filename);
  const kind = /\.(\w{1,8})$/.exec(filename)?.[1].toUpperCase();
  const place = elsewhere ? "On another site" : sizeText(size);
  const detail = make("span", "detail", kind ? `${kind} · ${place}` : place);
  const made = make(url ? "a" : "span", "tile", icon(), make("span", "facts", name, detail));
  made.title = filename;
  if (!url) return made;
  made.href = url;
  if (elsewhere) {
    made.target = "_blank";
    made.rel = "noopener noreferrer";
  } else {
    made.download = filename;
    made.setAttribute("aria-label", `Download ${filename}, ${sizeText(size)}`);
  }
  return made;
}

function icon() {
  const drawn = document.createElementNS(SVG, "svg");
  drawn.setAttribute("viewBox", "0 0 20 20");
  drawn.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", DOCUMENT);
  drawn.append(path);
  return drawn;
}

/** Shows a picture as large as the window allows. Escape closes it, and the focus goes back by itself. */
function open(url, filename) {
  part("image").src = url;
  part("image").alt = filename;
  part("name").textContent = filename;
  part("download").href = url;
  part("download").download = filename;
  viewer.showModal();
}

part("close").addEventListener("click", () => viewer.close());
// Beside the picture and its bar there is only the dialog itself.
viewer.addEventListener("click", (event) => {
  if (event.target === viewer) viewer.close();
});
viewer.addEventListener("close", () => part("image").removeAttribute("src"));
